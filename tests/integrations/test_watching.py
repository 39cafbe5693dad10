"""The usual ways of a connection: first use from a new place, and the silence alarm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.test import Client

from integrations.audit import Action
from integrations.models import ConnectionWatch, Integration, SeenPlace
from integrations.watching import notices, places, silence, watch
from integrations.watching.places import network_of
from scim.models import RequestRecord
from scim.rhythm import rhythm_of
from tests import factories
from tests.scim.counting import statements
from tokens import services
from tokens.models import ScimToken
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User, Workspace

Work = Callable[..., None]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OKTA = "Okta SCIM Client 1.0.0"


@pytest.fixture
def now(db: None) -> datetime:
    return database_now()


@pytest.fixture
def token(directory: Directory, now: datetime) -> ScimToken:
    """A token that is 100 days old."""
    made = factories.issue_token(directory, name="okta-prod").token
    ScimToken.objects.filter(pk=made.pk).update(created_at=now - 100 * DAY)
    made.refresh_from_db()
    return made


def used(
    token: ScimToken, *at: datetime, address: str = "203.0.113.7", client: str = OKTA
) -> None:
    """Leave the records of requests at these times."""
    RequestRecord.objects.bulk_create(
        RequestRecord(
            directory=token.directory,
            token_key=token.key,
            method="GET",
            path=f"{token.directory.path}/Users",
            status=200,
            milliseconds=3,
            dialect="okta",
            client=client,
            address=address,
            at=each,
        )
        for each in sorted(at)
    )


def events(action: Action) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("id"))


class TestPlaces:
    """A token is used from a network or by a client that it was not used by."""

    def test_new_network_is_one_event_and_one_mail(
        self, token: ScimToken, workspace: Workspace, now: datetime, work: Work
    ) -> None:
        used(token, now - 20 * DAY, now - DAY - HOUR)
        places.look(workspace, now=now - DAY)
        used(token, now - HOUR, address="198.51.100.20")

        assert places.look(workspace, now=now) == {"new_places": 1}

        [event] = events(Action.CONNECTION_NEW_PLACE)
        assert event.target_label == "Acme Demo"
        assert event.data == {
            "directory": token.directory.key,
            "kind": "token",
            "token": token.key,
            "token_name": "okta-prod",
            "networks": "198.51.100.0/24",
            "clients": "",
        }
        work()
        [sent] = mail.outbox
        assert sent.subject == "A token of Acme Demo is used from a new place"
        assert "Network: 198.51.100.0/24." in sent.body

        assert places.look(workspace, now=now) == {"new_places": 0}

    def test_mail_about_a_token_is_sent_once_a_day(
        self, token: ScimToken, workspace: Workspace, now: datetime, work: Work
    ) -> None:
        used(token, now - 2 * DAY)
        places.look(workspace, now=now - DAY)
        for number in range(3):
            used(token, now - HOUR, address=f"198.51.{number}.1", client=f"c{number}")
            places.look(workspace, now=now)

        work()

        assert len(events(Action.CONNECTION_NEW_PLACE)) == 3
        assert len(mail.outbox) == 1

    @pytest.mark.parametrize(
        ("address", "client", "is_news"),
        [
            pytest.param("203.0.113.200", OKTA, False, id="same /24"),
            pytest.param("203.0.114.7", OKTA, True, id="next /24"),
            pytest.param("::ffff:203.0.113.9", OKTA, False, id="IPv4 in IPv6"),
            pytest.param("203.0.113.7", "Okta SCIM Client 2.1", False, id="version"),
            pytest.param("203.0.113.7", "curl/8.5", True, id="other client"),
            pytest.param("203.0.113.7", "", True, id="no name"),
        ],
    )
    def test_what_counts_as_another_place(
        self,
        token: ScimToken,
        workspace: Workspace,
        now: datetime,
        address: str,
        client: str,
        is_news: bool,
    ) -> None:
        used(token, now - 3 * DAY)
        places.look(workspace, now=now - 2 * DAY)
        used(token, now - HOUR, address=address, client=client)

        places.look(workspace, now=now)

        assert bool(events(Action.CONNECTION_NEW_PLACE)) is is_news

    def test_first_day_of_a_token_teaches(
        self, token: ScimToken, workspace: Workspace, now: datetime
    ) -> None:
        ScimToken.objects.update(created_at=now - 20 * HOUR)
        used(token, now - 2 * HOUR)

        places.look(workspace, now=now)

        assert not events(Action.CONNECTION_NEW_PLACE)
        assert set(SeenPlace.objects.values_list("kind", "value")) == {
            ("network", "203.0.113.0/24"),
            ("client", "Okta"),
        }

    def test_place_is_forgotten_after_30_days(
        self, token: ScimToken, workspace: Workspace, now: datetime
    ) -> None:
        used(token, now - 33 * DAY, now - 31 * DAY)
        places.look(workspace, now=now - 31 * DAY)
        used(token, now - HOUR)

        places.look(workspace, now=now)

        [event] = events(Action.CONNECTION_NEW_PLACE)
        assert event.data["clients"] == "Okta"

    def test_what_an_older_release_recorded_is_learnt_in_silence(
        self, token: ScimToken, workspace: Workspace, now: datetime
    ) -> None:
        used(token, now - 20 * DAY, now - HOUR)
        used(token, now - 10 * DAY, address="198.51.100.1")

        assert places.look(workspace, now=now) == {"new_places": 0}

    def test_many_new_places_are_one_short_event(
        self, token: ScimToken, workspace: Workspace, now: datetime
    ) -> None:
        for number in range(9):
            used(token, now - HOUR, address=f"198.51.{number}.1")

        places.look(workspace, now=now)

        [event] = events(Action.CONNECTION_NEW_PLACE)
        assert event.data["networks"].endswith("and 4 more")

    def test_look_has_a_fixed_cost(
        self, token: ScimToken, workspace: Workspace, now: datetime
    ) -> None:
        used(token, *(now - n * timedelta(minutes=7) for n in range(200)))
        places.look(workspace, now=now)

        with statements() as found:
            places.look(workspace, now=now)

        assert len(found) <= 8

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ],
    )
    def test_network_is_a_24_or_a_48(self, address: str, network: str) -> None:
        assert network_of(address) == network


def every(step: timedelta, *, until: datetime, times: int) -> list[datetime]:
    return [until - n * step for n in range(times)]


class TestRhythm:
    """What is usual follows from the connection's own requests."""

    def test_bursts_are_one_call(self, token: ScimToken, now: datetime) -> None:
        calls = every(2 * HOUR, until=now, times=30)
        used(token, *(at - timedelta(seconds=s) for at in calls for s in range(5)))

        rhythm = rhythm_of(token.directory, now=now)

        assert rhythm is not None
        assert rhythm.usual == pytest.approx(2 * HOUR, abs=timedelta(seconds=10))

    def test_nights_are_usual_and_one_outage_is_not(
        self, token: ScimToken, now: datetime
    ) -> None:
        hours = [now - n * HOUR for n in range(24 * 12) if n % 24 < 10]
        used(token, *hours)
        used(token, *(at - 18 * DAY for at in hours if at > now - DAY))

        rhythm = rhythm_of(token.directory, now=now)

        assert rhythm is not None
        assert rhythm.second_longest == 15 * HOUR

    @pytest.mark.parametrize("times", [0, 3, 19])
    def test_few_requests_say_nothing(
        self, token: ScimToken, now: datetime, times: int
    ) -> None:
        used(token, *every(HOUR, until=now, times=times))

        assert rhythm_of(token.directory, now=now) is None


