"""**Export CSV** of the timeline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.http import QueryDict, StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integrations.audit import Action
from integrations.provisioning import wanted
from integrations.reports import activity, events
from integrations.reports.activity import Entry, Mark
from integrations.reports.activity_filters import Filters
from integrations.syncing import person, sync
from integrations.views import timeline
from workspaces import audit
from workspaces.clock import database_now
from workspaces.csv_export import csv_response
from workspaces.models import User, Workspace
from workspaces.permissions import Permission, WorkspaceRequest, requires

_SIZE = 500
_WHAT = {wanted.JOB: "Provisioning", sync.JOB: "Sync", person.JOB: "Sync"}
_HEADER = [
    *("Time (UTC)", "What", "Event", "Integration", "Actor", "Action", "Object"),
    *("Object ID", "Outcome", "Status", "Milliseconds", "Path", "Client"),
    *("Address", "Request ID", "Error"),
]


@never_cache
@require_GET
@requires(Permission.VIEW_ACTIVITY)
def export(request: WorkspaceRequest) -> StreamingHttpResponse:
    """Send the filtered timeline as a file, and record that."""
    return file(request.workspace, request.GET, actor=request.user)


def file(
    workspace: Workspace, query: QueryDict, *, actor: User
) -> StreamingHttpResponse:
    """Answer with the timeline as CSV, filtered as the query of an address says."""
    audit.record(
        Action.ACTIVITY_EXPORTED,
        workspace=workspace,
        actor=actor,
        data={"filters": query.urlencode()[:500]},
    )
    rows = _cells(workspace, Filters.read(query), database_now())
    return csv_response("activity", _HEADER, rows)


def _cells(
    workspace: Workspace, filters: Filters, now: datetime
) -> Iterator[list[object]]:
    """Yield a line for each request and job, page by page."""
    mark: Mark | None = activity.newest_mark(workspace)
    while mark is not None:
        found = activity.page(workspace, filters, before=mark, size=_SIZE, now=now)
        every = timeline.with_children(found.entries)
        places = activity.places(workspace, every)
        names = activity.labels(every)
        names |= timeline.names_of_checks(workspace, every)
        of_jobs = timeline.places_of_jobs(workspace, every)
        states = timeline.states_of(workspace, every)
        for entry in every:
            yield _line(entry, names, places, of_jobs, states)
        mark = found.older


def _audited_line(entry: Entry, at: str) -> list[object]:
    event = entry.audited
    assert event is not None  # noqa: S101  an entry is one of the three
    return [
        *(at, "Audit log", events.name_of(event), "", event.actor_label),
        *(event.action, event.target_label, event.target_id, "Succeeded"),
        *("", "", "", "", event.address, event.request_id, ""),
    ]


def _line(
    entry: Entry,
    names: dict[str, str],
    places: dict[int, str],
    of_jobs: dict[str, str],
    states: dict[str, str],
) -> list[object]:
    at = entry.at.isoformat(timespec="milliseconds")
    record, job = entry.record, entry.job
    if record is not None:
        return [
            *(at, "SCIM request", "", places.get(record.directory_id, "")),
            *(
                timeline.idp_of(record),
                record.method,
                names.get(entry.resource_id, ""),
                record.resource_id,
            ),
            *(timeline.record_pill(record).label, record.status),
            *(record.milliseconds, record.path, record.client),
            *(record.address, record.request_id, ""),
        ]
    if job is None:
        return _audited_line(entry, at)
    what = _WHAT.get(job.kind, "Health check")
    event = events.name_of_job(job, states.get(job.subject, ""))
    name = names.get(job.subject, "")
    outcome = timeline.pill_of(job).label
    return [
        *(at, what, event, of_jobs.get(job.subject, ""), str(job.actor or "Keyway")),
        *(job.get_trigger_display(), name, entry.resource_id, outcome),
        *("", "", "", "", "", "", job.error),
    ]
