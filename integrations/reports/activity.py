"""What happened in a workspace: SCIM requests and background work, newest first.

Two logs are read by their own ids and merged by time, so that a page costs the
same however long they are. No count, no skip. A place between two entries is a
Mark: an id of each log, up to which everything is older.
"""

from __future__ import annotations

import re
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.http import QueryDict

from integrations.models import Integration, Provisioning
from integrations.provisioning import wanted
from integrations.syncing import sync
from scim.models import RequestRecord, Resource
from workspaces.models import Directory, Job, Workspace
from workspaces.pages import PAGE_SIZE

KINDS = (wanted.JOB, sync.JOB)
WRITES = ("POST", "PUT", "PATCH", "DELETE")
METHODS = {
    "read": ("GET",),
    "create": ("POST",),
    "replace": ("PUT",),
    "update": ("PATCH",),
    "delete": ("DELETE",),
}
JOBS = {"provision": wanted.JOB, "sync": sync.JOB}
ACTIONS = [
    ("", "All actions"),
    ("create", "Create"),
    ("update", "Update"),
    ("replace", "Replace"),
    ("delete", "Delete"),
    ("read", "Read"),
    ("provision", "Provision"),
    ("sync", "Sync"),
]
STATUSES = [
    ("", "All statuses"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("open", "Queued or running"),
    ("held", str(Job.State.HELD.label)),
    ("paused", str(Job.State.PAUSED.label)),
]
PERIODS = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
TIMES = [
    ("", "Any time"),
    ("1h", "Last hour"),
    ("24h", "Last 24 h"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
]
TOGETHER = timedelta(seconds=5)
"""A job that a request asked for was put off while it was answered."""

_MOST_NAMES = 200
MOST_NEWS = 100
"""More new events than this are not counted."""

_MARK = re.compile(r"r([0-9]{1,18})-j([0-9]{1,18})")
FAILED_REQUEST = Q(status__gte=400) & ~Q(method="GET", status=404)
"""A client that asks whether somebody exists did not fail if nobody does."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. Empty means everything."""

    text: str = ""
    integration: str = ""
    action: str = ""
    status: str = ""
    time: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Filters:
        """Return the filters of a URL. What is not known is left out."""
        return cls(
            text=query.get("q", "").replace("\x00", "").strip()[:200],
            integration=query.get("integration", "").replace("\x00", "")[:32],
            action=_known(query, "action", ACTIONS),
            status=_known(query, "status", STATUSES),
            time=_known(query, "time", TIMES),
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left out."""
        return self == Filters()


@dataclass(slots=True)
class Entry:
    """A request or a job, with the jobs that the request asked for."""

    at: datetime
    record: RequestRecord | None = None
    job: Job | None = None
    jobs: list[Entry] = field(default_factory=list)

    @property
    def resource_id(self) -> str:
        """Public id of the resource that it is about; empty for searches and syncs."""
        if self.record is not None:
            return self.record.resource_id
        return self.job.subject if self.job and self.job.kind == wanted.JOB else ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the timeline: entries up to these ids are older than it."""

    record: int = 0
    job: int = 0

    @classmethod
    def read(cls, text: str) -> Mark | None:
        """Return the mark of a URL, None if it is none."""
        found = _MARK.fullmatch(text)
        return cls(int(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"r{self.record}-j{self.job}"


@dataclass(frozen=True, slots=True)
class Found:
    """A page: entries, newest first, and the marks of the pages beside it."""

    entries: list[Entry]
    newer: Mark | None
    older: Mark | None
    top: Mark
    """Where what comes after this page begins."""


def page(
    workspace: Workspace,
    filters: Filters,
    *,
    before: Mark | None = None,
    after: Mark | None = None,
    resource_id: str = "",
    size: int = PAGE_SIZE,
    now: datetime,
) -> Found:
    """Return up to `size` entries before or after a mark of another page.

    Without a mark, or where nothing newer fills a page, these are the newest.
    """
    scope = _Scope(workspace, filters, resource_id, now)
    if after is not None and before is None:
        entries = _after(scope, after, size + 1)
        if len(entries) > size:
            entries = entries[:size]
            top = _top_of(entries, after)
            return Found(_nested(entries[::-1]), newer=top, older=after, top=top)
    top = before or newest_mark(workspace)
    entries = _before(scope, top, size + 1)
    shown = entries[:size]
    older = _bottom_of(shown, top) if len(entries) > size else None
    return Found(_nested(shown), newer=before, older=older, top=top)


def newest_mark(workspace: Workspace) -> Mark:
    """Return the mark after all that has happened: the ends of two indexes."""
    of_directory = RequestRecord.objects.filter(directory=OuterRef("pk"))
    last = Subquery(of_directory.order_by("-id").values("pk")[:1])
    records = Directory.objects.in_workspace(workspace).annotate(last=last)
    jobs = Job.objects.filter(workspace=workspace).order_by("-id")
    return Mark(
        records.aggregate(newest=Max("last"))["newest"] or 0,
        jobs.values_list("pk", flat=True).first() or 0,
    )


def count_news(
    workspace: Workspace,
    filters: Filters,
    since: Mark,
    *,
    resource_id: str = "",
    now: datetime,
) -> int:
    """Count the events after a mark, up to MOST_NEWS, by their ids."""
    scope = _Scope(workspace, filters, resource_id, now)
    found: tuple[QuerySet, ...] = (
        scope.records().filter(pk__gt=since.record),
        scope.jobs().filter(pk__gt=since.job),
    )
    return min(sum(rows.order_by()[:MOST_NEWS].count() for rows in found), MOST_NEWS)


def directories(workspace: Workspace) -> dict[int, str]:
    """Return the name of each directory, by its key of the database."""
    names = dict(
        Integration.objects.in_workspace(workspace).values_list("directory", "name")
    )
    own = Directory.objects.in_workspace(workspace).filter(
        kind=Directory.Kind.DIRECTORY_SYNC
    )
    return names | dict.fromkeys(own.values_list("pk", flat=True), "Directory Sync")


def labels(entries: list[Entry]) -> dict[str, str]:
    """Return what people call the resources of entries, by public id: two queries."""
    keys = {entry.resource_id for entry in entries} - {""}
    names = dict(
        Provisioning.objects.filter(resource_id_public__in=keys).values_list(
            "resource_id_public", "user_name"
        )
    )
    rest = Resource.objects.filter(public_id__in=keys - names.keys())
    return names | dict(rest.values_list("public_id", "label"))


def find_record(
    workspace: Workspace, request_id: uuid.UUID, at: datetime | None
) -> RequestRecord | None:
    """Return the record of a request. `at` spares the search through all of them."""
    found = RequestRecord.objects.filter(
        directory__workspace=workspace, request_id=str(request_id)
    ).select_related("directory")
    near = found.filter(at=at).first() if at else None
    return near or found.order_by("-id").first()


class _Scope:
    """The two logs of one workspace, filtered."""

    def __init__(
        self, workspace: Workspace, filters: Filters, resource_id: str, now: datetime
    ) -> None:
        self.workspace = workspace
        self.filters = filters
        self.since = now - PERIODS[filters.time] if filters.time else None
        self.names = _matching(workspace, filters.text) if filters.text else []
        if resource_id:
            self.names = [resource_id]
        self.is_named = bool(filters.text or resource_id)

    def records(self) -> QuerySet[RequestRecord]:
        """Return the requests, newest first."""
        wanted_ones = Directory.objects.in_workspace(self.workspace)
        if self.filters.integration:
            wanted_ones = wanted_ones.filter(key=self.filters.integration)
        keys = list(wanted_ones.values_list("pk", flat=True))
        found = RequestRecord.objects.filter(directory__in=keys).order_by("-id")
        action, status = self.filters.action, self.filters.status
        if action in JOBS or status in {"open", "held", "paused"}:
            return found.none()
        if action:
            found = found.filter(method__in=METHODS[action])
        if status:
            is_failed = status == "failed"
            found = found.filter(FAILED_REQUEST if is_failed else ~FAILED_REQUEST)
        if self.is_named:
            found = found.filter(
                Q(resource_id__in=self.names) | Q(request_id=self.filters.text or "-")
            )
        return found.filter(at__gte=self.since) if self.since else found

    def jobs(self) -> QuerySet[Job]:
        """Return the syncs and provisionings, newest first."""
        action, status = self.filters.action, self.filters.status
        found = Job.objects.filter(workspace=self.workspace).order_by("-id")
        if action in METHODS:
            return found.none()
        found = found.filter(kind__in=[JOBS[action]] if action else KINDS)
        if status:
            found = found.filter(state__in=_JOB_STATES[status])
            if status == "failed":
                # What somebody cancelled or discarded did not fail.
                found = found.filter(ended_by=None)
        if self.filters.integration:
            key = self.filters.integration
            people = Provisioning.objects.filter(
                integration__directory__key=key,
                integration__workspace=self.workspace,
            )
            found = found.filter(
                Q(kind=sync.JOB, subject=key)
                | Q(
                    kind=wanted.JOB,
                    subject__in=people.values("resource_id_public"),
                )
            )
        if self.is_named:
            found = found.filter(kind=wanted.JOB, subject__in=self.names)
        return found.filter(created_at__gte=self.since) if self.since else found


_JOB_STATES = {
    "succeeded": (Job.State.COMPLETED,),
    "failed": (Job.State.NOT_COMPLETED, Job.State.RETRYING),
    "open": (*Job.READY, *Job.LEASED),
    "held": (Job.State.HELD,),
    "paused": (Job.State.PAUSED,),
}


def _matching(workspace: Workspace, text: str) -> list[str]:
    """Return the public ids of who is meant: by name, address or either side's id."""
    people = Provisioning.objects.filter(integration__workspace=workspace).filter(
        Q(user_name__icontains=text) | Q(resource_id_public=text)
    )
    resources = Resource.objects.filter(directory__workspace=workspace).filter(
        Q(label__icontains=text) | Q(external_id=text) | Q(public_id=text)
    )
    known = islice(people.values_list("resource_id_public", flat=True), _MOST_NAMES)
    return [*known, *resources.values_list("public_id", flat=True)[:_MOST_NAMES]]


def _before(scope: _Scope, mark: Mark, most: int) -> list[Entry]:
    """Return the nearest entries up to a mark, newest first."""
    records = scope.records().filter(pk__lte=mark.record)
    jobs = scope.jobs().filter(pk__lte=mark.job)
    return _merged(*_entries(records, jobs, most))[:most]


def _after(scope: _Scope, mark: Mark, most: int) -> list[Entry]:
    """Return the nearest entries after a mark, oldest first."""
    records = scope.records().filter(pk__gt=mark.record).order_by("id")
    jobs = scope.jobs().filter(pk__gt=mark.job).order_by("id")
    found = _merged(*_entries(records, jobs, most), is_newest_first=False)
    return found[:most]


def _entries(
    records: QuerySet[RequestRecord], jobs: QuerySet[Job], most: int
) -> tuple[list[Entry], list[Entry]]:
    """Read the first of both logs, in their order. Their bodies stay where they are."""
    keys = list(records.values_list("pk", flat=True)[:most])
    rows = {
        row.pk: row for row in RequestRecord.objects.filter(pk__in=keys).defer("body")
    }
    found = [rows[key] for key in keys if key in rows]
    return (
        [Entry(row.at, record=row) for row in found],
        [Entry(job.created_at, job=job) for job in jobs.select_related("actor")[:most]],
    )


def _top_of(entries: list[Entry], mark: Mark) -> Mark:
    """Return the mark after entries that follow a mark."""
    return Mark(
        max([mark.record, *(e.record.pk for e in entries if e.record)]),
        max([mark.job, *(e.job.pk for e in entries if e.job)]),
    )


def _bottom_of(entries: list[Entry], mark: Mark) -> Mark:
    """Return the mark before entries that end at a mark."""
    return Mark(
        min([mark.record + 1, *(e.record.pk for e in entries if e.record)]) - 1,
        min([mark.job + 1, *(e.job.pk for e in entries if e.job)]) - 1,
    )


def _merged(
    records: list[Entry], jobs: list[Entry], *, is_newest_first: bool = True
) -> list[Entry]:
    """Return both logs by time, each in its own order, which the marks count on."""
    result = []
    left, right = deque(records), deque(jobs)
    while left and right:
        is_left = left[0].at >= right[0].at
        if not is_newest_first:
            is_left = left[0].at < right[0].at
        result.append((left if is_left else right).popleft())
    return [*result, *left, *right]


def _nested(entries: list[Entry]) -> list[Entry]:
    """Put the jobs that SCIM asked for below the request that did."""
    writes: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.record is not None and entry.record.method in WRITES:
            writes.setdefault(entry.resource_id, []).append(entry)
    result = []
    for entry in entries:
        asked = None
        if entry.job is not None and entry.job.trigger == Job.Trigger.SCIM:
            near = writes.get(entry.resource_id, [])
            asked = next((w for w in near if abs(w.at - entry.at) < TOGETHER), None)
        if asked is not None and entry.resource_id:
            asked.jobs.append(entry)
        else:
            result.append(entry)
    return result


def _known(query: QueryDict, name: str, choices: list[tuple[str, str]]) -> str:
    given = query.get(name, "")
    return given if given in dict(choices) else ""
