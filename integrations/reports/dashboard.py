"""What the workspace needs to know first: troubles, figures, the last day.

Each fact is one query, whatever the number of integrations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q
from django.db.models.functions import TruncHour

from integrations.models import Integration, Provisioning
from integrations.reports import standing
from integrations.reports.activity_filters import FAILED_REQUEST
from integrations.reports.standing import Standing
from integrations.syncing import holding, matching
from scim import counts
from scim.models import RequestRecord
from tokens.models import ScimToken
from tokens.state import EXPIRING
from workspaces.models import Job, Workspace

HOURS = 24
LEAK_SHOWN = timedelta(days=7)
_MOST_SYNCS = 500


@dataclass(frozen=True, slots=True)
class Hour:
    """How many requests an hour had, and how many of them failed."""

    start: datetime
    succeeded: int
    failed: int


@dataclass(slots=True)
class Line:
    """One integration and its last day."""

    integration: Integration
    standing: Standing
    last_call_at: datetime | None
    requests: int = 0
    failed_requests: int = 0
    failed_people: int = 0
    unmatched: int = 0
    open_sync: Job | None = None
    failed_sync: Job | None = None
    expiring: list[ScimToken] = field(default_factory=list)
    leaked: list[ScimToken] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the dashboard shows."""

    lines: list[Line]
    hours: list[Hour]
    user_count: int
    queued: int

    @property
    def requests(self) -> int:
        """Requests of the last 24 hours."""
        return sum(hour.succeeded + hour.failed for hour in self.hours)

    @property
    def failed(self) -> int:
        """Those of them that failed."""
        return sum(hour.failed for hour in self.hours)

    @property
    def ok_percent(self) -> float | None:
        """The share that succeeded, rounded down: 100 means all. None of nothing."""
        if not self.requests:
            return None
        return (self.requests - self.failed) * 1000 // self.requests / 10


def overview(workspace: Workspace, *, now: datetime) -> Overview:
    """Return the state of a workspace at `now`. Ten queries."""
    integrations = list(
        Integration.objects.in_workspace(workspace)
        .select_related("app", "directory")
        .defer("app__manifest", "directory__user_schema")
    )
    directories = [i.directory_id for i in integrations]
    keys = [i.directory.key for i in integrations]
    syncs = standing.open_syncs(workspace, keys)
    called = _last_calls(directories)
    lines = {
        i.directory_id: Line(
            i,
            standing.standing_of(i, syncs.get(i.directory.key), now=now),
            called.get(i.directory_id),
            open_sync=syncs.get(i.directory.key),
        )
        for i in integrations
    }
    hours = _count_requests(lines, now)
    _count_failed_people(lines, workspace)
    _count_unmatched(lines, workspace)
    _find_failed_syncs(lines, workspace, now)
    _find_troubled_tokens(lines, now)
    return Overview(
        lines=list(lines.values()),
        hours=hours,
        user_count=sum(counts.totals(directories, "User").values()),
        queued=Job.objects.filter(workspace=workspace, state__in=Job.READY).count(),
    )


def _last_calls(directories: list[int]) -> dict[int, datetime]:
    rows = (
        ScimToken.objects.filter(directory__in=directories)
        .order_by()
        .values("directory")
        .annotate(at=Max("last_used_at"))
    )
    return {row["directory"]: row["at"] for row in rows}


def _count_requests(lines: dict[int, Line], now: datetime) -> list[Hour]:
    """Count the last 24 hours by directory and hour, and return the hours."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    first = this_hour - timedelta(hours=HOURS - 1)
    rows = (
        RequestRecord.objects.filter(directory__in=list(lines), at__gte=first)
        .order_by()
        .annotate(hour=TruncHour("at"))
        .values("directory", "hour")
        .annotate(total=Count("pk"), failed=Count("pk", filter=FAILED_REQUEST))
    )
    totals: dict[datetime, tuple[int, int]] = {}
    for row in rows:
        line, total, failed = lines[row["directory"]], row["total"], row["failed"]
        line.requests += total
        line.failed_requests += failed
        before = totals.get(row["hour"], (0, 0))
        totals[row["hour"]] = (before[0] + total - failed, before[1] + failed)
    starts = [first + timedelta(hours=number) for number in range(HOURS)]
    return [Hour(start, *totals.get(start, (0, 0))) for start in starts]


def _count_failed_people(lines: dict[int, Line], workspace: Workspace) -> None:
    rows = (
        Provisioning.objects.filter(
            integration__workspace=workspace, state__in=Provisioning.FAILED
        )
        .order_by()
        .values("integration__directory")
        .annotate(total=Count("pk"))
    )
    for row in rows:
        lines[row["integration__directory"]].failed_people = row["total"]


def _count_unmatched(lines: dict[int, Line], workspace: Workspace) -> None:
    """Count the accounts that nobody has matched, removed or exempted."""
    rows = (
        Provisioning.objects.filter(
            matching.UNMATCHED, integration__workspace=workspace
        )
        .order_by()
        .values("integration__directory")
        .annotate(total=Count("pk"))
    )
    for row in rows:
        lines[row["integration__directory"]].unmatched = row["total"]


def _find_failed_syncs(
    lines: dict[int, Line], workspace: Workspace, now: datetime
) -> None:
    """Note which integrations' last sync that ended by itself, did so without success.

    One that somebody cancelled or discarded says nothing about the app.
    """
    by_key = {line.integration.directory.key: line for line in lines.values()}
    ended = Job.objects.filter(
        workspace=workspace,
        kind=holding.JOB,
        state__in=(Job.State.COMPLETED, Job.State.NOT_COMPLETED),
        ended_at__gte=now - timedelta(days=7),
        ended_by=None,
    ).defer("result")
    seen: set[str] = set()
    for job in ended.order_by("-id")[:_MOST_SYNCS]:
        if job.subject in seen or job.subject not in by_key:
            continue
        seen.add(job.subject)
        if job.state == Job.State.NOT_COMPLETED:
            by_key[job.subject].failed_sync = job


def _find_troubled_tokens(lines: dict[int, Line], now: datetime) -> None:
    """Note which tokens expire soon, and which were found and revoked lately."""
    expires = ScimToken.objects.live(now).filter(
        replaced_by=None, expires_at__lt=now + EXPIRING
    )
    leaked = Q(leaked_at__gt=now - LEAK_SHOWN)
    found = ScimToken.objects.filter(
        Q(pk__in=expires.values("pk")) | leaked, directory__in=list(lines)
    )
    for token in found.order_by("expires_at"):
        line = lines[token.directory_id]
        (line.leaked if token.leaked_at else line.expiring).append(token)
