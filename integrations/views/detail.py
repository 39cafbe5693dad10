"""The details page of an integration: **Overview**, and what **More options** does."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations import deleting
from integrations.deleting import WrongName
from integrations.forms.settings import DeleteForm
from integrations.models import Integration, Provisioning
from integrations.outside import holding_back
from integrations.provisioning import pausing
from integrations.syncing import cron
from integrations.views.frame import frame, get_integration
from integrations.views.people import numbers_of, retry_url
from scim import counts, recent
from tokens import ways
from workspaces.clock import database_now
from workspaces.pages import own_path
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

FAILURES_SHOWN = 5


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Open the details on the **Settings** tab."""
    integration = get_integration(request, key)
    return redirect("integrations:connected_services", key=integration.directory.key)


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def overview(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Tell how the integration is doing, and what to do next."""
    integration = get_integration(request, key)
    context = frame(request, integration, current="Overview")
    directory = integration.directory
    now = database_now()
    facts: dict[str, Any] = {
        "users": counts.find(directory, "User", 1).total,
        "groups": counts.find(directory, "Group", 1).total,
        "entitlements": integration.entitlements.count(),
        **numbers_of(Provisioning.objects.filter(integration=integration)),
        "has_token": ways.has_way_in(directory, now),
        "last_call": next(iter(recent.calls(directory, limit=1)), None),
        "last_synced_at": integration.last_synced_at,
        "next_sync_at": integration.next_sync_at,
        "schedule": cron.in_words(integration.sync_schedule),
    }
    # Records are pruned; the tokens remember longer.
    facts["last_request_at"] = (
        facts["last_call"].at
        if facts["last_call"]
        else ways.last_used([directory.pk]).get(directory.pk)
    )
    context |= {
        "facts": facts,
        "next_step": _next_step(integration, facts),
        "failures": _failures(request, integration) if facts["failed"] else [],
        "users_url": reverse("integrations:users", args=[key]),
    }
    return render(request, "integrations/overview.html", context)


def _failures(
    request: WorkspaceRequest, integration: Integration
) -> list[dict[str, Any]]:
    may_retry = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    rows = Provisioning.objects.filter(
        integration=integration, state__in=Provisioning.FAILED
    ).order_by("-changed_at")[:FAILURES_SHOWN]
    return [
        {
            "user_name": row.user_name,
            "url": reverse(
                "integrations:user",
                args=[integration.directory.key, row.resource_id_public],
            ),
            "state": row.get_state_display(),
            "error": row.last_error,
            "at": row.changed_at,
            "retry_url": retry_url(integration, row) if may_retry else None,
        }
        for row in rows
    ]


def _next_step(integration: Integration, facts: dict[str, Any]) -> dict[str, str]:
    """Return the one thing to do now: its words, and where."""
    key = integration.directory.key
    settings = reverse("integrations:connected_services", args=[key])
    users = reverse("integrations:users", args=[key])
    account = reverse("integrations:service_account", args=[key])
    steps = (
        (
            integration.paused_at is not None,
            "Nothing is changed in the app while the integration is paused.",
            "Resume",
            reverse("integrations:danger_zone", args=[key]),
        ),
        (
            integration.status == Integration.Status.NEEDS_ATTENTION,
            "Mend the login to the app, then sync.",
            "Service account",
            account,
        ),
        (
            not facts["has_token"],
            "Your IdP needs a token to call this gateway.",
            "Generate token",
            settings,
        ),
        (
            facts["last_request_at"] is None,
            "Paste the SCIM Gateway URL and the token into your IdP.",
            "Connected services",
            settings,
        ),
        (
            integration.last_synced_at is None,
            "Sync, so that your IdP can import who is in the app already.",
            "",
            "",
        ),
        (
            facts["failed"] > 0,
            "Some users could not be provisioned. Read why, then retry.",
            "Failed users",
            f"{users}?state=failed",
        ),
        (
            facts["unmatched"] > 0,
            "Some accounts of the app belong to nobody whom your IdP sent. Match, "
            "exempt or remove them.",
            "Unmatched accounts",
            f"{users}?state=unmatched",
        ),
    )
    for applies, text, label, url in steps:
        if applies:
            return {"text": text, "label": label, "url": url}
    return {"text": "Nothing to do. Everything your IdP sent is in the app."} | (
        {"text": "Nothing to do. The users who wait are worked on."}
        if facts["waiting"]
        else {}
    )


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def pause(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Change nothing in the app until somebody resumes."""
    integration = get_integration(request, key)
    if pausing.pause(integration, actor=request.user, now=database_now()):
        messages.success(
            request,
            f"{integration.name} is paused. Your IdP is answered as before; nothing "
            "is changed in the app until somebody resumes.",
        )
    return redirect(_back(request, key))


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def resume(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Go on with what waited."""
    integration = get_integration(request, key)
    waited = pausing.resume(integration, actor=request.user, now=database_now())
    text = f"{integration.name} goes on."
    if waited:
        text += f" {waited} user{'' if waited == 1 else 's'} waited."
    messages.success(request, text)
    return redirect(_back(request, key))


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def try_now(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Call an app at once that is left alone because it fails."""
    integration = get_integration(request, key)
    if holding_back.try_now(integration, actor=request.user, now=database_now()):
        text = f"{integration.name} is tried now. This page tells if it fails again."
    else:
        text = f"Nothing waits for {integration.name}. Sync tries it."
    messages.info(request, text)
    overview = reverse("integrations:overview", args=[key])
    return redirect(own_path(request.POST.get("next", ""), overview))


def _back(request: WorkspaceRequest, key: str) -> str:
    """Return the page the button stood on, or the details."""
    page = reverse("integrations:danger_zone", args=[key])
    return own_path(request.POST.get("next", ""), page)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def delete(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Ask with the effect in numbers, then delete the integration for good."""
    integration = get_integration(request, key)
    now = database_now()
    form = DeleteForm(
        request.POST if request.method == "POST" else None, name=integration.name
    )
    if request.method == "POST" and form.is_valid():
        try:
            gone = deleting.delete(
                integration,
                typed_name=form.cleaned_data["typed_name"],
                actor=request.user,
                now=now,
            )
        except WrongName as error:
            form.add_error("typed_name", str(error))
        else:
            messages.success(
                request,
                f"{integration.name} is deleted, with {gone.users} users of its "
                "directory. Nobody was changed in the app.",
            )
            return redirect("integrations:list")
    part = "#dialog" if request.htmx else ""
    context = {
        "integration": integration,
        "form": form,
        "effect": deleting.effect_of(integration, now=now),
        "cancel_url": reverse("integrations:danger_zone", args=[key]),
    }
    return render(
        request,
        f"integrations/delete.html{part}",
        context,
        status=422 if form.errors else 200,
    )
