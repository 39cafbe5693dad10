"""The **Integrations** page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from integrations.models import App, Integration
from integrations.models.integration import IntegrationQuerySet
from integrations.reports import phases, standing
from integrations.reports.phases import Phase
from integrations.reports.standing import State
from integrations.views.frame import actions, standing_pill
from integrations.views.wizard import draft_rows
from scim import counts
from tokens import ways
from workspaces.clock import database_now
from workspaces.models import Job
from workspaces.pages import page_of, search_text
from workspaces.permissions import Permission, WorkspaceRequest, can, requires


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address of the list asks for."""

    query: str
    status: str
    app: str

    def __bool__(self) -> bool:
        return bool(self.query or self.status or self.app)


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest) -> HttpResponse:
    """List the integrations of the workspace, by name."""
    now = database_now()
    everything = Integration.objects.in_workspace(request.workspace)
    apps = list(
        App.objects.filter(pk__in=everything.order_by().values("app")).values_list(
            "slug", "name"
        )
    )
    filters = _filters(request, dict(apps))
    page = page_of(request, _found(request, everything, filters, now))
    context = {
        "integrations": _rows(request, list(page), now),
        "query": filters.query,
        "filters": filters,
        "statuses": [("", "All statuses"), *State.choices],
        "apps": [("", "All apps"), *apps],
        "total": everything.count() if filters else page.paginator.count,
        "page_obj": page,
        "drafts": draft_rows(request),
        "can_create": can(request.membership, Permission.MANAGE_INTEGRATIONS),
    }
    return render(request, "integrations/list.html", context)


def _filters(request: WorkspaceRequest, apps: dict[str, str]) -> Filters:
    """Return the filters of the address. What is not known filters nothing."""
    status, app = request.GET.get("status", ""), request.GET.get("app", "")
    return Filters(
        query=search_text(request),
        status=status if status in State.values else "",
        app=app if app in apps else "",
    )


def _found(
    request: WorkspaceRequest,
    everything: IntegrationQuerySet,
    filters: Filters,
    now: datetime,
) -> Any:
    rows: Any = everything.select_related("app", "directory").defer(
        "app__manifest", "directory__user_schema"
    )
    if filters.query:
        rows = rows.filter(
            Q(name__icontains=filters.query) | Q(app__name__icontains=filters.query)
        )
    if filters.app:
        rows = rows.filter(app__slug=filters.app)
    if filters.status:
        rows = standing.in_state(
            rows, State(filters.status), workspace=request.workspace, now=now
        )
    return rows


def _rows(
    request: WorkspaceRequest, integrations: list[Integration], now: datetime
) -> list[dict[str, Any]]:
    """Return what the page shows, with one query for each kind of fact."""
    directories = [integration.directory for integration in integrations]
    syncs = standing.open_syncs(request.workspace, [d.key for d in directories])
    found = phases.phases(request.workspace, integrations, syncs, now=now)
    users = counts.totals([d.pk for d in directories], "User")
    tokens = ways.pills([d.pk for d in directories], now)
    return [
        _row(request, integration, syncs.get(integration.directory.key), now)
        | {
            "phase": _label(found.get(integration.pk)),
            "user_count": users.get(integration.directory_id, 0),
            "token": tokens.get(integration.directory_id),
        }
        for integration in integrations
    ]


def _row(
    request: WorkspaceRequest, integration: Integration, sync: Job | None, now: datetime
) -> dict[str, Any]:
    key = integration.directory.key
    return {
        "name": integration.name,
        "url": reverse("integrations:connected_services", args=[key]),
        "app_name": integration.app.name,
        "gateway_id": key,
        "last_synced_at": integration.last_synced_at,
        "status": standing_pill(standing.standing_of(integration, sync, now=now)),
        "actions": actions(request, integration),
    }


def _label(phase: Phase | None) -> str:
    return str(phase.label) if phase else ""
