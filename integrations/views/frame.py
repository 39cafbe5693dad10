"""What every tab of an integration's details shows."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse

from integrations import sync
from integrations.models import Integration
from workspaces.models import Job
from workspaces.pages import Pill
from workspaces.permissions import Permission, WorkspaceRequest, can

TABS = (
    ("Users", "integrations:users"),
    ("Groups", "integrations:groups"),
    ("Settings", "integrations:connected_services"),
)
_SYNC_STATES = {
    Job.State.QUEUED: ("queued", "Queued"),
    Job.State.RETRYING: ("queued", "Retrying"),
    Job.State.STARTED: ("running", "Syncing"),
    Job.State.RUNNING: ("running", "Syncing"),
    Job.State.COMPLETED: ("completed", "Sync finished"),
    Job.State.NOT_COMPLETED: ("failed", "Sync failed"),
}


def get_integration(request: WorkspaceRequest, key: str) -> Integration:
    """Return an integration of the workspace, or answer 404."""
    return get_object_or_404(
        Integration.objects.in_workspace(request.workspace).select_related(
            "app", "directory__workspace", "workspace"
        ),
        directory__key=key,
    )


def frame(
    request: WorkspaceRequest, integration: Integration, *, current: str
) -> dict[str, Any]:
    """Return the context of `integrations/detail_base.html`."""
    key = integration.directory.key
    return {
        "integration": {
            "name": integration.name,
            "key": key,
            "app_name": integration.app.name,
            "status": status_pill(integration),
            "status_reason": integration.status_reason,
        },
        "tabs": [
            {
                "label": label,
                "url": reverse(name, args=[key]),
                "current": label == current,
            }
            for label, name in TABS
        ],
        "can_sync": can(request.membership, Permission.SYNC),
        "sync_url": reverse("integrations:sync", args=[key]),
        "sync": sync_progress(request, integration),
    }


def sync_progress(
    request: WorkspaceRequest, integration: Integration
) -> dict[str, Any] | None:
    """Return the sync to tell of: one under way, or the one this person asked for."""
    job = (
        Job.objects.filter(
            workspace=request.workspace,
            kind=sync.JOB,
            subject=integration.directory.key,
        )
        .order_by("-id")
        .first()
    )
    asked_for = request.session.get("sync")
    if job is None or (job.state not in Job.OPEN and str(job.public_id) != asked_for):
        return None
    state, label = _SYNC_STATES[Job.State(job.state)]
    if state in {"completed", "failed"}:
        # Told once; after that the list's "Last synced" says enough.
        request.session.pop("sync", None)
    return {
        "state": state,
        "label": label,
        "started_at": job.started_at,
        "message": job.result.get("message")
        or job.error
        or job.progress.get("phase", ""),
        "done": job.progress.get("done", 0),
        "total": None,
        "poll_url": reverse("integrations:sync", args=[integration.directory.key]),
    }


def status_pill(integration: Integration) -> Pill:
    """Return the state of an integration."""
    tone = "success" if integration.status == Integration.Status.ACTIVE else "warning"
    return Pill(
        integration.get_status_display(),
        tone,
        since=integration.status_at or integration.created_at,
    )
