"""An app that fails is left alone, its administrators hear of it once, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail

from integrations.models import AppCall, Integration, Provisioning
from integrations.outside import health, pace
from integrations.provisioning import wanted
from tests.conftest import ScimClient
from tests.integrations.outside import Outside
from workspaces.clock import database_now
from workspaces.models import Job, Lane

Work = Callable[..., None]


@pytest.fixture
def integration(connected: Integration) -> Integration:
    """Let `scim` and the worker speak to the demo app."""
    return connected


def test_refused_login_stops_all_and_is_told_once(
    integration: Integration, scim: ScimClient, outside: Outside, work: Work
) -> None:
    """F29: paused at the first 401, one mail, no job lost."""
    outside.set_service_password("another-password-2")
    for number in range(5):
        scim.add_user(f"user{number}@acme.test")

    work()

    logins = [path for _, path, _ in outside.requests()]
    assert logins == ["/api/session"]
    assert [m.subject for m in mail.outbox] == [f"{integration.name} needs attention"]
    assert "user name and password" in mail.outbox[0].body
    assert Job.objects.filter(kind=wanted.JOB, state__in=Job.READY).count() == 5

    outside.set_service_password(outside.password)
    work(waiting=True)

    assert set(Provisioning.objects.values_list("state", flat=True)) == {"onboarded"}
    assert len(mail.outbox) == 1
    integration.refresh_from_db()
    assert integration.status == Integration.Status.ACTIVE


def test_wish_of_the_app_holds_for_every_job(
    integration: Integration, scim: ScimClient, outside: Outside, work: Work
) -> None:
    """F17: after a 429 nobody calls before the app's time is up."""
    for number in range(3):
        scim.add_user(f"user{number}@acme.test")
    outside.fault("rate", path="/api/users", seconds=600)

    work()
    Job.objects.filter(state__in=Job.READY).update(due_at=database_now())
    work()

    assert [status for _, _, status in outside.requests()] == [201, 429]
    wait = Lane.objects.get().closed_until - database_now()
    assert timedelta(seconds=590) < wait <= timedelta(seconds=600)


def test_five_failures_close_the_lane_and_one_success_opens_it(
    integration: Integration, scim: ScimClient, outside: Outside, work: Work
) -> None:
    """F19: an app that is down is tried carefully; then all goes on."""
    outside.stop()
    for number in range(8):
        scim.add_user(f"user{number}@acme.test")

    work()

    assert Job.objects.filter(failures__gt=0).count() == 4
    assert Lane.objects.get().closed_until is not None

    outside.start()
    work(waiting=True)

    assert set(Provisioning.objects.values_list("state", flat=True)) == {"onboarded"}
    assert Lane.objects.get().closed_until is None


def pass_time(span: timedelta) -> None:
    """Let so much time pass for what waits."""
    for job in Job.objects.filter(state__in=Job.WAITING):
        Job.objects.filter(pk=job.pk).update(due_at=job.due_at - span)
    for lane in Lane.objects.exclude(closed_until=None):
        Lane.objects.filter(pk=lane.pk).update(closed_until=lane.closed_until - span)


def test_after_a_day_without_the_app_everybody_comes_at_the_allowed_rate(
    integration: Integration, scim: ScimClient, outside: Outside, work: Work
) -> None:
    """F19: one try at a time meanwhile, nothing given up, and no storm afterwards."""
    outside.stop()
    users = [scim.add_user(f"user{number}@acme.test") for number in range(2)]
    while not Lane.objects.filter(closed_until__gt=database_now()).exists():
        pass_time(timedelta(minutes=30))
        work()
    for _ in range(48):
        pass_time(timedelta(minutes=30))
        tried = AppCall.objects.count()
        work()
        assert AppCall.objects.count() == tried + 1
    for title in ("then", "now"):
        change = {"op": "replace", "path": "displayName", "value": title}
        scim.patch(f"/Users/{users[0]['id']}", change)
    assert Job.objects.filter(state__in=Job.READY).count() == 2
    outside.start()
    Integration.objects.update(calls_per_second=25)
    pass_time(timedelta(minutes=30))
    begun = database_now()

    work()

    calls, spent = len(outside.requests()), database_now() - begun
    assert spent >= timedelta(seconds=(calls - 3) / 25)
    assert outside.writes() == ["POST /api/users"] * 2
    assert outside.user("user0@acme.test")["display_name"] == "now"
    assert set(Provisioning.objects.values_list("state", flat=True)) == {"onboarded"}


def test_account_of_a_lost_answer_is_found_after_a_rename(
    integration: Integration, scim: ScimClient, outside: Outside, work: Work
) -> None:
    """F15: the app did the work, nobody heard, and the name changed since."""
    user = scim.add_user("ann@acme.test")
    Provisioning.objects.update(creating_as="ann@acme.test")
    outside.add_user("ann@acme.test")
    scim.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"userName": "eva"}})

    work()

    assert "eva" in outside.users()
    assert "ann@acme.test" not in outside.users()
    assert Provisioning.objects.get().creating_as == ""


def test_nobody_is_created_again_before_the_app_could_be_asked(
    integration: Integration, scim: ScimClient, outside: Outside, work: Work
) -> None:
    """F16: the end of a creation is unclear, and the look-up fails too."""
    scim.add_user("ann@acme.test")
    Provisioning.objects.update(creating_as="ann@acme.test")
    outside.add_user("ann@acme.test")
    outside.fault("error", path="/api/users", times=2)

    for _ in range(2):
        work(waiting=True)
        assert outside.writes() == []
    work(waiting=True)

    assert not [write for write in outside.writes() if write.startswith("POST")]
    assert Provisioning.objects.get().state == Provisioning.State.ONBOARDED


def test_account_of_a_lost_answer_goes_when_the_user_was_deleted(
    integration: Integration, scim: ScimClient, outside: Outside, work: Work
) -> None:
    """F15: nobody stays behind in the app."""
    user = scim.add_user("ann@acme.test")
    Provisioning.objects.update(creating_as="ann@acme.test")
    outside.add_user("ann@acme.test")
    scim.delete(f"/Users/{user['id']}")

    work()

    assert "ann@acme.test" not in outside.users()


def test_calls_keep_their_distance(integration: Integration) -> None:
    """F19: at most the allowed rate, over all workers."""
    Integration.objects.update(calls_per_second=4)
    now = database_now()

    turns = [pace.take_turn(integration, now=now) - now for _ in range(3)]

    assert turns == [timedelta(0), timedelta(seconds=0.25), timedelta(seconds=0.5)]


def test_pace_holds_for_a_whole_job(
    integration: Integration, scim: ScimClient, outside: Outside, work: Work
) -> None:
    Integration.objects.update(calls_per_second=20)
    scim.add_user("ann@acme.test")
    begun = database_now()

    work()

    calls = len(outside.requests())
    # The first call of an act may come together with the log-in.
    assert database_now() - begun >= timedelta(seconds=(calls - 2) / 20)


def test_mail_is_not_sent_once_it_was_mended(integration: Integration) -> None:
    health.note_misconfigured(integration, "Wrong password.", now=database_now())
    health.note_success(integration, now=database_now())

    done = health.tell(Job.objects.get(kind=health.JOB))

    assert done["sent"] == 0
    assert mail.outbox == []
