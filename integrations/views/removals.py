"""**Held removals**: what the IdP takes away at once waits for a decision here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from integrations.models import Integration, Provisioning
from integrations.provisioning import removals
from integrations.provisioning.unassigning import Fate, fate_of
from integrations.views.frame import frame, get_integration
from workspaces.clock import database_now
from workspaces.pages import page_of
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

_EFFECTS = {
    Fate.DEACTIVATE: "Deactivate the account",
    Fate.DELETE: "Delete the account",
    Fate.STAY: "Nothing",
}


@require_http_methods(["GET"])
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show whose removal waits."""
    integration = get_integration(request, key)
    return _page(request, integration)


@require_http_methods(["POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def decide(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Approve or discard those who are chosen, or all."""
    integration = get_integration(request, key)
    decision, scope = request.POST.get("decision"), request.POST.get("scope")
    chosen = {each for each in request.POST.getlist("user") if "\x00" not in each}
    if decision not in {"approve", "discard"} or scope not in {"chosen", "all"}:
        return _page(request, integration, problem="Choose Approve or Discard.")
    if scope == "chosen" and not chosen:
        return _page(
            request, integration, problem="Choose at least one user, then decide."
        )
    act = removals.approve if decision == "approve" else removals.discard
    count = act(
        integration,
        None if scope == "all" else chosen,
        actor=request.user,
        now=database_now(),
    )
    messages.success(request, _told(decision, count))
    still = Integration.objects.filter(pk=integration.pk, removals_held_at=None)
    page = "plan" if still.exists() else "removals"
    return redirect(f"integrations:{page}", key=key)


def _told(decision: str, count: int) -> str:
    users = "1 removal" if count == 1 else f"{count} removals"
    if decision == "approve":
        return f"{users} approved. The work goes on."
    return f"{users} discarded. The accounts stay, and your IdP reads so."


def _page(
    request: WorkspaceRequest, integration: Integration, *, problem: str = ""
) -> HttpResponse:
    rows = removals.held(integration).select_related("resource", "account")
    page = page_of(request, rows)
    for row in page:
        row.integration = integration
    now = database_now()
    manages = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    key = integration.directory.key
    context = frame(request, integration, current="Plan") | {
        "rows": [_row(integration, row, now=now) for row in page],
        "page_obj": page,
        "known": integration.accounts.count(),
        "limit": integration.threshold_percent,
        "decide_url": reverse("integrations:decide_removals", args=[key])
        if manages
        else None,
        "plan_url": reverse("integrations:plan", args=[key]),
        "problem": problem,
    }
    status = 422 if problem else 200
    return render(request, "integrations/removals.html", context, status=status)


def _row(
    integration: Integration, row: Provisioning, *, now: datetime
) -> dict[str, Any]:
    return {
        "id": row.resource_id_public,
        "user_name": row.user_name,
        "name": row.resource.label if row.resource else "",
        "url": reverse(
            "integrations:user",
            args=[integration.directory.key, row.resource_id_public],
        ),
        "asked": "Deleted" if row.resource is None else "Deactivated",
        "effect": _EFFECTS[fate_of(row, row.resource, now=now)],
        "at": row.changed_at,
    }
