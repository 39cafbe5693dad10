"""Calls to an app that fails are held back while its lane is closed: see `health`.

`workspaces.lanes` lets one job try when the time is up, and opens after a success.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from integrations.audit import Action
from integrations.models import Integration
from workspaces import audit, lanes
from workspaces.models import Job, Lane, User


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Why an app is left alone, since when, and when it is tried again."""

    reason: str
    since: datetime
    next_try_at: datetime
    """May have passed: then the next job that waits, or comes, tries."""


def of(integrations: Iterable[Integration]) -> dict[int, HeldBack]:
    """Return those whose calls are held back, by key of the database.

    No query if there is none.
    """
    by_lane = {i.lane: i for i in integrations if i.calls_stopped_at is not None}
    if not by_lane:
        return {}
    found = {}
    for lane in Lane.objects.filter(name__in=by_lane, closed_until__isnull=False):
        integration = by_lane[lane.name]
        since, until = integration.calls_stopped_at, lane.closed_until
        if since is not None and until is not None:
            found[integration.pk] = HeldBack(lane.reason, since, until)
    return found


def waiting(integration: Integration) -> QuerySet[Job]:
    """Return the jobs that wait to call the app."""
    return Job.objects.filter(
        workspace=integration.workspace_id,
        lane=integration.lane,
        state__in=Job.READY,
    )


def try_at_once(integration: Integration, *, now: datetime) -> None:
    """Let what failed try again now; the first of it tells how the app is."""
    waiting(integration).filter(state=Job.State.RETRYING, due_at__gt=now).update(
        due_at=now
    )
    lanes.reopen([integration.lane], now=now)


@transaction.atomic
def try_now(integration: Integration, *, actor: User, now: datetime) -> bool:
    """Let what waits try at once because a person asks for it. False if nothing does."""
    if not waiting(integration).exists():
        return False
    try_at_once(integration, now=now)
    audit.record(
        Action.TRIED_NOW,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
    )
    return True