@pytest.fixture
def hourly(token: ScimToken, workspace: Workspace, now: datetime) -> ScimToken:
    """A token that was used every two hours until 8 hours ago, under watch."""
    used(token, *every(2 * HOUR, until=now - 8 * HOUR, times=60))
    ConnectionWatch.objects.create(
        directory=token.directory,
        watched_since=now - 100 * DAY,
        looked_at=now - timedelta(minutes=15),
    )
    return token


class TestSilence:
    """A connection that is silent for three times its usual gap is told of once."""

    def test_silence_and_its_end_are_told_once_each(
        self, hourly: ScimToken, workspace: Workspace, now: datetime, work: Work
    ) -> None:
        first = silence.look(workspace, now=now)
        second = silence.look(workspace, now=now + timedelta(minutes=15))

        assert (first["silent"], second["silent"]) == (1, 0)
        [event] = events(Action.CONNECTION_SILENT)
        assert event.target_label == "Acme Demo"
        assert event.data["usual_gap_seconds"] == 7200

        used(hourly, now + HOUR)
        later = silence.look(workspace, now=now + HOUR)

        assert later == {"silent": 0, "heard_again": 1}
        work(waiting=True)
        assert [sent.subject for sent in mail.outbox] == [
            "Acme Demo is silent",
            "Acme Demo is heard again",
        ]
        assert "Usually it lets no more than 2 h pass." in mail.outbox[0].body

    @pytest.mark.parametrize(("hours", "told"), [(5.9, 0), (6.1, 1)])
    def test_limit_is_three_times_the_usual_gap(
        self,
        token: ScimToken,
        hourly: ScimToken,
        workspace: Workspace,
        now: datetime,
        hours: float,
        told: int,
    ) -> None:
        moment = now - 8 * HOUR + hours * HOUR
        ConnectionWatch.objects.update(looked_at=moment)

        assert silence.look(workspace, now=moment)["silent"] == told

    def test_busy_connection_may_rest_for_three_hours(
        self, token: ScimToken, workspace: Workspace, now: datetime
    ) -> None:
        used(token, *every(timedelta(minutes=5), until=now, times=60))

        silence.look(workspace, now=now)

        assert ConnectionWatch.objects.get().alarm_after == 3 * HOUR

    def test_outage_of_keyway_itself_is_no_silence(
        self, hourly: ScimToken, workspace: Workspace, now: datetime
    ) -> None:
        ConnectionWatch.objects.update(looked_at=now - 7 * HOUR)

        assert silence.look(workspace, now=now)["silent"] == 0

    def test_who_has_no_working_token_is_not_expected(
        self, hourly: ScimToken, workspace: Workspace, alice: User, now: datetime
    ) -> None:
        silence.look(workspace, now=now)
        services.revoke(hourly, actor=alice, now=now)

        silence.look(workspace, now=now)

        assert ConnectionWatch.objects.get().silent_since is None
        assert not events(Action.CONNECTION_HEARD_AGAIN)

    def test_end_is_told_after_the_rhythm_is_forgotten(
        self, hourly: ScimToken, workspace: Workspace, now: datetime
    ) -> None:
        silence.look(workspace, now=now)
        RequestRecord.objects.all().delete()
        ConnectionWatch.objects.update(learnt_at=None)
        used(hourly, now)

        assert silence.look(workspace, now=now)["heard_again"] == 1

    def test_switched_off_says_nothing(
        self, hourly: ScimToken, workspace: Workspace, alice: User, now: datetime
    ) -> None:
        assert silence.switch(hourly.directory, on=False, actor=alice, now=now)
        assert not silence.switch(hourly.directory, on=False, actor=alice, now=now)

        assert silence.look(workspace, now=now)["silent"] == 0
        assert len(events(Action.SILENCE_ALARM_CHANGED)) == 1

    def test_many_connections_cost_no_more_statements(
        self, hourly: ScimToken, workspace: Workspace, now: datetime
    ) -> None:
        silence.look(workspace, now=now)
        with statements() as few:
            silence.look(workspace, now=now)
        for _ in range(5):
            other = factories.IntegrationFactory(workspace=workspace)
            factories.issue_token(other.directory)
        silence.look(workspace, now=now)

        with statements() as many:
            silence.look(workspace, now=now)

        assert len(many) == len(few)


