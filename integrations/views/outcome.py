"""What became of one person: mapping, plan, work in the app, state in the app."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from integrations.models import AppCall, Provisioning
from integrations.provisioning import entitlements, mapping, planning
from integrations.reports import app_calls, people
from integrations.views import calls, tasks, timeline
from scim import schema_changes
from scim.models import Resource
from workspaces.models import Job
from workspaces.pages import Pill
from workspaces.permissions import Permission, WorkspaceRequest, can

_MOST_HELD = 50
_LONGEST_VALUE = 500
_TONES = {
    **dict.fromkeys(Provisioning.PENDING, "info"),
    **dict.fromkeys(Provisioning.FAILED, "danger"),
    Provisioning.State.ONBOARDED: "success",
    Provisioning.State.DELETED: "neutral",
}
_FIELDS = (
    ("User name", "username"),
    ("Email", "email"),
    ("Given name", "given_name"),
    ("Family name", "family_name"),
    ("Display name", "display_name"),
)


def of(request: WorkspaceRequest, row: Provisioning | None) -> dict[str, Any]:
    """Return the context of `integrations/_outcome.html`. `row` has its relations."""
    if row is None:
        return {"wanted": None}
    jobs = people.last_jobs(request.workspace, row)
    made = app_calls.of_last_attempts(jobs)
    may_retry = can(request.membership, Permission.MANAGE_INTEGRATIONS)
    return {
        "wanted": _wanted(row),
        "mapping": _mapping(row),
        "plan": _plan(row, made.get(jobs[0].pk, []) if jobs else []),
        "jobs": [
            _job_row(job, made.get(job.pk, []), number)
            for number, job in enumerate(jobs, 1)
        ],
        "account": _account(row),
        "next_sync": _next_sync(row),
        "retry_url": reverse("integrations:retry_person", args=[row.resource_id_public])
        if may_retry and row.last_error
        else None,
    }


def _wanted(row: Provisioning) -> dict[str, Any]:
    state = Provisioning.State(row.state)
    key = row.integration.directory.key
    task = tasks.open_tasks([row]).get(row.pk)
    return {
        "integration": row.integration.name,
        "integration_url": reverse("integrations:users", args=[key]),
        "person": row.user_name,
        "person_url": reverse("integrations:person", args=[row.resource_id_public]),
        "pill": tasks.WAITING if task else Pill(str(state.label), _TONES[state]),
        "task_url": reverse("tasks:task", args=[task.public_id]) if task else None,
        "desired": row.desired_version,
        "applied": row.applied_version,
        "next_attempt_at": row.next_attempt_at,
        "changed_at": row.changed_at,
    }


def _mapping(row: Provisioning) -> list[dict[str, str]]:
    """Return what the user should be in the app; nothing once it is deleted."""
    user = row.resource
    if user is None:
        return []
    desired = mapping.desired_account(user)
    facts = [(label, getattr(desired, name)) for label, name in _FIELDS]
    facts.append(("Active", "Yes" if desired.active else "No"))
    confidential = schema_changes.user_schema_of(user.directory).confidential
    shown = mapping.shown(desired.attributes, confidential)
    facts += [(name, calls.as_text(each)) for name, each in shown.items()]
    facts.append(("Should hold", _should_hold(row, user)))
    return [
        {"label": label, "value": value[:_LONGEST_VALUE]}
        for label, value in facts
        if value
    ]


def _should_hold(row: Provisioning, user: Resource) -> str:
    held = entitlements.wanted_by(row.integration, user).values()
    return ", ".join(f"{each.kind} {each.name}" for each, _ in held) or "nothing"


def _plan(row: Provisioning, made: list[AppCall]) -> dict[str, Any]:
    """Return what comes next, or what the last attempt changed."""
    if row.applied_version < row.desired_version:
        steps = planning.steps(row, row.resource)
        return {
            "is_ahead": True,
            "steps": [{"words": words, "pill": None} for words in steps],
        }
    return {"is_ahead": False, "steps": calls.changes(made)}


def _job_row(job: Job, made: list[AppCall], number: int) -> dict[str, Any]:
    return {
        "pill": timeline.pill_of(job),
        "trigger": job.get_trigger_display(),
        "attempts": job.attempt,
        "error": job.error,
        "created_at": job.created_at,
        "ended_at": job.ended_at,
        "due_at": job.due_at if job.state == Job.State.RETRYING else None,
        "url": timeline.job_url(job),
        "calls": calls.rows(made, name=f"{number}-"),
    }


def _account(row: Provisioning) -> dict[str, Any] | None:
    account = row.account
    if account is None:
        return None
    held = sorted(each.name for each in account.entitlements.all())
    return {
        "username": account.username,
        "external_id": account.external_id,
        "is_active": account.is_active,
        "holds": held[:_MOST_HELD],
        "seen_at": account.seen_at,
    }


def _next_sync(row: Provisioning) -> dict[str, Any]:
    """Return what the last sync says of the account, and when the next one is due."""
    integration, account = row.integration, row.account
    last = integration.last_synced_at
    if last is None:
        words = "No sync has run yet. The first one reads the account back."
    elif account is None:
        words = "The last sync found no account of this person."
    elif account.seen_at > last:
        words = "Keyway looked at it after the last sync. The next one reads it back."
    else:
        words = "The last sync found the account so."
    return {"words": words, "last_at": last, "due_at": integration.next_sync_at}
