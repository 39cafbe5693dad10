"""An unmatched account: **Match**, **Remove from the app**, **Exempt**."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.forms.matching import ExemptForm, MatchForm, RemoveForm
from integrations.models import Integration, Provisioning
from integrations.syncing import matching
from integrations.views.frame import frame, get_integration
from workspaces.clock import database_now
from workspaces.pages import own_path, search_text
from workspaces.permissions import Permission, WorkspaceRequest, requires

LISTED = 200
"""How many users the plain list shows at most."""
SHOWN = 8
"""How many the search shows as somebody types."""


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def match(request: WorkspaceRequest, key: str, resource_id: uuid.UUID) -> HttpResponse:
    """Ask whose account it is, then let it be theirs."""
    integration, row = _unmatched(request, key, resource_id)
    if row is None:
        return _too_late(request, key, resource_id)
    everybody = matching.candidates(integration)
    form = MatchForm(_posted(request), candidates=everybody)
    if request.method == "POST" and form.is_valid():
        target = form.cleaned_data["user"]
        try:
            matching.match(row, target, actor=request.user, now=database_now())
        except matching.Refused as error:
            form.add_error("user", str(error))
        else:
            messages.success(
                request,
                f"{_name(row)} is the account of {target.user_name} now. It is brought "
                "up to date with your IdP.",
            )
            return redirect("integrations:user", key, target.resource_id_public)
    query = search_text(request)
    listed = list(matching.candidates(integration, query)[: LISTED + 1])
    context = frame(request, integration, current="Users") | {
        "row": _shown(integration, row),
        "form": form,
        "users": [_option(user) for user in listed[:LISTED]],
        "user_text": request.POST.get("user_text", ""),
        "chosen": request.POST.get("user", ""),
        "has_more": len(listed) > LISTED,
        "has_any": bool(listed) or everybody.exists(),
        "query": query,
        "search_url": reverse("integrations:match_users", args=[key, resource_id]),
    }
    status = 422 if form.errors else 200
    return render(request, "integrations/match.html", context, status=status)


@require_GET
@requires(Permission.MANAGE_INTEGRATIONS)
def match_users(
    request: WorkspaceRequest, key: str, resource_id: uuid.UUID
) -> HttpResponse:
    """Answer the search as somebody types: users without an account, as options."""
    integration = get_integration(request, key)
    get_object_or_404(
        Provisioning, integration=integration, resource_id_public=str(resource_id)
    )
    query = search_text(request)
    found = list(matching.candidates(integration, query)[: SHOWN + 1])
    context = {
        "users": [_option(user) for user in found[:SHOWN]],
        "query": query,
        "has_more": len(found) > SHOWN,
    }
    return render(request, "integrations/_match_options.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def remove(request: WorkspaceRequest, key: str, resource_id: uuid.UUID) -> HttpResponse:
    """Ask for the user name, then delete the account in the app."""
    integration, row = _unmatched(request, key, resource_id)
    if row is None:
        return _too_late(request, key, resource_id)
    form = RemoveForm(_posted(request), user_name=_name(row))
    if request.method == "POST" and form.is_valid():
        try:
            matching.remove(
                row,
                typed_name=form.cleaned_data["typed_name"],
                actor=request.user,
                now=database_now(),
            )
        except (matching.Refused, matching.WrongName) as error:
            form.add_error("typed_name", str(error))
        else:
            text = f"{_name(row)} is removed from {integration.app.name}"
            if integration.paused_at is not None:
                text += " when somebody resumes the integration"
            messages.success(request, f"{text}.")
            return redirect("integrations:users", key)
    return _ask(request, "remove_account", integration, row, form)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def exempt(request: WorkspaceRequest, key: str, resource_id: uuid.UUID) -> HttpResponse:
    """Ask for the reason, then leave the account alone."""
    integration, row = _unmatched(request, key, resource_id)
    if row is None:
        return _too_late(request, key, resource_id)
    form = ExemptForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            matching.exempt(row, reason=reason, actor=request.user, now=database_now())
        except matching.Refused as error:
            form.add_error("reason", str(error))
        else:
            messages.success(request, f"{_name(row)} is exempt.")
            return redirect(_back(request, key))
    return _ask(request, "exempt_account", integration, row, form)


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def end_exemption(
    request: WorkspaceRequest, key: str, resource_id: uuid.UUID
) -> HttpResponse:
    """Let an exempt account be like any other again."""
    integration = get_integration(request, key)
    row = _row(integration, resource_id)
    if matching.end_exemption(row, actor=request.user):
        messages.success(request, f"The exemption of {_name(row)} is ended.")
    else:
        messages.info(request, f"{_name(row)} is not exempt.")
    return redirect(_back(request, key))


def actions(
    integration: Integration, row: Provisioning, *, manages: bool
) -> dict[str, str | None]:
    """Return where what can be done with the account is asked. None: not now."""
    is_open = manages and matching.is_unmatched(row)
    is_exempt = row.account is not None and row.account.exempted_at is not None

    def url(name: str, *, when: bool) -> str | None:
        args = [integration.directory.key, row.resource_id_public]
        return reverse(f"integrations:{name}", args=args) if when else None

    return {
        "match": url("match", when=is_open),
        "remove": url(
            "remove_account", when=is_open and matching.can_remove(integration)
        ),
        "exempt": url("exempt_account", when=is_open),
        "end_exemption": url("end_exemption", when=manages and is_exempt),
    }


def _posted(request: WorkspaceRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _row(integration: Integration, resource_id: uuid.UUID) -> Provisioning:
    return get_object_or_404(
        Provisioning.objects.select_related(
            "integration__workspace",
            "integration__app",
            "integration__directory__workspace",
            "integration__service_account",
            "account",
            "resource",
        ),
        integration=integration,
        resource_id_public=str(resource_id),
    )


def _unmatched(
    request: WorkspaceRequest, key: str, resource_id: uuid.UUID
) -> tuple[Integration, Provisioning | None]:
    """Return the account, None if it is matched, exempt or leaving by now."""
    integration = get_integration(request, key)
    row = _row(integration, resource_id)
    return integration, row if matching.is_unmatched(row) else None


def _too_late(
    request: WorkspaceRequest, key: str, resource_id: uuid.UUID
) -> HttpResponse:
    messages.info(request, "This account is not unmatched any more.")
    return redirect("integrations:user", key, resource_id)


def _ask(
    request: WorkspaceRequest,
    name: str,
    integration: Integration,
    row: Provisioning,
    form: Any,
) -> HttpResponse:
    """Render a question, as a dialog for the page that asked for one."""
    part = "#dialog" if request.htmx else ""
    context = {
        "integration": integration,
        "row": _shown(integration, row),
        "form": form,
        "cancel_url": _user_url(integration, row),
        "next": request.GET.get("next", "") or request.POST.get("next", ""),
    }
    return render(
        request,
        f"integrations/{name}.html{part}",
        context,
        status=422 if form.errors else 200,
    )


def _shown(integration: Integration, row: Provisioning) -> dict[str, Any]:
    account = row.account
    assert account is not None  # noqa: S101  unmatched ones have one
    return {
        "user_name": account.username,
        "display_name": account.display_name,
        "email": account.email,
        "external_id": account.external_id,
        "is_active": account.is_active,
        "seen_at": account.seen_at,
        "url": _user_url(integration, row),
    }


def _option(user: Provisioning) -> dict[str, str]:
    resource = user.resource
    assert resource is not None  # noqa: S101  candidates have one
    name = resource.label if resource.label != user.user_name else ""
    return {
        "id": user.resource_id_public,
        "user_name": user.user_name,
        "name": name,
        "initial": (name or user.user_name)[:1].upper(),
        "label": f"{user.user_name} ({name})" if name else user.user_name,
        "note": "" if resource.active is not False else "deactivated",
    }


def _name(row: Provisioning) -> str:
    return row.account.username if row.account else row.user_name


def _user_url(integration: Integration, row: Provisioning) -> str:
    return reverse(
        "integrations:user", args=[integration.directory.key, row.resource_id_public]
    )


def _back(request: WorkspaceRequest, key: str) -> str:
    """Return the page the button stood on, or the users."""
    users = reverse("integrations:users", args=[key])
    return own_path(request.POST.get("next", ""), users)
