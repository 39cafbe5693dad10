"""The calls to outside apps, as they are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from integrations import deleting, service_accounts, services
from integrations.connectors.base import TemporaryFailure
from integrations.connectors.exchange import Exchange
from integrations.models import AppCall, Integration
from integrations.outside import call_log, connections
from integrations.outside.call_log import CallLog
from tests.conftest import ScimClient
from tests.integrations.outside import Outside
from workspaces import periodic
from workspaces.clock import database_now
from workspaces.models import Job, User, Workspace

Work = Callable[..., None]


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


def exchange(number: int = 1) -> Exchange:
    return Exchange(
        at=database_now(),
        method="GET",
        path=f"/users?page={number}",
        request_body="",
        status=200,
        error="",
        answer_body="",
        milliseconds=3,
    )


def test_provisioning_leaves_its_calls_in_order(
    scim: ScimClient, work: Work, integration: Integration, outside: Outside
) -> None:
    user = scim.add_user("ann@acme.test")
    work()

    calls = AppCall.objects.order_by("id")
    job = Job.objects.get(subject=user["id"])
    assert [
        (call.sequence, call.act, call.method, call.status, call.is_change)
        for call in calls
    ] == [
        (1, "Log in", "POST", 201, False),
        (2, "Look for the account by its name", "GET", 200, False),
        (3, "Create the account", "POST", 201, True),
        (4, "Read the account", "GET", 200, False),
    ]
    assert {(c.job, c.attempt, c.resource_id, c.integration) for c in calls} == {
        (job, 1, user["id"], integration)
    }
    assert '"login": "ann@acme.test"' in calls[2].request_body
    kept = " ".join(f"{c.path}{c.request_body}{c.answer_body}" for c in calls)
    assert outside.password not in kept
    assert calls[0].request_body == ""


def test_every_attempt_is_kept_also_when_it_fails(
    scim: ScimClient, work: Work, outside: Outside
) -> None:
    scim.add_user("ann@acme.test")
    outside.fault("error", path="/api/users")
    work()
    outside.stop()
    work(waiting=True)

    kept = AppCall.objects.order_by("id").values_list("attempt", "status")
    assert list(kept) == [(1, 201), (1, 500), (2, None)]
    failed = AppCall.objects.filter(attempt=1).latest("id")
    assert "Traceback" in failed.answer_body
    assert failed.is_failure
    assert AppCall.objects.latest("id").error.startswith("The app cannot be reached")


def test_sync_and_checks_leave_their_calls(
    integration: Integration, work: Work, alice: User
) -> None:
    services.request_sync(integration, actor=alice, now=database_now())
    work()
    service_accounts.request_check(
        integration.service_account, actor=alice, now=database_now()
    )
    work()

    kinds = set(AppCall.objects.values_list("job__kind", flat=True))
    assert kinds == {"integrations.sync", service_accounts.JOB}


def test_long_session_keeps_both_ends(integration: Integration) -> None:
    log = CallLog(integration, job=None, resource_id="")
    log.begin("Read users")
    for number in range(1, 10_001):
        log.note(exchange(number))
    log.write()

    kept = list(AppCall.objects.order_by("id").values_list("sequence", flat=True))
    assert kept == [*range(1, 51), *range(9_951, 10_001)]


def test_calls_that_cannot_be_written_harm_nothing(
    integration: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(AppCall.objects, "bulk_create", full)

    with connections.open_session(integration) as session:
        session.log_in()

    assert AppCall.objects.count() == 0


def test_error_of_the_session_is_the_one_that_is_raised(
    integration: Integration, outside: Outside
) -> None:
    outside.fault("error", path="/api/users")

    with (
        pytest.raises(TemporaryFailure),
        connections.open_session(integration) as session,
    ):
        session.check()

    assert AppCall.objects.count() == 2


def test_old_calls_are_pruned_with_the_records(
    integration: Integration,
    other_workspace: Workspace,
    settings: Settings,
) -> None:
    settings.KEYWAY_RECORD_DAYS = 30
    now = database_now()
    log = CallLog(integration, job=None, resource_id="")
    for _ in range(3):
        log.note(exchange())
    log.write()
    for days, call in zip((31, 31, 29), AppCall.objects.all(), strict=True):
        AppCall.objects.filter(pk=call.pk).update(at=now - timedelta(days=days))
    foreign = AppCall.objects.first()
    assert foreign is not None
    AppCall.objects.filter(pk=foreign.pk).update(workspace=other_workspace)
    job = Job(workspace=integration.workspace)

    assert call_log.prune(job) == {"deleted": 1}
    assert AppCall.objects.count() == 2


def test_pruning_is_put_off_every_day(workspace: Workspace) -> None:
    periodic.enqueue_due(now=database_now())

    assert Job.objects.filter(kind=call_log.PRUNE, workspace=workspace).exists()


def test_calls_go_with_their_integration(
    integration: Integration, work: Work, scim: ScimClient, alice: User
) -> None:
    scim.add_user("ann@acme.test")
    work()
    assert AppCall.objects.exists()

    deleting.delete(
        integration, typed_name=integration.name, actor=alice, now=database_now()
    )

    assert not AppCall.objects.exists()
