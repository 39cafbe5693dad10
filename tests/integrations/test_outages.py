"""F19: an app that is down for long is told of once, and so is its end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from integrations.connectors.base import Misconfigured, TemporaryFailure
from integrations.models import Integration
from integrations.outside import health, outages
from integrations.provisioning import pausing
from tests.conftest import ScimClient
from workspaces import lanes
from workspaces.clock import database_now
from workspaces.models import Job

REASON = "The app does not answer."
SOON = timedelta(minutes=1)


def fail(integration: Integration) -> None:
    for _ in range(lanes.FAILURES_TO_CLOSE):
        health.note_failure(integration, TemporaryFailure(REASON), now=database_now())


def tell(after: timedelta) -> list[str]:
    """Look for what is due that much later, carry it out, return the subjects."""
    outages.ask_for_due(database_now() + after)
    jobs = Job.objects.filter(kind=outages.JOB, state=Job.State.QUEUED)
    for job in jobs:
        outages.tell(job)
    jobs.update(state=Job.State.COMPLETED)
    return [m.subject for m in mail.outbox]


@pytest.fixture
def down(integration: Integration, scim: ScimClient) -> Integration:
    """An app that fails while a change waits for it."""
    scim.add_user()
    fail(integration)
    integration.refresh_from_db()
    return integration


def test_f19_is_told_once_with_reason_since_when_and_what_waits(
    down: Integration,
) -> None:
    for _ in range(3):
        subjects = tell(outages.TELL_AFTER + SOON)

    assert subjects == ["Acme Demo waits for its app"]
    text = mail.outbox[0].body
    assert REASON in text
    assert f"{down.calls_stopped_at:%d %b %Y, %H:%M} UTC" in text
    assert "1 change waits" in text
    assert f"/integrations/{down.directory.key}/overview/" in text


def test_f19_that_it_works_again_is_told_once_after_such_a_mail(
    down: Integration,
) -> None:
    tell(outages.TELL_AFTER + SOON)
    health.note_success(down, now=database_now())
    for _ in range(2):
        subjects = tell(SOON)
    assert subjects[1:] == ["Acme Demo works again"]
    assert f"since {down.calls_stopped_at:%d %b %Y, %H:%M} UTC" in mail.outbox[1].body

    fail(down)

    assert tell(outages.TELL_AFTER + SOON)[2:] == ["Acme Demo waits for its app"]


def test_short_outage_is_not_told(down: Integration) -> None:
    assert tell(outages.TELL_AFTER - SOON) == []

    health.note_success(down, now=database_now())

    assert tell(outages.TELL_AFTER + SOON) == []


def test_outage_that_ended_while_the_mail_server_was_away_is_not_told(
    down: Integration,
) -> None:
    outages.ask_for_due(database_now() + outages.TELL_AFTER + SOON)
    health.note_success(down, now=database_now())

    done = outages.tell(Job.objects.get(kind=outages.JOB))

    assert done == {"sent": 0, "note": "It has changed since."}


@pytest.mark.parametrize("case", ["nothing waits", "paused", "told as refused login"])
def test_is_not_told_where_nobody_need_look(down: Integration, case: str) -> None:
    now = database_now()
    if case == "nothing waits":
        Job.objects.update(state=Job.State.NOT_COMPLETED)
    elif case == "paused":
        pausing.pause(down, actor=None, now=now)
    else:
        health.note_failure(down, Misconfigured("Wrong password."), now=now)

    assert tell(outages.TELL_AFTER + SOON) == []
