"""**Admin Overview**, and **Admin: Help** with the calls of the API to try."""

from __future__ import annotations

from csp.decorators import csp_update
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from workspaces.permissions import Permission, WorkspaceRequest, requires


@require_GET
@requires(Permission.MANAGE_TOKENS)
def overview(request: WorkspaceRequest) -> HttpResponse:
    """Show the tools of administrators."""
    return render(request, "administration/overview.html")


# The style sheet of Swagger UI draws its arrows from data: addresses.
@csp_update({"img-src": ["data:"]})  # type: ignore[arg-type]
@require_GET
@requires(Permission.MANAGE_TOKENS)
def api_help(request: WorkspaceRequest) -> HttpResponse:
    """Describe the API, with a form for each call."""
    return render(request, "administration/help.html")
