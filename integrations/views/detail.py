"""The details page of an integration: settings and sync."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from integrations import services
from integrations.views.frame import frame, get_integration
from tokens.panel import panel
from workspaces.clock import database_now
from workspaces.permissions import Permission, WorkspaceRequest, can, requires


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Open the details on the **Settings** tab."""
    integration = get_integration(request, key)
    return redirect("integrations:connected_services", key=integration.directory.key)


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def connected_services(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show the gateway's URL and its tokens."""
    integration = get_integration(request, key)
    context = frame(request, integration, current="Settings")
    context |= {
        "left_tabs": [
            {"label": "Connected services", "url": request.path, "current": True}
        ],
        "gateway_url": integration.directory.base_url,
        "panel": panel(
            integration.directory,
            can_manage=can(request.membership, Permission.MANAGE_TOKENS),
            now=database_now(),
        ),
    }
    return render(request, "integrations/connected_services.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.SYNC)
def sync(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Ask for a sync (POST), or tell how it goes (GET, for the page that waits)."""
    integration = get_integration(request, key)
    users_url = reverse("integrations:users", args=[integration.directory.key])
    if request.method == "POST":
        job = services.request_sync(integration, actor=request.user, now=database_now())
        request.session["sync"] = str(job.public_id)
        return redirect(users_url)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(users_url)
    context = frame(request, integration, current="Users")
    return render(request, "integrations/detail_base.html#sync", context)
