"""In which state an integration is, as the portal says it in one word.

It follows from columns and from the sync that is under way; nothing stores it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet, TextChoices

from integrations.models import Integration
from integrations.syncing import holding
from workspaces.models import Directory, Job, Workspace

OpenSyncs = tuple[list[int], list[int]]
"""Keys of the directories whose sync is held, and of those that sync now."""

_Rows = QuerySet[Integration]
_NEEDS_ATTENTION = Q(status=Integration.Status.NEEDS_ATTENTION)


class State(TextChoices):
    """The states, the one that counts most first."""

    PAUSED = "paused", "Paused"
    NEEDS_ATTENTION = "needs_attention", "Needs attention"
    HELD = "held", "Held"
    WAITING = "waiting", "Waiting for the app"
    SYNCING = "syncing", "Syncing"
    UNKNOWN = "unknown", "Unknown"
    ACTIVE = "active", "Active"


@dataclass(frozen=True, slots=True)
class Standing:
    """A state, and since when; None if that is not known."""

    state: State
    since: datetime | None


def open_syncs(workspace: Workspace, keys: Iterable[str]) -> dict[str, Job]:
    """Return the sync that waits, runs or is held, by the key of the directory."""
    rows = _open_jobs(workspace).filter(subject__in=list(keys)).defer("result")
    # One that runs says more than one that waits behind it.
    found = sorted(rows, key=lambda job: job.state in Job.LEASED)
    return {job.subject: job for job in found}


def standing_of(
    integration: Integration, sync: Job | None, *, now: datetime
) -> Standing:
    """Return the state of an integration; `sync` is the open one, if any."""
    if integration.paused_at is not None:
        return Standing(State.PAUSED, integration.paused_at)
    if integration.status == Integration.Status.NEEDS_ATTENTION:
        return Standing(State.NEEDS_ATTENTION, integration.status_at)
    if sync is not None and holding.is_held(sync):
        return Standing(State.HELD, sync.started_at)
    if integration.calls_stopped_at is not None:
        return Standing(State.WAITING, integration.calls_stopped_at)
    if sync is not None:
        return Standing(State.SYNCING, sync.started_at)
    seen = integration.last_synced_at or integration.created_at
    overdue_at = integration.sync_overdue_at
    if overdue_at is not None and overdue_at < now:
        return Standing(State.UNKNOWN, seen)
    return Standing(State.ACTIVE, integration.status_at or integration.created_at)


def in_state(
    rows: _Rows,
    state: State,
    *,
    workspace: Workspace,
    now: datetime,
    open_ones: OpenSyncs | None = None,
) -> _Rows:
    """Keep the integrations in a state: the SQL twin of `standing_of`.

    Who asks for several states reads `with_open_sync` once, and gives it here.
    """
    if state == State.PAUSED:
        return rows.filter(paused_at__isnull=False)
    rows = rows.filter(paused_at=None)
    if state == State.NEEDS_ATTENTION:
        return rows.filter(_NEEDS_ATTENTION)
    rows = rows.exclude(_NEEDS_ATTENTION)
    held, syncing = open_ones or with_open_sync(workspace)
    if state == State.HELD:
        return rows.filter(directory__in=held)
    rows = rows.exclude(directory__in=held)
    if state == State.WAITING:
        return rows.filter(calls_stopped_at__isnull=False)
    rows = rows.filter(calls_stopped_at=None)
    if state == State.SYNCING:
        return rows.filter(directory__in=syncing)
    overdue = Q(sync_overdue_at__lt=now)
    rows = rows.exclude(directory__in=syncing)
    return rows.filter(overdue) if state == State.UNKNOWN else rows.exclude(overdue)


def with_open_sync(workspace: Workspace) -> OpenSyncs:
    """Return the directories whose sync is held, and those that sync now.

    Read first and given as lists: a join with all directories is slow to the point
    of a timeout while the database's statistics are old.
    """
    open_ones = list(_open_jobs(workspace).values_list("subject", "state"))
    held = {subject for subject, state in open_ones if state == Job.State.HELD}
    keys = {subject for subject, _ in open_ones}
    found = Directory.objects.in_workspace(workspace).filter(key__in=keys)
    rows = list(found.values_list("pk", "key"))
    return (
        [pk for pk, key in rows if key in held],
        [pk for pk, key in rows if key not in held],
    )


def _open_jobs(workspace: Workspace) -> QuerySet[Job]:
    return Job.objects.filter(
        Q(state__in=Job.WAITING) | Q(state__in=Job.LEASED),
        workspace=workspace,
        kind=holding.JOB,
    )
