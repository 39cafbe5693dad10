"""An OAuth client and the trust in an IdP are limited as a token is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from scim import records
from tests import factories
from tests.conftest import ScimClient
from tests.fakes import signer
from tests.scim.counting import statements
from tests.scim.test_errors import assert_is_scim_error
from tests.tokens.oauth.conftest import ask
from tests.tokens.test_limits import WRITES, given
from tokens import limiting, quarantine, usage
from tokens.audit import Action
from tokens.limits import Limits, NetworkRule
from tokens.models import AccessToken, ClientSecret, IdpTrust, OAuthClient
from tokens.oauth import clients, endings, jose, trusts
from tokens.oauth.clients import IssuedSecret
from tokens.opener import Opener
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, User

HOME = "127.0.0.1"
ELSEWHERE = Limits(network_rule=NetworkRule.ENFORCE, networks=("10.0.0.0/8",))
TERMS = trusts.Terms("https://idp.example/", "aud", "", "https://idp.example/keys")
CLAIMS = {"iss": TERMS.issuer, "aud": TERMS.audience}

Way = tuple[Opener, ScimClient]


@pytest.fixture(autouse=True)
def no_record_of_other_tests() -> None:
    records._waiting.clear()


def by_client(directory: Directory, actor: User) -> Way:
    """Let an OAuth client in, and fetch an access token for it."""
    issued = clients.add_with_secret(
        directory, name="entra-prod", actor=actor, now=database_now()
    )
    answer = ask(directory, basic=(issued.secret.client.key, issued.plaintext))
    return issued.secret.client, ScimClient(directory, answer.access_token)


def by_trust(directory: Directory, actor: User) -> Way:
    """Trust an IdP, and let it sign a JWT."""
    now = database_now()
    trust = trusts.add(directory, TERMS, name="Entra", actor=actor, now=now)
    keys = jose.usable_keys(signer.jwks(signer.rsa()))
    trusts.keep_keys(trust, keys, now=now)
    return trust, ScimClient(directory, signer.rsa().sign(CLAIMS))


@pytest.fixture(params=[by_client, by_trust])
def way(request: pytest.FixtureRequest, directory: Directory, alice: User) -> Way:
    make: Callable[[Directory, User], Way] = request.param
    return make(directory, alice)


def set_limits(opener: Opener, actor: User, limits: Limits) -> None:
    limiting.limit(opener, limits, actor=actor, now=database_now())


def path_of(opener: Opener) -> str:
    folder = "clients" if isinstance(opener, OAuthClient) else "trust"
    return f"/tokens/oauth/{opener.directory.key}/{folder}/{opener.key}/limit/"


@pytest.mark.parametrize("write", WRITES)
def test_read_only_writes_nothing_and_reads_all(
    way: Way, scim: ScimClient, alice: User, write: str
) -> None:
    opener, mine = way
    ann = scim.add_user("ann@acme.test")
    set_limits(opener, alice, Limits(is_read_only=True))

    refused = WRITES[write](mine, ann["id"])

    assert refused.status == 403
    assert_is_scim_error(refused)
    assert f"under Limit {opener.noun}." in refused.body["detail"]
    assert mine.get(f"/Users/{ann['id']}").body == ann


def test_address_that_is_not_allowed_reads_nothing(way: Way, alice: User) -> None:
    opener, mine = way
    assert mine.get("/Users").status == 200
    set_limits(opener, alice, ELSEWHERE)

    refused = mine.get("/Users")

    assert refused.status == 403
    assert "may not be used from 127.0.0.1" in refused.body["detail"]
    event = AuditEvent.objects.get(action__endswith=".refused")
    assert (event.target_id, event.address) == (opener.key, HOME)
    assert event.data["reason"] == "Address not allowed"


def test_other_domains_are_refused_at_no_further_query(way: Way, alice: User) -> None:
    opener, mine = way
    mine.get("/Users")
    set_limits(opener, alice, Limits(email_domains=("acme.test",)))

    with statements() as sent:
        mine.get("/Users")

    assert len(sent.on("tokens_")) == 1
    assert mine.post("/Users", {"userName": "bo@acme.test"}).status == 201
    assert mine.post("/Users", {"userName": "bo@other.test"}).status in {400, 403}


def test_quarantine_lets_the_writes_wait(way: Way, alice: User) -> None:
    opener, mine = way
    quarantine.begin(opener.directory, actor=alice, now=database_now())

    assert mine.post("/Users", {"userName": "bo@acme.test"}).status == 503
    assert mine.get("/Users").status == 200


class TestWhereAnAccessTokenIsFetched:
    """The network rule holds at the token endpoint too."""

    def test_refused_from_elsewhere_and_nothing_is_kept(
        self, issued: IssuedSecret, directory: Directory, alice: User
    ) -> None:
        client = issued.secret.client
        set_limits(client, alice, ELSEWHERE)

        answer = ask(directory, basic=(client.key, issued.plaintext))

        assert (answer.status, answer.body["error"]) == (400, "unauthorized_client")
        assert "under Limit OAuth client." in answer.body["error_description"]
        assert not AccessToken.objects.exists()
        assert ClientSecret.objects.get().last_used_at is None
        event = AuditEvent.objects.get(action=Action.CLIENT_REFUSED)
        assert event.data["reason"] == "Address not allowed"

    def test_who_does_not_know_the_secret_learns_nothing(
        self, issued: IssuedSecret, directory: Directory, alice: User
    ) -> None:
        client = issued.secret.client
        wrong = (client.key, "x" * len(issued.plaintext))
        before = ask(directory, basic=wrong)
        set_limits(client, alice, ELSEWHERE)

        after = ask(directory, basic=wrong)

        assert (before.status, before.body) == (after.status, after.body)

    @pytest.mark.parametrize("rule", [NetworkRule.ANY, NetworkRule.REPORT])
    def test_other_rules_let_it_through(
        self, issued: IssuedSecret, directory: Directory, alice: User, rule: NetworkRule
    ) -> None:
        client = issued.secret.client
        set_limits(client, alice, Limits(network_rule=rule, networks=("10.0.0.0/8",)))

        assert ask(directory, basic=(client.key, issued.plaintext)).status == 200

    def test_its_address_is_learnt(
        self, issued: IssuedSecret, directory: Directory
    ) -> None:
        client = issued.secret.client
        token = ask(directory, basic=(client.key, issued.plaintext)).access_token
        ScimClient(directory, token).get("/Users")
        records.flush()

        [use] = usage.uses_of(client, since=database_now() - timedelta(days=30))

        assert (use.address, use.requests) == (HOME, 2)


class TestPage:
    def test_what_is_chosen_holds_and_is_shown(
        self, alice_client: Client, way: Way
    ) -> None:
        opener, mine = way
        mine.get("/Users")
        records.flush()
        page = alice_client.get(path_of(opener))
        assert f"<h1>Limit {opener.noun}</h1>" in page.text
        assert "1 address in the last 30 days" in page.text

        answer = alice_client.post(
            path_of(opener),
            given(access="read", email_domains="acme.test"),
            follow=True,
        )

        assert f"The limits of {opener.name} are saved." in answer.text
        assert "Read only, acme.test" in answer.text
        event = AuditEvent.objects.get(action__endswith=".limited")
        assert event.action.split(".")[1] == opener.target_type
        assert event.data["access"] == "read"

    def test_one_that_has_ended_says_so(
        self, alice_client: Client, alice: User, way: Way
    ) -> None:
        opener, _ = way
        assert isinstance(opener, OAuthClient | IdpTrust)
        endings.revoke(opener, actor=alice, now=database_now())

        answer = alice_client.post(path_of(opener), given(access="read"), follow=True)

        assert f"{opener.name} has ended: revoked." in answer.text

    def test_another_tenants_is_not_found(
        self, alice_client: Client, alice: User
    ) -> None:
        theirs, _ = by_trust(factories.IntegrationFactory().directory, alice)

        assert alice_client.get(path_of(theirs)).status_code == 404

    def test_quarantine_can_be_started_without_a_token(
        self, alice_client: Client, issued: IssuedSecret
    ) -> None:
        key = issued.secret.directory.key
        page = f"/integrations/{key}/settings/connected-services/"

        assert "Start quarantine" in alice_client.get(page).text