def test_periodic_job_looks_at_both(
    hourly: ScimToken, workspace: Workspace, now: datetime
) -> None:
    used(hourly, now - 8 * HOUR, address="198.51.100.20")

    result = watch.carry_out(Job(workspace=workspace))

    assert result == {"new_places": 1, "silent": 1, "heard_again": 0}


def test_pages_tell_of_it(
    alice_client: Client,
    hourly: ScimToken,
    integration: Integration,
    workspace: Workspace,
    now: datetime,
) -> None:
    used(hourly, now - 8 * HOUR, address="198.51.100.20")
    watch.carry_out(Job(workspace=workspace))
    page = f"/integrations/{integration.directory.key}/settings/connected-services/"

    shown = alice_client.get(page).content.decode()
    dashboard = alice_client.get("/dashboard/").content.decode()
    activity = alice_client.get("/activity/?event=connection-silent").content.decode()
    new_place = alice_client.get(
        f"/activity/?event=token-used-from-a-new-place&integration={integration.name}"
    ).content.decode()

    assert "It has sent nothing since" in shown
    assert "usually lets no more than 2 h pass" in shown
    assert "network 198.51.100.0/24" in shown
    assert "silent for much longer than usual" in dashboard
    assert "Connection silent" in activity
    assert "okta-prod, 198.51.100.0/24" in new_place

    alice_client.post(f"/connections/{integration.directory.key}/silence-alarm/")

    assert "Off. Nobody hears of it" in alice_client.get(page).content.decode()
    assert "much longer" not in alice_client.get("/dashboard/").content.decode()


def test_mail_about_a_connection_that_is_gone_is_not_sent(
    hourly: ScimToken, workspace: Workspace, now: datetime
) -> None:
    silence.look(workspace, now=now)
    job = Job.objects.get(kind=notices.JOB)
    hourly.directory.tokens.all().delete()
    Integration.objects.all().delete()
    Directory.objects.filter(pk=hourly.directory_id).delete()

    assert notices.send(job) == {"sent": 0, "note": "The connection is gone."}


def test_directory_sync_is_watched_too(
    alice_client: Client, workspace: Workspace, now: datetime
) -> None:
    directory = Directory.objects.get(
        workspace=workspace, kind=Directory.Kind.DIRECTORY_SYNC
    )

    answer = alice_client.post(f"/connections/{directory.key}/silence-alarm/")

    assert answer.headers["Location"] == "/settings/idp/"
    assert ConnectionWatch.objects.get(directory=directory).tells_silence is False
    [event] = events(Action.SILENCE_ALARM_CHANGED)
    assert (event.target_type, event.target_id) == ("directory", directory.key)
