"""**Export CSV** of the timeline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.http import StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integrations.audit import Action
from integrations.reports import activity
from integrations.reports.activity import Entry, Filters, Mark
from integrations.syncing import sync
from integrations.views import timeline
from workspaces import audit
from workspaces.clock import database_now
from workspaces.csv_export import csv_response
from workspaces.models import Workspace
from workspaces.permissions import Permission, WorkspaceRequest, requires

_SIZE = 500
_HEADER = [
    *("Time (UTC)", "What", "Integration", "Actor", "Action", "Object"),
    *("Object id", "Outcome", "Status", "Milliseconds", "Path", "Client"),
    *("Address", "Request id", "Error"),
]


@never_cache
@require_GET
@requires(Permission.VIEW_ACTIVITY)
def export(request: WorkspaceRequest) -> StreamingHttpResponse:
    """Send the filtered timeline as a file, and record that."""
    filters = Filters.read(request.GET)
    audit.record(
        Action.ACTIVITY_EXPORTED,
        workspace=request.workspace,
        actor=request.user,
        data={"filters": request.GET.urlencode()[:500]},
    )
    rows = _cells(request.workspace, filters, database_now())
    return csv_response("activity", _HEADER, rows)


def _cells(
    workspace: Workspace, filters: Filters, now: datetime
) -> Iterator[list[object]]:
    """Yield a line for each request and job, page by page."""
    places = activity.directories(workspace)
    mark: Mark | None = activity.newest_mark(workspace)
    while mark is not None:
        found = activity.page(workspace, filters, before=mark, size=_SIZE, now=now)
        every = timeline.with_children(found.entries)
        names = activity.labels(every)
        of_jobs = timeline.places_of_jobs(workspace, every)
        for entry in every:
            yield _line(entry, names.get(entry.resource_id, ""), places, of_jobs)
        mark = found.older


def _line(
    entry: Entry, name: str, places: dict[int, str], of_jobs: dict[str, str]
) -> list[object]:
    at = entry.at.isoformat(timespec="milliseconds")
    record, job = entry.record, entry.job
    if record is not None:
        return [
            *(at, "SCIM request", places.get(record.directory_id, "")),
            *(timeline.idp_of(record), record.method, name, record.resource_id),
            *(timeline.record_pill(record).label, record.status),
            *(record.milliseconds, record.path, record.client),
            *(record.address, record.request_id, ""),
        ]
    assert job is not None  # noqa: S101  an entry is one of the two
    what = "Sync" if job.kind == sync.JOB else "Provisioning"
    outcome = timeline.pill_of(job).label
    return [
        *(at, what, of_jobs.get(job.subject, ""), str(job.actor or "Keyway")),
        *(job.get_trigger_display(), name, entry.resource_id, outcome),
        *("", "", "", "", "", "", job.error),
    ]
