"""The **Integrations** page."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from integrations.models import Integration
from integrations.views.frame import status_pill
from scim.models import Resource
from tokens.models import ScimToken
from tokens.panel import PILLS
from workspaces.clock import database_now
from workspaces.pages import Pill, page_of, search_text
from workspaces.permissions import Permission, WorkspaceRequest, requires


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest) -> HttpResponse:
    """List the integrations of the workspace."""
    everything = Integration.objects.in_workspace(request.workspace)
    query = search_text(request)
    users = (
        Resource.objects.filter(directory=OuterRef("directory"), resource_type="User")
        .order_by()
        .values("directory")
        .annotate(number=Count("pk"))
        .values("number")
    )
    found = everything.select_related("app", "directory").annotate(
        user_count=Coalesce(Subquery(users), 0)
    )
    if query:
        found = found.filter(Q(name__icontains=query) | Q(app__name__icontains=query))
    page = page_of(request, found)
    tokens = _token_pills(list(page))
    return render(
        request,
        "integrations/list.html",
        {
            "integrations": [_row(integration, tokens) for integration in page],
            "query": query,
            "total": everything.count(),
            "page_obj": page,
        },
    )


def _row(integration: Integration, tokens: dict[int, Pill]) -> dict[str, Any]:
    key = integration.directory.key
    url = reverse("integrations:connected_services", args=[key])
    return {
        "name": integration.name,
        "url": url,
        "settings_url": url,
        "app_name": integration.app.name,
        "gateway_id": key,
        "last_synced_at": integration.last_synced_at,
        "status": status_pill(integration),
        "user_count": integration.user_count,  # type: ignore[attr-defined]
        "token": tokens.get(integration.directory_id),
    }


def _token_pills(integrations: list[Integration]) -> dict[int, Pill]:
    """Return the state of each directory's live token, read at once."""
    now = database_now()
    live = (
        ScimToken.objects.live(now)
        .filter(directory__in=[i.directory_id for i in integrations])
        .select_related("owner__user")
        .order_by("id")
    )
    return {token.directory_id: PILLS[token.state(now)] for token in live}
