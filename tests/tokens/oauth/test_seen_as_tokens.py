"""An OAuth client and a trust are seen wherever a token is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.test import Client

from config.operations import metrics
from integrations.audit import Action as WatchAction
from integrations.models import ConnectionWatch, SeenPlace, WebhookDelivery
from integrations.watching import notices, places, silence
from integrations.webhooks import endpoints, events
from scim.models import RequestRecord
from tests.tokens.oauth.test_limits_of_oauth import by_client, by_trust
from tokens import leaks, ways
from tokens.audit import Action
from tokens.models import ClientSecret, IdpTrust, OAuthClient
from tokens.oauth import clients, endings, expiry
from tokens.oauth.clients import IssuedSecret
from tokens.opener import Opener
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User, Workspace

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now(db: None) -> datetime:
    return database_now()


@pytest.fixture(params=[by_client, by_trust])
def opener(
    request: pytest.FixtureRequest, directory: Directory, alice: User
) -> OAuthClient | IdpTrust:
    """A client or a trust that is 100 days old."""
    found, _ = request.param(directory, alice)
    found.created_at -= 100 * DAY
    found.save(update_fields=["created_at"])
    return found


def expire_in(secret: ClientSecret, left: timedelta) -> None:
    now = database_now()
    ClientSecret.objects.filter(pk=secret.pk).update(
        created_at=now - 100 * DAY, expires_at=now + left
    )


def used(opener: Opener, at: datetime, address: str = "203.0.113.7") -> None:
    RequestRecord.objects.create(
        directory=opener.directory,
        token_key=opener.key,
        method="GET",
        path=f"{opener.directory.path}/Users",
        status=200,
        milliseconds=3,
        dialect="entra",
        client="Entra",
        address=address,
        at=at,
    )


class TestInTheList:
    """The column **Token** of the integrations."""

    def token_of(self, client: Client) -> str:
        [row] = client.get("/integrations/").context["integrations"]
        return row["token"].label if row["token"] else ""

    def test_of_what_is_let_in(
        self, alice_client: Client, alice: User, opener: OAuthClient | IdpTrust
    ) -> None:
        live = self.token_of(alice_client)
        endings.revoke(opener, actor=alice, now=database_now())

        assert (live, self.token_of(alice_client)) == ("OAuth", "")

    @pytest.mark.parametrize(
        ("left", "label"), [(5 * DAY, "Expiring"), (-DAY, "No secret")]
    )
    def test_of_a_secret_that_ends(
        self, alice_client: Client, issued: IssuedSecret, left: timedelta, label: str
    ) -> None:
        expire_in(issued.secret, left)

        assert self.token_of(alice_client) == label


class TestOnTheDashboard:
    def test_secret_that_expires_is_told(
        self, alice_client: Client, issued: IssuedSecret
    ) -> None:
        """S0-108."""
        expire_in(issued.secret, 5 * DAY)

        page = alice_client.get("/dashboard/")

        assert "Secret of OAuth client entra-prod expires" in page.text

    def test_secret_with_a_longer_one_beside_it_is_not(
        self, alice_client: Client, alice: User, issued: IssuedSecret
    ) -> None:
        clients.new_secret(issued.secret.client, actor=alice, now=database_now())
        expire_in(issued.secret, 5 * DAY)

        assert "entra-prod expires" not in alice_client.get("/dashboard/").text

    def test_leaked_secret_is_told(
        self, alice_client: Client, issued: IssuedSecret
    ) -> None:
        leaks.report(issued.plaintext, now=database_now())

        page = alice_client.get("/dashboard/")

        assert "Secret of OAuth client entra-prod leaked and is revoked." in page.text


def test_it_is_what_opened_the_directory_last(
    directory: Directory, alice: User, now: datetime
) -> None:
    _, mine = by_client(directory, alice)
    assert ways.last_used([directory.pk]) == {}

    mine.get("/Users")

    assert ways.last_used([directory.pk])[directory.pk] >= now


@pytest.mark.parametrize("way", [by_client, by_trust])
def test_it_is_a_way_in_until_it_is_revoked(
    directory: Directory, alice: User, now: datetime, way: Callable[..., object]
) -> None:
    before = ways.has_way_in(directory, now)
    way(directory, alice)
    during = ways.has_way_in(directory, now)
    endings.end_all(directory, actor=alice, now=now)

    assert (before, during, ways.has_way_in(directory, now)) == (False, True, False)


def test_client_without_a_working_secret_is_no_way_in(
    directory: Directory, alice: User, issued: IssuedSecret, now: datetime
) -> None:
    clients.revoke_secret(issued.secret, actor=alice, now=now)

    assert not ways.has_way_in(directory, now)


class TestUsualUse:
    def test_new_place_is_told_and_shown(
        self,
        opener: OAuthClient | IdpTrust,
        workspace: Workspace,
        now: datetime,
        alice_client: Client,
    ) -> None:
        used(opener, now - 3 * DAY)
        places.look(workspace, now=now - 2 * DAY)
        used(opener, now - HOUR, address="198.51.100.20")

        assert places.look(workspace, now=now) == {"new_places": 1}
        assert places.look(workspace, now=now) == {"new_places": 0}

        event = AuditEvent.objects.get(action=WatchAction.CONNECTION_NEW_PLACE)
        assert event.data["kind"] == opener.noun
        assert event.data["token_name"] == opener.name
        assert {place.opener for place in SeenPlace.objects.all()} == {opener}
        notices.send(Job.objects.get(kind=notices.JOB))
        [sent] = mail.outbox
        article = "An" if opener.noun.startswith("O") else "A"
        assert (
            sent.subject
            == f"{article} {opener.noun} of Acme Demo is used from a new place"
        )
        assert f"The {opener.noun} {opener.name} of Acme Demo was used" in sent.body
        key = opener.directory.key
        page = alice_client.get(f"/integrations/{key}/settings/connected-services/")
        assert "network 198.51.100.0/24" in page.text

    def test_silence_of_a_connection_without_a_token_is_told(
        self, opener: OAuthClient | IdpTrust, workspace: Workspace, now: datetime
    ) -> None:
        used(opener, now - 9 * HOUR)
        ConnectionWatch.objects.create(
            directory=opener.directory,
            watched_since=now - DAY,
            looked_at=now,
            learnt_at=now,
            usual_gap=HOUR,
            alarm_after=3 * HOUR,
        )

        assert silence.look(workspace, now=now)["silent"] == 1


def test_end_of_a_secret_is_written_down_once(
    issued: IssuedSecret, workspace: Workspace
) -> None:
    """S0-129."""
    expire_in(issued.secret, -HOUR)
    job = Job(workspace=workspace)

    assert [expiry.watch(job)["ended"], expiry.watch(job)["ended"]] == [1, 0]

    event = AuditEvent.objects.get(action=Action.OAUTH_EXPIRED)
    assert event.target_id == issued.secret.key


def test_webhooks_tell_of_clients_secrets_and_trust(
    workspace: Workspace, directory: Directory, alice: User, now: datetime
) -> None:
    endpoints.add(
        workspace,
        url="http://127.0.0.1:9/hook",
        chosen=events.NAMES,
        actor=alice,
        now=now,
    )
    issued = clients.add_with_secret(directory, name="entra", actor=alice, now=now)
    trust, _ = by_trust(directory, alice)
    expire_in(issued.secret, 5 * DAY)
    expiry.watch(Job(workspace=workspace))
    endings.revoke(issued.secret.client, actor=alice, now=now)
    assert isinstance(trust, IdpTrust)
    endings.revoke(trust, actor=alice, now=now)

    told = list(WebhookDelivery.objects.order_by("id").values_list("event", flat=True))

    assert told == [
        "connection.let_in",
        "token.generated",
        "connection.let_in",
        "token.expiring",
        "token.revoked",
        "token.revoked",
    ]
    bodies = " ".join(WebhookDelivery.objects.values_list("body", flat=True))
    assert issued.plaintext not in bodies


def test_metrics_count_client_secrets(issued: IssuedSecret, now: datetime) -> None:
    expire_in(issued.secret, 5 * DAY)

    found = metrics._tokens(database_now())

    counts = {sample.labels["days"]: sample.value for sample in found.samples}
    assert counts == {"1": 0, "7": 1, "30": 1, "90": 1, "+Inf": 1}


def test_deleting_an_integration_says_what_stops(
    alice_client: Client, opener: OAuthClient | IdpTrust
) -> None:
    page = alice_client.get(f"/integrations/{opener.directory.key}/delete/")

    assert "1 OAuth client stops working at once" in page.text
