"""What the workspace needs to know first: troubles, figures, the last day.

The database counts; rows are read only of the integrations that are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Case, Count, QuerySet, Sum, Value, When

from integrations.models import Integration
from integrations.outside import holding_back
from integrations.outside.holding_back import HeldBack
from integrations.reports import standing, troubles
from integrations.reports.activity_filters import FAILED_REQUEST
from integrations.reports.standing import Standing
from integrations.reports.troubles import Troubles
from scim.models import RequestRecord, ResourceCount
from tokens import ways
from tokens.models import ClientSecret, ScimToken
from tokens.scheduled_rotation import Due
from workspaces.models import Directory, Job, Workspace

HOURS = 24
MOST_LINES = 50
"""Integrations in the list at most; the Integrations page has all, page by page."""


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
    failed_requests: int = 0
    failed_people: int = 0
    unmatched: int = 0
    silent_since: datetime | None = None
    open_sync: Job | None = None
    failed_sync: Job | None = None
    held_back: HeldBack | None = None
    expiring: list[ScimToken | ClientSecret] = field(default_factory=list)
    leaked: list[ScimToken | ClientSecret] = field(default_factory=list)
    rotations: list[Due] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the dashboard shows."""

    lines: list[Line]
    """At most MOST_LINES, those with troubles first, then those that fail most."""

    hours: list[Hour]
    integration_count: int
    trouble_count: int
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
    """Return the state of a workspace at `now`."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    starts = [this_hour - timedelta(hours=HOURS - 1 - n) for n in range(HOURS)]
    records = RequestRecord.objects.filter(
        directory__workspace=workspace,
        directory__kind=Directory.Kind.GATEWAY,
        at__gte=starts[0],
    ).order_by()
    found = troubles.find(workspace, now=now)
    failed = _failed_requests(records)
    shown = _shown(workspace, [*found.directories, *failed])
    return Overview(
        lines=_lines(workspace, shown, found, failed, now),
        hours=_hours(records, starts),
        integration_count=Integration.objects.in_workspace(workspace).count(),
        trouble_count=found.count,
        user_count=_user_count(workspace),
        queued=Job.objects.filter(workspace=workspace, state__in=Job.READY).count(),
    )


def _failed_requests(records: QuerySet[RequestRecord]) -> dict[int, int]:
    """Count the requests that failed by directory, most first."""
    rows = records.filter(FAILED_REQUEST).values_list("directory")
    return dict(rows.annotate(total=Count("pk")).order_by("-total"))


def _hours(records: QuerySet[RequestRecord], starts: list[datetime]) -> list[Hour]:
    """Count the requests by hour; `starts` are the hours, oldest first."""
    newest_first = [
        When(at__gte=starts[number], then=Value(number))
        for number in reversed(range(HOURS))
    ]
    rows = (
        records.annotate(hour=Case(*newest_first))
        .values("hour")
        .annotate(total=Count("pk"), failed=Count("pk", filter=FAILED_REQUEST))
    )
    counted = {row["hour"]: (row["total"], row["failed"]) for row in rows}
    every = ((start, *counted.get(n, (0, 0))) for n, start in enumerate(starts))
    return [Hour(start, total - failed, failed) for start, total, failed in every]


def _user_count(workspace: Workspace) -> int:
    blocks = ResourceCount.objects.filter(
        directory__workspace=workspace,
        directory__kind=Directory.Kind.GATEWAY,
        resource_type="User",
    )
    return blocks.aggregate(total=Sum("total"))["total"] or 0


def _shown(workspace: Workspace, directories: list[int]) -> list[Integration]:
    """Return the integrations of these directories in order, then others by name."""
    rows = (
        Integration.objects.in_workspace(workspace)
        .select_related("app", "directory")
        .defer("app__manifest", "directory__user_schema")
    )
    first = list(dict.fromkeys(directories))[:MOST_LINES]
    by_directory = {i.directory_id: i for i in rows.filter(directory__in=first)}
    chosen = {key: by_directory[key] for key in first if key in by_directory}
    for other in rows[:MOST_LINES]:
        chosen.setdefault(other.directory_id, other)
    return list(chosen.values())[:MOST_LINES]


def _lines(
    workspace: Workspace,
    shown: list[Integration],
    found: Troubles,
    failed: dict[int, int],
    now: datetime,
) -> list[Line]:
    directories = [i.directory_id for i in shown]
    keys = [i.directory.key for i in shown]
    called = ways.last_used(directories)
    syncs = standing.open_syncs(workspace, keys)
    of_failed = [i.directory.key for i in shown if i.directory_id in found.failed_syncs]
    ended = troubles.failed_syncs(workspace, now).filter(subject__in=of_failed)
    failed_syncs = {job.subject: job for job in ended.defer("result")}
    held_back = holding_back.of(i for i in shown if i.directory_id in found.held_back)
    lines = {
        i.directory_id: Line(
            i,
            standing.standing_of(i, syncs.get(i.directory.key), now=now),
            called.get(i.directory_id),
            failed_requests=failed.get(i.directory_id, 0),
            failed_people=found.failed_people.get(i.directory_id, 0),
            unmatched=found.unmatched.get(i.directory_id, 0),
            silent_since=found.silent.get(i.directory_id),
            open_sync=syncs.get(i.directory.key),
            failed_sync=failed_syncs.get(i.directory.key),
            held_back=held_back.get(i.pk),
            rotations=found.rotations.get(i.directory_id, []),
        )
        for i in shown
    }
    with_tokens = [k for k in directories if k in found.expiring | found.leaked]
    for token in _troubled(with_tokens, now):
        line = lines[token.directory_id]
        (line.leaked if token.leaked_at else line.expiring).append(token)
    return list(lines.values())


def _troubled(directories: list[int], now: datetime) -> list[ScimToken | ClientSecret]:
    """Return tokens and client secrets that leaked or expire, the soonest first."""
    mine = {"directory__in": directories}
    tokens = troubles.troubled_tokens(now).filter(**mine)
    secrets = troubles.troubled_secrets(now).filter(**mine).select_related("client")
    both: list[ScimToken | ClientSecret] = [*tokens, *secrets]
    return sorted(both, key=lambda each: each.expires_at or now)
