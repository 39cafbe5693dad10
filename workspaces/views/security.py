"""The **Security** pages: one's own second factors, and the workspace's policy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)
from django_htmx.http import HttpResponseClientRedirect

from workspaces import factors
from workspaces.clock import database_now
from workspaces.errors import FactorError
from workspaces.factor_forms import NameForm, PasswordForm, PolicyForm
from workspaces.factors import (
    changes,
    kinds,
    passkeys,
    policy,
    proof,
    recovery,
    vouched,
)
from workspaces.middleware import page_of_form
from workspaces.permissions import Permission, WorkspaceRequest, can, requires
from workspaces.views import proving
from workspaces.views.second_step import go_to

P = ParamSpec("P")
View = Callable[Concatenate[WorkspaceRequest, P], HttpResponse]
_PAGE = "workspaces:security"


def of_member(view: View[P]) -> View[P]:
    """Let a view run for every member of a workspace, whatever the role.

    Also for superusers in none: the Django admin asks them for a second factor.
    """

    @wraps(view)
    def guarded(
        request: WorkspaceRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if request.membership is None and not request.user.is_superuser:
            return render(request, "workspaces/no_workspace.html", status=403)
        return view(request, *args, **kwargs)

    return cast("View[P]", guarded)


def proven(view: View[P]) -> View[P]:
    """Let a view run in a session that just proved who it is; else ask for that first."""

    @wraps(view)
    def guarded(
        request: WorkspaceRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if proof.is_fresh(request, now=database_now()):
            return view(request, *args, **kwargs)
        back = request.path if request.method == "GET" else page_of_form(request)
        query = urlencode({"next": back or reverse(_PAGE)}, safe="/")
        url = f"{reverse('workspaces:confirm')}?{query}"
        if request.htmx:
            return HttpResponseClientRedirect(url)
        return redirect(url)

    return cast("View[P]", guarded)


@never_cache
@require_GET
@of_member
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show the person's factors by kind."""
    now = database_now()
    found = factors.usable(request.user, now)
    is_required = request.workspace is None or request.workspace.require_two_steps
    missing = is_required and not found
    return render(
        request,
        "workspaces/security.html",
        {
            "kinds": [_kind(kind, found) for kind in kinds.kinds() if kind.title],
            "codes_left": recovery.left(request.user) if found else 0,
            "has_password": request.user.has_usable_password(),
            "codes": next((f for f in found if f.kind == factors.RECOVERY), None),
            "has_factor": bool(found),
            "is_missing": missing,
            "next": go_to(request),
            "may_set_policy": can(request.membership, Permission.MANAGE_POLICY),
        },
    )


@never_cache
@require_http_methods(["GET", "POST"])
@of_member
def confirm(request: WorkspaceRequest) -> HttpResponse:
    """Ask who is there again: a factor, or the password of who has none."""
    now = database_now()
    found = proving.ways(request.user, now)
    if not found:
        return _confirm_with_password(request, now)
    factor = proving.chosen(request, found)
    own = proving.own_page(
        factor, purpose=factors.Purpose.CONFIRM, go_to=go_to(request)
    )
    if own:
        return own
    form: Any = proving.form_for(factor, request)
    error = ""
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            device = proving.prove(
                request, request.user, factor, purpose=factors.Purpose.CONFIRM, now=now
            )
        except factors.TooManyAttempts as too_many:
            return proving.locked(request, too_many, now=now)
        except proving.WrongProof as wrong:
            error = wrong.message
            if form:
                form.add_error("code", error)
        else:
            proof.note_factor(request, device, now=now)
            return redirect(go_to(request) or _PAGE)
    others = [other for other in found if other.id != factor.id]
    return _confirm_page(request, form, factor=factor, others=others, error=error)


@never_cache
@require_POST
@of_member
def confirm_passkey(request: WorkspaceRequest) -> HttpResponse:
    """Answer with what a passkey is to sign; 404 for who has none."""
    if not any(passkeys.devices(request.user)):
        raise Http404
    return proving.passkey_options(
        request, request.user, purpose=factors.Purpose.CONFIRM, now=database_now()
    )


