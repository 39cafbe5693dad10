"""What happened in a workspace: requests, background work, decisions; newest first.

Three logs are read by their own ids and merged by time, so that a page costs the
same however long they are. No count, no skip. A place between two entries is a
Mark: an id of each log, up to which everything is older.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge

from django.db.models import QuerySet

from integrations.models import Provisioning
from integrations.reports.activity_filters import OF_PEOPLE, Filters, Scope
from scim.models import Change, RequestRecord, Resource
from workspaces.models import AuditEvent, Directory, Job, Workspace
from workspaces.pages import PAGE_SIZE

WRITES = ("POST", "PUT", "PATCH", "DELETE")
TOGETHER = timedelta(seconds=5)
"""A job that a request asked for was put off while it was answered."""

MOST_NEWS = 100
"""More new events than this are not counted."""

_MOST_CHANGES = 50
_MARK = re.compile(r"r([0-9]{1,18})-j([0-9]{1,18})-a([0-9]{1,18})")


@dataclass(slots=True)
class Entry:
    """A request with the jobs that it asked for, a job, or an entry of the audit log."""

    at: datetime
    record: RequestRecord | None = None
    job: Job | None = None
    audited: AuditEvent | None = None
    jobs: list[Entry] = field(default_factory=list)

    @property
    def resource_id(self) -> str:
        """Public id of the resource that it is about; empty for searches and syncs."""
        if self.record is not None:
            return self.record.resource_id
        return self.job.subject if self.job and self.job.kind in OF_PEOPLE else ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the timeline: entries up to these ids are older than it."""

    record: int = 0
    job: int = 0
    audited: int = 0

    @classmethod
    def read(cls, text: str) -> Mark | None:
        """Return the mark of a URL, None if it is none."""
        found = _MARK.fullmatch(text)
        return cls(*map(int, found.groups())) if found else None

    def __str__(self) -> str:
        return f"r{self.record}-j{self.job}-a{self.audited}"


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
    scope = Scope(workspace, filters, resource_id, now)
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
    """Return the mark after all that has happened: the ends of three indexes."""
    # Of all tenants: nothing is newer, and no directory has to be looked at.
    records = RequestRecord.objects.order_by("-id")
    jobs = Job.objects.filter(workspace=workspace).order_by("-id")
    audited = AuditEvent.objects.filter(workspace=workspace).order_by("-id")
    return Mark(
        records.values_list("pk", flat=True).first() or 0,
        jobs.values_list("pk", flat=True).first() or 0,
        audited.values_list("pk", flat=True).first() or 0,
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
    scope = Scope(workspace, filters, resource_id, now)
    found: tuple[QuerySet, ...] = (
        scope.records().filter(pk__gt=since.record),
        scope.jobs().filter(pk__gt=since.job),
        scope.audited().filter(pk__gt=since.audited),
    )
    return min(sum(rows.order_by()[:MOST_NEWS].count() for rows in found), MOST_NEWS)


def places(workspace: Workspace, entries: Iterable[Entry]) -> dict[int, str]:
    """Return the name of each directory of the requests, by its key of the database."""
    keys = {entry.record.directory_id for entry in entries if entry.record}
    found = Directory.objects.in_workspace(workspace).filter(pk__in=keys)
    names = found.values_list("pk", "integration__name")
    return {key: name or "Directory Sync" for key, name in names}


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


def changes_of(record: RequestRecord) -> list[Change]:
    """Return what a request changed, newest first; a bulk request has many."""
    found = Change.objects.filter(
        directory=record.directory, request_id=record.request_id
    ).order_by("-id")
    if record.resource_id:
        found = found.filter(resource_id=record.resource_id)
    elif record.method == "GET":
        return []
    return list(found[:_MOST_CHANGES])


def _before(scope: Scope, mark: Mark, most: int) -> list[Entry]:
    """Return the nearest entries up to a mark, newest first."""
    records = scope.records().filter(pk__lte=mark.record)
    jobs = scope.jobs().filter(pk__lte=mark.job)
    audited = scope.audited().filter(pk__lte=mark.audited)
    return _merged(_entries(records, jobs, audited, most))[:most]


def _after(scope: Scope, mark: Mark, most: int) -> list[Entry]:
    """Return the nearest entries after a mark, oldest first."""
    records = scope.records().filter(pk__gt=mark.record).order_by("id")
    jobs = scope.jobs().filter(pk__gt=mark.job).order_by("id")
    audited = scope.audited().filter(pk__gt=mark.audited).order_by("id")
    logs = _entries(records, jobs, audited, most)
    return _merged(logs, is_newest_first=False)[:most]


def _entries(
    records: QuerySet[RequestRecord],
    jobs: QuerySet[Job],
    audited: QuerySet[AuditEvent],
    most: int,
) -> list[list[Entry]]:
    """Read the first of each log, in its order. Their bodies stay where they are."""
    keys = list(records.values_list("pk", flat=True)[:most])
    rows = {
        row.pk: row for row in RequestRecord.objects.filter(pk__in=keys).defer("body")
    }
    found = [rows[key] for key in keys if key in rows]
    return [
        [Entry(row.at, record=row) for row in found],
        [Entry(job.created_at, job=job) for job in jobs.select_related("actor")[:most]],
        [Entry(event.at, audited=event) for event in audited[:most]],
    ]


def _top_of(entries: list[Entry], mark: Mark) -> Mark:
    """Return the mark after entries that follow a mark."""
    return Mark(
        max([mark.record, *(e.record.pk for e in entries if e.record)]),
        max([mark.job, *(e.job.pk for e in entries if e.job)]),
        max([mark.audited, *(e.audited.pk for e in entries if e.audited)]),
    )


def _bottom_of(entries: list[Entry], mark: Mark) -> Mark:
    """Return the mark before entries that end at a mark."""
    return Mark(
        min([mark.record + 1, *(e.record.pk for e in entries if e.record)]) - 1,
        min([mark.job + 1, *(e.job.pk for e in entries if e.job)]) - 1,
        min([mark.audited + 1, *(e.audited.pk for e in entries if e.audited)]) - 1,
    )


def _merged(logs: list[list[Entry]], *, is_newest_first: bool = True) -> list[Entry]:
    """Return the logs by time, each in its own order, which the marks count on."""
    ordered = logs if is_newest_first else logs[::-1]
    return list(merge(*ordered, key=lambda entry: entry.at, reverse=is_newest_first))


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
            asked = _nearest(entry, writes.get(entry.resource_id, []))
        if asked is not None and entry.resource_id:
            asked.jobs.append(entry)
        else:
            result.append(entry)
    return result


def _nearest(job: Entry, writes: list[Entry]) -> Entry | None:
    """Return the request about the same user that was made together with the job."""
    together = [each for each in writes if abs(each.at - job.at) < TOGETHER]
    return min(together, key=lambda each: abs(each.at - job.at), default=None)
