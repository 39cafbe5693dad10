"""What the last contact with an app says: note it, and tell its administrators once.

A failure that may pass is counted in the integration's lane, which closes after
several, and at once for a login that is refused or as long as the app asks for.
What waits is kept: an outage does not bring a job nearer to being given up.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    TemporaryFailure,
)
from integrations.models import Integration
from tokens import notices
from workspaces import jobs, lanes, mailing
from workspaces.models import Job

JOB = "integrations.tell_of_attention"
MISCONFIGURED_PAUSE = timedelta(minutes=1)
"""How long at least to wait before a login that was refused is tried again."""


@transaction.atomic(savepoint=False)
def note_success(integration: Integration, *, now: datetime) -> None:
    """Remember that the app did its part. Writes only when that is news."""
    Integration.objects.filter(
        Q(status=Integration.Status.NEEDS_ATTENTION)
        | Q(calls_stopped_at__isnull=False),
        pk=integration.pk,
    ).update(
        status=Integration.Status.ACTIVE,
        status_reason="",
        status_at=now,
        calls_stopped_at=None,
    )
    lanes.note_success(integration.lane)


@transaction.atomic
def note_refusal(integration: Integration) -> None:
    """Remember that the app answered, and only this change is not to its liking."""
    rows = Integration.objects.filter(pk=integration.pk)
    rows.exclude(calls_stopped_at=None).update(calls_stopped_at=None)
    lanes.note_success(integration.lane)


@transaction.atomic
def note_misconfigured(integration: Integration, reason: str, *, now: datetime) -> None:
    """Remember that nothing will work until somebody mends something.

    One mail tells of it, not one for each job that meets it.
    """
    news = Integration.objects.filter(pk=integration.pk).exclude(
        status=Integration.Status.NEEDS_ATTENTION, status_reason=reason
    )
    is_news = news.update(
        status=Integration.Status.NEEDS_ATTENTION, status_reason=reason, status_at=now
    )
    if is_news:
        jobs.enqueue(
            JOB,
            workspace=integration.workspace,
            subject=f"{integration.directory.key}:{_cause(reason)}",
            trigger=Job.Trigger.SCHEDULE,
            max_failures=mailing.MAX_FAILURES,
            now=now,
        )


@transaction.atomic
def note_failure(
    integration: Integration, error: ConnectorError, *, now: datetime
) -> jobs.RetryLater:
    """Note a failure that may pass, and return what the job should raise."""
    pause = error.retry_after if isinstance(error, TemporaryFailure) else None
    if isinstance(error, Misconfigured):
        pause = MISCONFIGURED_PAUSE
        note_misconfigured(integration, error.message, now=now)
    closed = lanes.note_failure(
        integration.workspace_id,
        integration.lane,
        error.message,
        pause=pause,
        now=now,
    )
    if closed is not None:
        Integration.objects.filter(pk=integration.pk, calls_stopped_at=None).update(
            calls_stopped_at=now
        )
    return jobs.RetryLater(error.message, after=closed or None, counts=closed is None)


def tell(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    integration = (
        Integration.objects.select_related("directory", "workspace")
        .filter(
            workspace=job.workspace_id, directory__key=job.subject.partition(":")[0]
        )
        .first()
    )
    if (
        integration is None
        or integration.status != Integration.Status.NEEDS_ATTENTION
        or _cause(integration.status_reason) != job.subject.partition(":")[2]
    ):
        return {"sent": 0, "note": "It has been mended, or is gone."}
    people = notices.administrators(integration.workspace)
    return mailing.deliver(*written(integration), people)


def written(integration: Integration) -> tuple[str, str]:
    """Return subject and text of the mail."""
    name = " ".join(integration.name.split())
    path = reverse("integrations:overview", args=[integration.directory.key])
    lines = [
        f"Keyway cannot work with the app of {name}: {integration.status_reason}",
        "What your IdP changes is kept. Keyway tries again by itself, one change at a "
        "time, and goes on with all of them once the app lets it.",
        f"{name}: {settings.KEYWAY_PUBLIC_URL}{path}",
    ]
    return f"{name} needs attention", "\n\n".join(lines) + "\n"


def _cause(reason: str) -> str:
    return sha256(reason.encode()).hexdigest()[:12]
