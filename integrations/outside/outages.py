"""Tell the administrators of an app that is down for long: once, and once of its end.

A refused login is told of at once, by `health`. An app that does not answer comes back
by itself most of the time: a mail is worth it once work has waited for TELL_AFTER.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from integrations.models import Integration
from integrations.outside import holding_back
from tokens import notices
from workspaces import jobs, mailing
from workspaces.models import Job

JOB = "integrations.tell_of_outage"
TELL_AFTER = timedelta(hours=1)
"""How long calls are held back, with work that waits, before a mail tells of it."""


class Event(StrEnum):
    """What a mail tells of."""

    DOWN = "down"
    WORKS_AGAIN = "works-again"


def ask_for_due(now: datetime) -> int:
    """Put off the mails that are due. Returns how many."""
    rows = Integration.objects.select_related("directory", "workspace")
    # Without work nobody tries, and so nobody knows how the app is by now.
    work = Job.objects.filter(
        lane=OuterRef("directory__key"), state__in=[*Job.READY, *Job.LEASED]
    )
    down = rows.filter(
        Exists(work),
        calls_stopped_at__lte=now - TELL_AFTER,
        told_stopped_at=None,
        paused_at=None,
        status=Integration.Status.ACTIVE,
    )
    working = rows.filter(calls_stopped_at=None, told_stopped_at__isnull=False)
    asked = [_ask(each, Event.DOWN, now=now) for each in down]
    asked += [_ask(each, Event.WORKS_AGAIN, now=now) for each in working]
    return sum(asked)


@transaction.atomic
def _ask(integration: Integration, event: Event, *, now: datetime) -> bool:
    """Put a mail off. Of two workers that look at once, one does."""
    since = integration.calls_stopped_at or integration.told_stopped_at
    assert since is not None  # noqa: S101  of both kinds one has a time
    seen = Integration.objects.filter(
        pk=integration.pk,
        calls_stopped_at=integration.calls_stopped_at,
        told_stopped_at=integration.told_stopped_at,
    )
    if not seen.update(told_stopped_at=integration.calls_stopped_at):
        return False
    jobs.enqueue(
        JOB,
        workspace=integration.workspace,
        subject=f"{integration.directory.key}:{event}:{since.isoformat()}",
        trigger=Job.Trigger.SCHEDULE,
        max_failures=mailing.MAX_FAILURES,
        now=now,
    )
    return True


def tell(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    key, event, since = job.subject.split(":", 2)
    integration = (
        Integration.objects.select_related("directory", "workspace", "app")
        .filter(workspace=job.workspace_id, directory__key=key)
        .first()
    )
    if integration is None:
        return {"sent": 0, "note": "The integration is gone."}
    is_down = integration.calls_stopped_at is not None
    if is_down != (event == Event.DOWN):
        return {"sent": 0, "note": "It has changed since."}
    subject, text = written(integration, since=datetime.fromisoformat(since))
    return mailing.deliver(subject, text, notices.administrators(integration.workspace))


def written(integration: Integration, *, since: datetime) -> tuple[str, str]:
    """Return subject and text of the mail about how the app is now."""
    name = " ".join(integration.name.split())
    if integration.calls_stopped_at is None:
        subject, body = f"{name} works again", _works_again(integration, name, since)
    else:
        subject, body = f"{name} waits for its app", _down(integration, name, since)
    path = reverse("integrations:overview", args=[integration.directory.key])
    link = f"{name}: {settings.KEYWAY_PUBLIC_URL}{path}"
    return subject, "\n\n".join([*body, link]) + "\n"


def _down(integration: Integration, name: str, since: datetime) -> list[str]:
    found = holding_back.of([integration]).get(integration.pk)
    reason = f" {found.reason}" if found else ""
    return [
        f"Keyway holds its calls to the app of {name} back since {_moment(since)}."
        + reason,
        f"{_waiting(integration)}, and nothing is lost. Keyway keeps trying by itself, "
        "and goes on with all of it once the app answers.",
        "See whether the app runs, and whether Keyway can reach it. The next mail "
        "tells that it works again.",
    ]


def _works_again(integration: Integration, name: str, since: datetime) -> list[str]:
    return [
        f"The app of {name} takes the calls of Keyway again. They were held back since "
        f"{_moment(since)}.",
        f"Nothing was lost. {_waiting(integration)}, and Keyway goes on by itself.",
    ]


def _waiting(integration: Integration) -> str:
    count = holding_back.waiting(integration).count()
    return "1 change waits" if count == 1 else f"{count} changes wait"


def _moment(at: datetime) -> str:
    return f"{at:%d %b %Y, %H:%M} UTC"
