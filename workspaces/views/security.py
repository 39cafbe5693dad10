"""The **Security** pages: one's own second factors, and the workspace's policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
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
from workspaces.factor_forms import NameForm, NewAppForm, PasswordForm, PolicyForm
from workspaces.factors import (
    authenticator,
    changes,
    kinds,
    passkeys,
    policy,
    proof,
    recovery,
)
from workspaces.middleware import page_of_form
from workspaces.permissions import Permission, WorkspaceRequest, can, requires
from workspaces.views import proving
from workspaces.views.second_step import go_to

P = ParamSpec("P")
View = Callable[Concatenate[WorkspaceRequest, P], HttpResponse]
_PAGE = "workspaces:security"
_CHALLENGE = "passkey_challenge_enrol"
_RECOVERY_CODE = re.compile(r"[A-Z2-9]{4}(-[A-Z2-9]{4}){3}")


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


@never_cache
@require_POST
@of_member
@proven
def start_authenticator(request: WorkspaceRequest) -> HttpResponse:
    """Make a key, and go to the page that shows it."""
    app = authenticator.start(request.user, now=database_now())
    url = reverse("workspaces:authenticator", args=[app.public_id])
    wanted = go_to(request)
    return redirect(f"{url}?{urlencode({'next': wanted})}" if wanted else url)


@never_cache
@require_http_methods(["GET", "POST"])
@of_member
@proven
def authenticator_app(request: WorkspaceRequest, factor_id: UUID) -> HttpResponse:
    """Show the key of an app that is being set up, and turn it on by its first code."""
    now = database_now()
    app = authenticator.started(request.user, factor_id, now=now)
    if app is None:
        raise Http404
    form = NewAppForm(
        request.POST if request.method == "POST" else None, initial={"name": app.name}
    )
    if request.method == "POST" and form.is_valid():
        code = "".join(form.cleaned_data["code"].split())
        name = form.cleaned_data["name"]
        if authenticator.finish(app, code, name=name, now=now):
            return _added(request, app, f"{name} is set up.", now=now)
        form.add_error("code", proving.WRONG_CODE)
    context = {
        "form": form,
        # Made here from our own key: black and white squares, no text of anybody.
        "qr_code": mark_safe(authenticator.qr_code(app)),  # noqa: S308
        "key": authenticator.grouped(authenticator.key_of(app)),
        "next": go_to(request),
    }
    status = 422 if form.is_bound else 200
    return render(request, "workspaces/security_app.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@of_member
@proven
def passkey(request: WorkspaceRequest) -> HttpResponse:
    """Add the passkey that the browser made."""
    is_post = request.method == "POST"
    form = NameForm(
        request.POST if is_post else None, initial={"name": _browser(request)}
    )
    if is_post and form.is_valid():
        now = database_now()
        try:
            device = passkeys.complete_enrolment(
                request.user,
                request.session.pop(_CHALLENGE, None),
                proving.answer_of(request),
                name=form.cleaned_data["name"],
                now=now,
            )
        except factors.PasskeyRefused:
            form.add_error(None, "Your browser made no passkey. Try again.")
        else:
            return _added(request, device, f"{device.name} is added.", now=now)
    context = {"form": form, "next": go_to(request)}
    status = 422 if form.is_bound else 200
    return render(request, "workspaces/security_passkey.html", context, status=status)


@never_cache
@require_POST
@of_member
@proven
def passkey_begin(request: WorkspaceRequest) -> HttpResponse:
    """Answer with what the browser is to make."""
    ceremony = passkeys.begin_enrolment(request.user, now=database_now())
    request.session[_CHALLENGE] = ceremony.challenge_id
    return JsonResponse(ceremony.options)


@never_cache
@require_http_methods(["GET", "POST"])
@of_member
@proven
def recovery_codes(request: WorkspaceRequest) -> HttpResponse:
    """Ask, then make ten codes and show them: in this answer and never again."""
    now = database_now()
    if not factors.usable(request.user, now):
        messages.error(request, "Set up a passkey or an authenticator app first.")
        return redirect(_PAGE)
    context: dict[str, Any] = {"left": recovery.left(request.user)}
    if request.method == "POST":
        context["codes"] = recovery.generate(request.user, now=now)
        context["lines"] = "\n"
    return render(request, "workspaces/security_recovery.html", context)


@never_cache
@require_POST
@of_member
def download_recovery_codes(request: WorkspaceRequest) -> HttpResponse:
    """Give the codes of the page back as a file. They are nowhere else in clear."""
    codes = request.POST.getlist("code")
    well_formed = all(_RECOVERY_CODE.fullmatch(code) for code in codes)
    if len(codes) != recovery.COUNT or not well_formed:
        return redirect("workspaces:recovery_codes")
    lines = [
        f"Keyway recovery codes of {request.user.email}",
        "Each is good once, in place of your passkey or authenticator app.",
        "",
        *codes,
    ]
    return HttpResponse(
        "\n".join(lines) + "\n",
        content_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="keyway-recovery-codes.txt"'
        },
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
            **context,
        },
        status=422 if request.method == "POST" else 200,
    )


def _added(
    request: WorkspaceRequest, device: Any, message: str, *, now: datetime
) -> HttpResponse:
    """Go on after a factor is set up, which proves it too."""
    proof.note_factor(request, device, now=now)
    messages.success(request, message)
    wanted = go_to(request)
    url = reverse(_PAGE)
    return redirect(f"{url}?{urlencode({'next': wanted})}" if wanted else url)


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


def _browser(request: HttpRequest) -> str:
    """Guess a name for a passkey from the browser; people can change it."""
    agent = request.headers.get("user-agent", "")
    systems = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")
    names = {"Macintosh": "Mac"}
    found = next((name for name in systems if name in agent), "")
    return f"Passkey on {names.get(found, found)}" if found else "Passkey"
