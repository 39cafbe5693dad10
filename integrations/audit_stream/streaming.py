"""The job that streams an audit log: from the cursor on, in the order of the chain.

The cursor is moved after each batch that arrived. A crash between the two sends that
batch again, with the same ids and sequences; nothing is ever skipped.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce
from django.urls import reverse

from integrations.audit_stream import sending
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    TemporaryFailure,
)
from integrations.models import AuditStream
from tokens import notices
from workspaces import audit_chain, jobs, leases, mailing
from workspaces.clock import database_now
from workspaces.models import AuditChain, AuditEvent, Job

JOB = "integrations.stream_audit_log"
TELL = "integrations.tell_of_audit_stream"
MISCONFIGURED_PAUSE = timedelta(minutes=1)
"""How long at least to wait before what somebody must mend is tried again."""

TELL_AFTER = 5
"""How often a failure that may pass is met before a mail tells of it."""

_MOST_BATCHES = 50
"""In one job, so that a long log leaves room for other work."""


def ask_for_due(now: datetime) -> int:
    """Put off a job for each log that has grown. Returns how many.

    One that waits to try again is left to its time.
    """
    present = Job.objects.filter(
        kind=JOB, workspace=OuterRef("workspace"), state__in=Job.OPEN
    )
    due = AuditStream.objects.filter(
        ~Exists(present), workspace__audit_chain__length__gt=F("sequence")
    ).select_related("workspace")
    for stream in due:
        wake(stream, now=now)
    return len(due)


def wake(stream: AuditStream, *, now: datetime) -> None:
    """Let a worker look at the stream at once, also if it waits to try again."""
    jobs.enqueue(
        JOB,
        workspace=stream.workspace,
        subject=stream.workspace.slug,
        trigger=Job.Trigger.SCHEDULE,
        now=now,
    )


def waiting(stream: AuditStream) -> int:
    """Return how many events of the log have not arrived."""
    chain = AuditChain.objects.filter(workspace=stream.workspace_id).first()
    return max(0, chain.length - stream.sequence) if chain else 0


def carry_out(job: Job) -> dict[str, object]:
    """Send what the destination has not got. Raises RetryLater."""
    sent = 0
    for _ in range(_MOST_BATCHES):
        count = _send_batch(_stream_of(job), job)
        sent += count
        if not count:
            break
        leases.report_progress(job, sent=sent)
    return {"sent": sent}


def _send_batch(stream: AuditStream | None, job: Job) -> int:
    """Send the next events. Returns how many; 0 if there are none, or no stream."""
    if stream is None:
        return 0
    following = audit_chain.following(stream.workspace, stream.sequence)
    events = list(following[: sending.BATCH])
    if not events:
        return 0
    leases.require_lease(job)
    try:
        sending.send(stream, events)
    except ConnectorError as error:
        raise _failed(stream, error) from error
    _move_on(stream, events[-1])
    return len(events)


def _move_on(stream: AuditStream, last: AuditEvent) -> None:
    """Note what arrived, unless somebody changed or stopped the stream meanwhile."""
    AuditStream.objects.filter(
        pk=stream.pk, sequence=stream.sequence, changed_at=stream.changed_at
    ).update(
        sequence=last.sequence,
        sent_at=database_now(),
        failures=0,
        failing_since=None,
        last_error="",
    )


def _failed(stream: AuditStream, error: ConnectorError) -> jobs.RetryLater:
    """Note a failure and return what the job should raise. It never gives up."""
    now = database_now()
    message = sending.words(error.message)
    same = AuditStream.objects.filter(pk=stream.pk, changed_at=stream.changed_at)
    same.update(
        failures=F("failures") + 1,
        failing_since=Coalesce("failing_since", now),
        last_error=message,
    )
    failures = stream.failures + 1
    wait = leases.backoff(failures)
    if isinstance(error, Misconfigured):
        wait = max(wait, MISCONFIGURED_PAUSE)
    if isinstance(error, TemporaryFailure) and error.retry_after:
        wait = max(wait, error.retry_after)
    if isinstance(error, Misconfigured) or failures >= TELL_AFTER:
        _ask_for_mail(stream, message, since=stream.failing_since or now, now=now)
    return jobs.RetryLater(message, after=wait, counts=False)


def _ask_for_mail(
    stream: AuditStream, message: str, *, since: datetime, now: datetime
) -> None:
    """Put a mail off, one for each cause as long as the stream fails."""
    subject = f"{stream.public_id}:{_cause(message)}"
    told = Job.objects.filter(kind=TELL, subject=subject, created_at__gte=since)
    if not told.exists():
        jobs.enqueue(
            TELL,
            workspace=stream.workspace,
            subject=subject,
            trigger=Job.Trigger.SCHEDULE,
            max_failures=mailing.MAX_FAILURES,
            now=now,
        )


def tell(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    stream = _stream_of(job)
    if stream is None or _cause(stream.last_error) != job.subject.partition(":")[2]:
        return {"sent": 0, "note": "It has been mended, or is stopped."}
    people = notices.administrators(stream.workspace)
    return mailing.deliver(*written(stream), people)


def written(stream: AuditStream) -> tuple[str, str]:
    """Return subject and text of the mail."""
    name = " ".join(stream.workspace.name.split())
    lines = [
        f"Keyway cannot stream the audit log of {name} to {stream.origin}: "
        f"{stream.last_error}",
        f"The last event that arrived has the sequence {stream.sequence}. What came "
        "since is kept, and sent in its order once the destination takes it. Keyway "
        "tries again by itself.",
        "An Owner can change the destination: "
        f"{settings.KEYWAY_PUBLIC_URL}{reverse('audit_stream:index')}",
    ]
    return f"The audit log of {name} is not streamed", "\n\n".join(lines) + "\n"


def _stream_of(job: Job) -> AuditStream | None:
    streams = AuditStream.objects.select_related("workspace")
    return streams.filter(workspace=job.workspace_id).first()


def _cause(message: str) -> str:
    return sha256(message.encode()).hexdigest()[:12]