@require_http_methods(["GET", "POST"])
@of_member
def rename(request: WorkspaceRequest, factor_id: UUID) -> HttpResponse:
    """Ask for a factor's new name, and give it."""
    factor = _own(request, factor_id)
    form = NameForm(
        request.POST if request.method == "POST" else None,
        initial={"name": factor.name},
    )
    if request.method == "POST" and form.is_valid():
        changes.rename(factor, name=form.cleaned_data["name"])
        return _back(request)
    return _dialog(request, "workspaces/security_rename.html", factor, form=form)


@require_http_methods(["GET", "POST"])
@of_member
@proven
def delete(request: WorkspaceRequest, factor_id: UUID) -> HttpResponse:
    """Ask, then delete a factor."""
    factor = _own(request, factor_id)
    if request.method == "POST":
        try:
            changes.delete(request.user, factor.id, now=database_now())
        except FactorError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{factor.name} is deleted.")
        return redirect(_PAGE)
    requiring = changes.requires_two_steps(request.user)
    found = factors.usable(request.user)
    others = [f for f in found if f.id != factor.id and f.kind != factors.RECOVERY]
    only_way_in = changes.is_last_way_in(request.user, factor, others)
    return _dialog(
        request,
        "workspaces/security_delete.html",
        factor,
        is_last=not others,
        only_way_in=only_way_in,
        requiring=requiring if not others else None,
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
@proven
def security_policy(request: WorkspaceRequest) -> HttpResponse:
    """Show and change what the workspace asks of everybody who logs in."""
    workspace = request.workspace
    form = PolicyForm(
        request.POST if request.method == "POST" else None,
        initial={
            "require_two_steps": workspace.require_two_steps,
            "confirm_minutes": workspace.confirm_minutes,
        },
    )
    if request.method == "POST" and form.is_valid():
        policy.change(workspace, **form.cleaned_data, actor=request.user)
        messages.success(request, "The security policy is saved.")
        return redirect("workspaces:security_policy")
    context = {"form": form, "has_factor": bool(factors.usable(request.user))}
    status = 422 if form.is_bound else 200
    return render(request, "workspaces/security_policy.html", context, status=status)


def _confirm_with_password(request: WorkspaceRequest, now: datetime) -> HttpResponse:
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        # By way of the log-in's own check, which counts and records what is wrong.
        password = form.cleaned_data["password"]
        user = authenticate(request, username=request.user.email, password=password)
        if user is not None and user.pk == request.user.pk:
            proof.note_password(request, now=now)
            return redirect(go_to(request) or _PAGE)
        form.add_error("password", "This is not your password. Check it.")
    return _confirm_page(request, form)


def _confirm_page(
    request: WorkspaceRequest, form: Any, error: str = "", **context: Any
) -> HttpResponse:
    return render(
        request,
        "workspaces/confirm.html",
        {
            "form": form,
            "error": error,
            "begin_url": reverse("workspaces:confirm_passkey"),
            "next": go_to(request),
            "is_vouched": vouched.is_vouched(request),
            **context,
        },
        status=422 if request.method == "POST" else 200,
    )


def _own(request: WorkspaceRequest, factor_id: UUID) -> kinds.Factor:
    factor = factors.usable_one(request.user, str(factor_id))
    if factor is None:
        raise Http404
    return factor


def _kind(kind: kinds.Kind, found: list[kinds.Factor]) -> dict[str, Any]:
    return {
        "kind": kind,
        "factors": [factor for factor in found if factor.kind == kind.name],
        "add_url": reverse(kind.add_url) if kind.add_url else "",
    }


def _dialog(
    request: WorkspaceRequest, template: str, factor: kinds.Factor, **context: Any
) -> HttpResponse:
    part = "#dialog" if request.htmx else ""
    form = context.get("form")
    return render(
        request,
        template + part,
        {"factor": factor, "cancel_url": reverse(_PAGE), **context},
        status=422 if form and form.is_bound else 200,
    )


def _back(request: WorkspaceRequest) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRedirect(reverse(_PAGE))
    return redirect(_PAGE)
