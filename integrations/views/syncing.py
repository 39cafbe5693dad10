"""**Sync**: ask for it, watch it, and decide on one that is held."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations import services
from integrations.models import Integration, Provisioning
from integrations.reports import standing
from integrations.syncing import cancelling, holding, matching, person
from integrations.syncing import sync as syncs
from integrations.tasks.by_hand import is_by_hand
from integrations.tasks.known import waiting_list
from integrations.views.frame import frame, get_integration, sync_state
from workspaces.clock import database_now
from workspaces.models import Job
from workspaces.pages import page_of
from workspaces.permissions import Permission, WorkspaceRequest, can, requires


@require_http_methods(["GET", "POST"])
@requires(Permission.SYNC)
def sync(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Ask for a sync (POST), or lead to the one under way (GET).

    To a page that waits, GET answers the strip that tells how it goes.
    """
    integration = get_integration(request, key)
    needs_list = is_by_hand(integration.app) and waiting_list(integration) is None
    if request.method == "POST" and needs_list:
        return redirect("integrations:upload_list", key=key)
    if request.method == "POST":
        now = database_now()
        running = standing.open_syncs(request.workspace, [key]).get(key)
        job = services.request_sync(integration, actor=request.user, now=now)
        request.session["sync"] = str(job.public_id)
        if running is not None and not holding.is_held(running):
            messages.info(request, "A sync was under way already. This is it.")
        return redirect("integrations:sync_job", key=key, job_id=job.public_id)
    if request.htmx:
        context = frame(request, integration, current="Users")
        return render(request, "integrations/detail_base.html#sync", context)
    job_now = standing.open_syncs(request.workspace, [key]).get(key)
    if job_now is None:
        return redirect("integrations:users", key=key)
    return redirect("integrations:sync_job", key=key, job_id=job_now.public_id)


@require_GET
@requires(Permission.SYNC)
def job(request: WorkspaceRequest, key: str, job_id: uuid.UUID) -> HttpResponse:
    """Show the phases of one sync, and its result."""
    integration = get_integration(request, key)
    found = _job(request, integration, job_id)
    context: dict[str, Any] = {"job": _progress(integration, found)}
    if context["job"]["state"] == "held":
        context |= _held(request, integration, found)
    if context["job"]["state"] == "completed":
        context["unmatched"] = Provisioning.objects.filter(
            matching.UNMATCHED, integration=integration
        ).count()
    if str(found.public_id) == request.session.get("sync") and found.ended_at:
        # Told here; the other pages need not tell it again.
        request.session.pop("sync")
    context |= frame(request, integration, current="")
    part = "#job" if request.htmx else ""
    return render(request, f"integrations/sync.html{part}", context)


def _job(request: WorkspaceRequest, integration: Integration, job_id: uuid.UUID) -> Job:
    return get_object_or_404(
        Job,
        workspace=request.workspace,
        public_id=job_id,
        kind=syncs.JOB,
        subject=integration.directory.key,
    )


def _progress(integration: Integration, found: Job) -> dict[str, Any]:
    """Return what `integrations/sync.html` shows of a job."""
    state, label = sync_state(found)
    key = integration.directory.key
    return {
        "state": state,
        "label": label,
        "is_over": state in {"completed", "failed", "cancelled", "held"},
        "phases": _phases(state, found.progress.get("phase", "")),
        "phase": found.progress.get("phase", ""),
        "done": found.progress.get("done"),
        "total": found.progress.get("total"),
        "message": found.result.get("message", ""),
        "skipped": found.result.get("skipped", []) if state == "completed" else [],
        "skipped_count": found.result.get("skipped_count", 0),
        "error": found.error,
        "next_attempt_at": found.due_at if label == "Retrying" else None,
        "started_at": found.started_at,
        "url": reverse("integrations:sync_job", args=[key, found.public_id]),
        "cancel_url": reverse("integrations:cancel_sync", args=[key, found.public_id]),
        "users_url": reverse("integrations:users", args=[key]),
        "calls_url": reverse("integrations:job", args=[found.public_id]),
        "account_url": reverse("integrations:service_account", args=[key]),
    }


def _phases(state: str, phase: str) -> list[dict[str, str]]:
    """Return each phase with how far it is: done, current, failed or next."""
    at = syncs.PHASES.index(phase) if phase in syncs.PHASES else -1
    if state == "completed":
        at = len(syncs.PHASES)
    elif state == "held":
        # Everything was read; nothing was saved.
        at = syncs.PHASES.index(syncs.SAVE)
    ended = {"failed": "failed", "cancelled": "failed"}
    here = {"running": "current", **ended}.get(state, "next")
    return [
        {
            "label": label,
            "state": "done" if number < at else here if number == at else "next",
        }
        for number, label in enumerate(syncs.PHASES)
    ]


def _held(
    request: WorkspaceRequest, integration: Integration, found: Job
) -> dict[str, Any]:
    """Return whom the sync would remove, and how to decide."""
    args = [integration.directory.key, found.public_id]
    manages = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    return {
        "gone": page_of(request, holding.accounts_gone(found).order_by("username")),
        "approve_url": reverse("integrations:approve_sync", args=args)
        if manages
        else None,
        "discard_url": reverse("integrations:discard_sync", args=args)
        if manages
        else None,
    }


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def approve(request: WorkspaceRequest, key: str, job_id: uuid.UUID) -> HttpResponse:
    """Let a held sync remove the users whom it found gone."""
    return _decide(request, key, job_id, holding.approve)


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def discard(request: WorkspaceRequest, key: str, job_id: uuid.UUID) -> HttpResponse:
    """End a held sync. Nothing was changed."""
    return _decide(request, key, job_id, holding.discard)


@require_POST
@requires(Permission.SYNC)
def cancel(request: WorkspaceRequest, key: str, job_id: uuid.UUID) -> HttpResponse:
    """End a sync that waits or runs."""
    return _decide(request, key, job_id, cancelling.cancel)


@require_POST
@requires(Permission.SYNC)
def sync_person(
    request: WorkspaceRequest, key: str, resource_id: uuid.UUID
) -> HttpResponse:
    """Read one person's account from the app again."""
    integration = get_integration(request, key)
    row = get_object_or_404(
        Provisioning.objects.select_related("integration__workspace"),
        integration=integration,
        resource_id_public=str(resource_id),
    )
    person.request(row, actor=request.user, now=database_now())
    messages.info(request, f"{row.user_name} is read from the app again.")
    return redirect("integrations:user", key, resource_id)


def _decide(
    request: WorkspaceRequest,
    key: str,
    job_id: uuid.UUID,
    decision: Callable[..., None],
) -> HttpResponse:
    integration = get_integration(request, key)
    found = _job(request, integration, job_id)
    try:
        decision(integration, found, actor=request.user, now=database_now())
    except (holding.NotHeld, cancelling.TooLate) as error:
        messages.info(request, str(error))
    return redirect("integrations:sync_job", key=key, job_id=job_id)
