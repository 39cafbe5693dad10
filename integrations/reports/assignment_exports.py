"""**Export all assignments**: a job writes the file, which is kept for a day."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO

from django.db import transaction
from django.db.models import Q

from integrations.audit import Action
from integrations.models import AssignmentExport, Integration
from integrations.reports import assignments
from workspaces import audit, jobs, leases
from workspaces.clock import database_now
from workspaces.csv_export import csv_lines
from workspaces.models import Job, User

JOB = "integrations.export_assignments"
PRUNE = "integrations.prune_assignment_exports"
MOST_BYTES = 20_000_000
"""The longest file that is kept, by gzip: some two million assignments."""

MOST_FAILURES = 5
_REPORT_EVERY = 1_000
_PIECE = 65_536


@transaction.atomic
def request(integration: Integration, *, actor: User, now: datetime) -> None:
    """Ask for a new file in place of the last, or join who waits for one."""
    Integration.objects.select_for_update().get(pk=integration.pk)
    last = find(integration, now=now)
    if last is not None and last.is_preparing:
        return
    AssignmentExport.objects.filter(integration=integration).delete()
    AssignmentExport.objects.create(integration=integration, asked_at=now)
    jobs.enqueue(
        JOB,
        workspace=integration.workspace,
        subject=integration.directory.key,
        trigger=Job.Trigger.WEB,
        actor=actor,
        max_failures=MOST_FAILURES,
        now=now,
    )
    audit.record(
        Action.ASSIGNMENTS_EXPORTED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
    )


def find(integration: Integration, *, now: datetime) -> AssignmentExport | None:
    """Return the export of an integration without its content, if it is still kept."""
    kept = AssignmentExport.objects.filter(
        integration=integration, asked_at__gt=now - AssignmentExport.KEPT
    )
    return kept.defer("content").first()


@transaction.atomic
def open_file(
    integration: Integration, *, actor: User, now: datetime
) -> Iterator[bytes] | None:
    """Return the CSV in pieces and record who took it. None if there is no file."""
    export = find(integration, now=now)
    if export is None or export.content is None:
        return None
    audit.record(
        Action.ASSIGNMENTS_DOWNLOADED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
    )
    return _pieces(bytes(export.content))


def _pieces(content: bytes) -> Iterator[bytes]:
    with gzip.open(BytesIO(content)) as file:
        while piece := file.read(_PIECE):
            yield piece


def carry_out(job: Job) -> dict[str, object]:
    """Write the file that is asked for. One that a newer request replaced is left."""
    export = (
        AssignmentExport.objects.select_related("integration__directory")
        .defer("content")
        .filter(_of(job), ready_at=None)
        .first()
    )
    if export is None:
        return {"message": "Nobody waits for this export any more."}
    content, count = _write(export.integration, job)
    AssignmentExport.objects.filter(pk=export.pk).update(
        content=content, count=count, ready_at=database_now(), error=""
    )
    return {"message": f"{count} assignments exported."}


def gave_up(job: Job, error: str) -> None:
    """Let the page say why there is no file."""
    AssignmentExport.objects.filter(_of(job), ready_at=None).update(error=error[:500])


def prune(job: Job) -> dict[str, object]:
    """Delete what is no longer kept."""
    old = AssignmentExport.objects.filter(
        integration__workspace=job.workspace_id,
        asked_at__lte=database_now() - AssignmentExport.KEPT,
    )
    return {"deleted": old.delete()[0]}


def _of(job: Job) -> Q:
    return Q(
        integration__workspace=job.workspace_id,
        integration__directory__key=job.subject,
    )


def _write(integration: Integration, job: Job) -> tuple[bytes, int]:
    """Return the file and how many assignments are in it. Raises GiveUp."""
    packed, count = BytesIO(), 0
    lines = csv_lines(assignments.COLUMNS, assignments.rows(integration))
    with gzip.open(packed, "wt", encoding="utf-8", newline="") as file:
        file.write(next(lines))
        for count, line in enumerate(lines, start=1):
            file.write(line)
            if count % _REPORT_EVERY == 0:
                leases.report_progress(job, done=count)
                _require_room(packed)
    _require_room(packed)
    return packed.getvalue(), count


def _require_room(packed: BytesIO) -> None:
    if packed.tell() > MOST_BYTES:
        raise jobs.GiveUp(
            "The app has more assignments than one file holds. Open an "
            "entitlement to see who holds it."
        )
