"""One piece of background work: who asked for what, how it went, its calls."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from integrations import service_accounts
from integrations.models import (
    Integration,
    IntegrationDraft,
    Provisioning,
    ServiceAccount,
)
from integrations.provisioning import wanted
from integrations.reports import app_calls, causes
from integrations.set_up import drafts
from integrations.syncing import person, sync
from integrations.views import calls, timeline
from workspaces.models import Job
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

TASKS = {
    wanted.JOB: "Provisioning",
    sync.JOB: "Sync",
    person.JOB: "Sync",
    drafts.CHECK: "Test and save",
    service_accounts.JOB: "Check of a service account",
}


@require_GET
@requires(Permission.VIEW_ACTIVITY)
def job(request: WorkspaceRequest, job_id: uuid.UUID) -> HttpResponse:
    """Show one job, and the calls to the app of one of its attempts."""
    found = get_object_or_404(
        Job.objects.select_related("actor"),
        workspace=request.workspace,
        public_id=job_id,
        kind__in=TASKS,
    )
    attempt = _attempt(request, found)
    target = _target(request, found)
    made = list(app_calls.of_attempt(found, attempt)[: app_calls.MOST])
    context = {
        "job": found,
        "task": TASKS[found.kind],
        "target": target,
        "title": f"{TASKS[found.kind]} of {target['name']}"
        if found.kind in {wanted.JOB, sync.JOB, person.JOB}
        else TASKS[found.kind],
        "pill": timeline.pill_of(found),
        "actor": str(found.actor or "Keyway"),
        "updated_at": found.ended_at or found.started_at,
        "message": found.result.get("message", ""),
        "cause": causes.of_message(found.error),
        "retry_url": _retry_url(request, found),
        "attempt": attempt,
        "newer_attempt": attempt + 1 if attempt < found.attempt else None,
        "older_attempt": attempt - 1 if attempt > 1 else None,
        "steps": calls.changes(made),
        "calls": calls.rows(made),
    }
    return render(request, "integrations/activity_job.html", context)


def _attempt(request: WorkspaceRequest, found: Job) -> int:
    """Return the attempt that the address asks for, else the last one."""
    asked = request.GET.get("attempt", "")
    if asked.isascii() and asked.isdigit() and 1 <= int(asked[:9]) <= found.attempt:
        return int(asked[:9])
    return found.attempt


def _target(request: WorkspaceRequest, found: Job) -> dict[str, Any]:
    """Return whom or what a job is about, with its page if it has one."""
    key = found.subject
    if found.kind in {wanted.JOB, person.JOB}:
        names = Provisioning.objects.filter(
            integration__workspace=request.workspace, resource_id_public=key
        ).values_list("user_name", flat=True)
        return _named(names.first(), "integrations:person", key)
    if found.kind == sync.JOB:
        scope = Integration.objects.in_workspace(request.workspace)
        name = scope.filter(directory__key=key).values_list("name", flat=True).first()
        return _named(name, "integrations:overview", key)
    if not can(request.membership, Permission.MANAGE_SERVICE_ACCOUNTS):
        return {"name": "", "url": None}
    if found.kind == service_accounts.JOB:
        accounts = ServiceAccount.objects.filter(
            workspace=request.workspace, public_id=key
        )
        name = accounts.values_list("name", flat=True).first()
        return _named(name, "service_accounts:detail", key)
    draft = IntegrationDraft.objects.filter(
        workspace=request.workspace, public_id=key
    ).first()
    name = str(draft.answers.get("name", "")) or "a draft" if draft else None
    return _named(name, "integrations:draft_check", key)


def _retry_url(request: WorkspaceRequest, found: Job) -> str | None:
    """Return where a person is tried again who is failed at present."""
    if found.kind != wanted.JOB or found.state != Job.State.NOT_COMPLETED:
        return None
    failed = Provisioning.objects.filter(
        integration__workspace=request.workspace,
        resource_id_public=found.subject,
        state__in=Provisioning.FAILED,
    )
    if not can(request.membership, Permission.MANAGE_INTEGRATIONS):
        return None
    url = reverse("integrations:retry_person", args=[found.subject])
    return url if failed.exists() else None


def _named(name: str | None, view: str, key: str) -> dict[str, Any]:
    """Return a target with its link; what is gone has neither name nor page."""
    if name is None:
        return {"name": "what was deleted since", "url": None}
    return {"name": name, "url": reverse(view, args=[key])}
