"""What every tab of an integration's details shows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse

from integrations.models import Integration
from integrations.outside import holding_back
from integrations.provisioning import removals
from integrations.reports import standing
from integrations.reports.standing import Standing, State
from integrations.syncing import holding
from integrations.tasks.by_hand import is_by_hand
from workspaces.clock import database_now
from workspaces.models import Job
from workspaces.pages import Pill
from workspaces.permissions import Permission, WorkspaceRequest, can

TABS = (
    ("Overview", "integrations:overview"),
    ("Users", "integrations:users"),
    ("Groups", "integrations:groups"),
    ("Entitlements", "integrations:entitlements"),
    ("Plan", "integrations:plan"),
    ("Changes", "integrations:changes"),
    ("Tasks", "tasks:list"),
    ("Activity", "integrations:activity_tab"),
    ("Settings", "integrations:connected_services"),
)
LEFT_TABS = (
    ("General", "integrations:general"),
    ("Connected services", "integrations:connected_services"),
    ("Security settings", "integrations:security"),
    ("Service account", "integrations:service_account"),
    ("People", "integrations:people"),
    ("User schema", "integrations:user_schema"),
    ("Matching", "integrations:matching"),
    ("Danger zone", "integrations:danger_zone"),
)
_BY_HAND_ONLY = {"tasks:list", "integrations:people"}
_NOT_BY_HAND = {"integrations:service_account"}
_SYNC_STATES = {
    Job.State.QUEUED: ("queued", "Queued"),
    Job.State.RETRYING: ("queued", "Retrying"),
    Job.State.STARTED: ("running", "Syncing"),
    Job.State.RUNNING: ("running", "Syncing"),
    Job.State.COMPLETED: ("completed", "Sync finished"),
    Job.State.NOT_COMPLETED: ("failed", "Sync failed"),
}
_PILLS = {
    State.PAUSED: ("neutral", "circle-pause"),
    State.NEEDS_ATTENTION: ("warning", ""),
    State.HELD: ("warning", "hand"),
    State.WAITING: ("warning", "hourglass"),
    State.SYNCING: ("info", ""),
    State.UNKNOWN: ("neutral", "circle-question-mark"),
    State.ACTIVE: ("success", ""),
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
    open_sync = standing.open_syncs(request.workspace, [key]).get(key)
    now_standing = standing.standing_of(integration, open_sync, now=database_now())
    return {
        "integration": {
            "name": integration.name,
            "key": key,
            "app_name": integration.app.name,
            "status": standing_pill(now_standing),
            "status_reason": integration.status_reason,
            "is_paused": integration.paused_at is not None,
        },
        "safety": _safety(request, integration),
        "held_back": _held_back(request, integration),
        "tabs": tabs(integration, current=current),
        "can_sync": can(request.membership, Permission.SYNC),
        "sync_url": reverse("integrations:sync", args=[key]),
        "sync": _strip(request, integration, open_sync),
        "actions": actions(request, integration),
    }


def _safety(request: WorkspaceRequest, integration: Integration) -> dict[str, Any]:
    """Return what holds changes back, and where a person says that they go on."""
    key = integration.directory.key
    manages = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    return {
        "observing_since": integration.observing_since,
        "plan_url": reverse("integrations:plan", args=[key]),
        "let_loose_url": reverse("integrations:let_loose", args=[key])
        if manages
        else None,
        "held": removals.held(integration).count()
        if integration.removals_held_at
        else 0,
        "removals_url": reverse("integrations:removals", args=[key]),
    }


def _held_back(
    request: WorkspaceRequest, integration: Integration
) -> dict[str, Any] | None:
    """Return why the app is left alone, and where a person says to try it now."""
    found = holding_back.of([integration]).get(integration.pk)
    if found is None:
        return None
    manages = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    return {
        # Said once: a login that is refused is also the status.
        "reason": found.reason if found.reason != integration.status_reason else "",
        "since": found.since,
        "next_try_at": found.next_try_at,
        "waiting": holding_back.waiting(integration).count(),
        "try_url": reverse("integrations:try_now", args=[integration.directory.key])
        if manages
        else None,
    }


def tabs(integration: Integration, *, current: str) -> list[dict[str, Any]]:
    """Return the tabs of the details page."""
    return _links(TABS, integration, current=current)


def left_tabs(integration: Integration, *, current: str) -> list[dict[str, Any]]:
    """Return the left tabs of **Settings**."""
    return _links(LEFT_TABS, integration, current=current)


def _links(
    entries: tuple[tuple[str, str], ...], integration: Integration, *, current: str
) -> list[dict[str, Any]]:
    key = integration.directory.key
    hidden = _NOT_BY_HAND if is_by_hand(integration.app) else _BY_HAND_ONLY
    return [
        {"label": label, "url": _url(name, key), "current": label == current}
        for label, name in entries
        if name not in hidden
    ]


def _url(name: str, key: str) -> str:
    """Return the address of a tab. Tasks are those of the workspace, filtered."""
    if name == "tasks:list":
        return f"{reverse(name)}?integration={key}"
    return reverse(name, args=[key])


@dataclass(frozen=True, slots=True)
class Actions:
    """Where the entries of **More options** lead. None: not for this person."""

    settings: str
    sync: str | None
    pause: str | None
    resume: str | None
    delete: str | None


def actions(request: WorkspaceRequest, integration: Integration) -> Actions:
    """Return what the person may do with an integration now."""
    key = integration.directory.key
    manages = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    is_paused = integration.paused_at is not None

    def url(name: str, *, when: bool) -> str | None:
        return reverse(f"integrations:{name}", args=[key]) if when else None

    return Actions(
        settings=reverse("integrations:connected_services", args=[key]),
        sync=url("sync", when=can(request.membership, Permission.SYNC)),
        pause=url("pause", when=manages and not is_paused),
        resume=url("resume", when=manages and is_paused),
        delete=url("delete", when=manages),
    )


def _strip(
    request: WorkspaceRequest, integration: Integration, open_sync: Job | None
) -> dict[str, Any] | None:
    """Return the sync to tell of: one under way, or the one this person asked for."""
    job = open_sync or _asked_for(request, integration)
    if job is None:
        return None
    key = integration.directory.key
    state, label = sync_state(job)
    if state in {"completed", "failed", "cancelled"}:
        # Told once; after that the list's "Last synced" says enough.
        request.session.pop("sync", None)
    return {
        "state": state,
        "label": label,
        "started_at": job.started_at,
        "message": job.result.get("message")
        if state == "completed"
        else job.error or job.progress.get("phase", ""),
        "done": job.progress.get("done", 0),
        "total": job.progress.get("total"),
        "poll_url": reverse("integrations:sync", args=[key]),
        "url": reverse("integrations:sync_job", args=[key, job.public_id]),
    }


def _asked_for(request: WorkspaceRequest, integration: Integration) -> Job | None:
    """Return the sync that this person asked for last, if it is of this integration."""
    try:
        public_id = uuid.UUID(request.session.get("sync", ""))
    except ValueError:
        return None
    return Job.objects.filter(
        workspace=request.workspace,
        public_id=public_id,
        kind=holding.JOB,
        subject=integration.directory.key,
    ).first()


def sync_state(job: Job) -> tuple[str, str]:
    """Return the state of a sync for a template, and its word."""
    if holding.is_held(job):
        return "held", "Held"
    if job.ended_by_id is not None:
        return "cancelled", "Sync not completed"
    return _SYNC_STATES[Job.State(job.state)]


def standing_pill(found: Standing) -> Pill:
    """Return the state of an integration with its age."""
    tone, icon = _PILLS[found.state]
    return Pill(str(found.state.label), tone, icon, since=found.since)
