"""The picture of a page of the app, taken after a step of the browser."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integrations.models import AppCall
from workspaces.models import Workspace
from workspaces.permissions import Permission, WorkspaceRequest, requires


@never_cache
@require_GET
@requires(Permission.VIEW_ACTIVITY)
def screenshot(request: WorkspaceRequest, call_id: int) -> HttpResponse:
    """Send the JPEG to who may see the call, and to no cache."""
    return picture(request.workspace, call_id)


def picture(workspace: Workspace, call_id: int) -> HttpResponse:
    """Return the JPEG of a call of the workspace, or 404."""
    call = get_object_or_404(
        AppCall.objects.select_related("screenshot"),
        workspace=workspace,
        pk=call_id,
        screenshot__isnull=False,
    )
    return HttpResponse(
        bytes(call.screenshot.image),
        content_type="image/jpeg",
        headers={
            "Content-Disposition": f'inline; filename="step-{call_id}.jpg"',
            "X-Content-Type-Options": "nosniff",
        },
    )
