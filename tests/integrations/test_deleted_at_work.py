"""F30: an integration is deleted while its jobs wait and run.

What waits is ended with the reason, what is in flight is recorded, and nobody is
changed in the app any more.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from django.db import connection

from integrations import deleting, services
from integrations.models import AppAccount, AppCall, Integration
from integrations.provisioning import wanted
from tests.conftest import Answer, ScimClient
from tests.integrations.outside import Outside
from workspaces import faults
from workspaces.clock import database_now
from workspaces.models import Directory, Job, User

Work = Callable[..., None]
Arm = Callable[[str], None]
ENDED = (Job.State.NOT_COMPLETED, "The integration was deleted.")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


@pytest.fixture
def delete(integration: Integration, alice: User) -> Callable[[], None]:
    def run() -> None:
        deleting.delete(
            integration, typed_name="Acme Demo", actor=alice, now=database_now()
        )

    return run


@pytest.fixture
def delete_at(delete: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Arm:
    """Delete the integration when a worker comes by `point:n` the nth time."""

    def arm(place: str) -> None:
        point, _, number = place.partition(":")
        passed: list[str] = []

        def hook(reached: str) -> None:
            passed.append(reached)
            if reached == point and passed.count(point) == int(number):
                monkeypatch.setattr(faults, "hook", None)
                delete()

        monkeypatch.setattr(faults, "hook", hook)

    return arm


def ends() -> set[tuple[str, str]]:
    return set(Job.objects.values_list("state", "error"))


def done_in_the_app() -> list[str]:
    acts = AppCall.objects.filter(is_change=True, integration=None)
    return list(acts.values_list("act", flat=True))


def test_what_waits_is_ended_with_the_reason(
    integration: Integration,
    scim: ScimClient,
    delete: Callable[[], None],
    outside: Outside,
    work: Work,
) -> None:
    for name in ("waits", "retries", "parked"):
        scim.add_user(name)
    services.request_sync(integration, actor=None, now=database_now())
    states = [Job.State.QUEUED, Job.State.RETRYING, Job.State.PAUSED]
    for job, state in zip(Job.objects.filter(kind=wanted.JOB), states, strict=True):
        Job.objects.filter(pk=job.pk).update(state=state)

    delete()
    work(waiting=True)

    assert ends() == {ENDED}
    assert not Job.objects.filter(ended_at=None).exists()
    assert outside.requests() == []


@pytest.mark.parametrize(
    ("place", "made"),
    [
        ("job.claimed:1", []),
        ("app.after_call:2", []),
        ("app.before_change:1", []),
        ("app.after_call:3", ["Create the account"]),
        ("app.after_call:4", ["Create the account"]),
    ],
)
def test_what_is_in_flight_is_recorded_and_goes_no_further(
    scim: ScimClient,
    outside: Outside,
    work: Work,
    delete_at: Arm,
    place: str,
    made: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    scim.add_user("ann@acme.test")
    scim.add_user("ben@acme.test")
    delete_at(place)

    work()

    assert ends() == {ENDED}
    assert outside.writes() == ["POST /api/users"] * len(made)
    assert done_in_the_app() == made
    assert caplog.messages == []


@pytest.mark.parametrize(
    "place", ["job.claimed:1", "app.after_call:3", "sync.batch_saved:1"]
)
def test_sync_in_flight_leaves_nothing_behind(
    integration: Integration,
    work: Work,
    delete_at: Arm,
    place: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    services.request_sync(integration, actor=None, now=database_now())
    delete_at(place)

    work()

    assert ends() == {ENDED}
    assert not AppAccount.objects.exists()
    assert caplog.messages == []


def test_write_of_the_idp_in_the_middle_does_not_hinder_it(
    integration: Integration, scim: ScimClient, delete: Callable[[], None]
) -> None:
    scim.get("/Groups")
    answers: list[Answer] = []

    def write() -> None:
        answers.append(scim.post("/Groups", {"displayName": "Late"}))
        connection.close()

    writer = Thread(target=write)

    def meet(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        is_first = writer.ident is None
        if is_first and sql.startswith('DELETE FROM "workspaces_directory"'):
            writer.start()
            writer.join(0.5)
        return execute(sql, *args)

    with connection.execute_wrapper(meet):
        delete()
    writer.join()

    assert {answer.status for answer in answers} < {201, 401, 503}
    assert scim.get("/Groups").status == 401
    assert not Directory.objects.filter(pk=integration.directory_id).exists()
