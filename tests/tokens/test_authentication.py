"""From the Authorization header to a directory, or to one and the same 401."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client

from tests import factories
from tests.conftest import Answer, ScimClient
from tests.scim.counting import statements
from tests.scim.urns import ERROR, NO_ID
from tokens import credential, opening, services
from tokens.models import ScimToken
from workspaces.clock import database_now
from workspaces.models import Directory, Membership, Role, User, Workspace

USER = {"userName": "mallory@acme.test"}


@pytest.fixture
def expired(directory: Directory) -> str:
    return factories.issue_token(directory, lifetime=timedelta(seconds=-1)).plaintext


@pytest.fixture
def revoked(directory: Directory) -> str:
    issued = factories.issue_token(directory)
    services.revoke(issued.token, actor=None, now=database_now())
    return issued.plaintext


@pytest.fixture
def replaced(directory: Directory, alice: User) -> str:
    old = factories.issue_token(directory)
    services.rotate(
        directory,
        old.token,
        overlap=services.Overlap.NOW,
        actor=alice,
        now=database_now(),
    )
    return old.plaintext


@pytest.fixture
def headers(
    scim: ScimClient, other_scim: ScimClient, expired: str, revoked: str, replaced: str
) -> dict[str, str]:
    """Authorization headers that open nothing, by what is wrong with them."""
    good = scim.token
    unknown = credential.generate(credential.Kind.GATEWAY).plaintext
    return {
        "empty": "",
        "blank": "  ",
        "Bearer alone": "Bearer",
        "null": "Bearer null",
        "unknown": f"Bearer {unknown}",
        "revoked": f"Bearer {revoked}",
        "expired": f"Bearer {expired}",
        "replaced": f"Bearer {replaced}",
        "another directory's": f"Bearer {other_scim.token}",
        "wrong check": f"Bearer {good[:-1]}{'0' if good[-1] != '0' else '1'}",
        "right key, wrong secret": "Bearer "
        + credential.Credential(
            credential.Kind.GATEWAY, good[4:16], "s" * 43
        ).plaintext,
        "case swapped": f"Bearer {good.swapcase()}",
        "quoted": f'Bearer "{good}"',
        "twice": f"Bearer {good}, Bearer {good}",
        "two of them": f"Bearer {good} {good}",
        "masked": f"Bearer {good[:16]}…{good[-4:]}",
        "Basic": f"Basic {good}",
        "Token": f"Token {good}",
        "Bearer with a colon": f"Bearer: {good}",
    }


REFUSED = [
    "empty",
    "blank",
    "Bearer alone",
    "null",
    "unknown",
    "revoked",
    "expired",
    "replaced",
    "another directory's",
    "wrong check",
    "right key, wrong secret",
    "case swapped",
    "quoted",
    "twice",
    "two of them",
    "masked",
    "Basic",
    "Token",
    "Bearer with a colon",
]
ENDPOINTS = [
    ("GET", "/Users"),
    ("POST", "/Users"),
    ("GET", f"/Users/{NO_ID}"),
    ("PUT", f"/Users/{NO_ID}"),
    ("PATCH", f"/Users/{NO_ID}"),
    ("DELETE", f"/Users/{NO_ID}"),
    ("POST", "/Users/.search"),
    ("GET", "/Groups"),
    ("POST", "/Groups"),
    ("GET", "/Me"),
    ("POST", "/Bulk"),
    ("GET", "/ServiceProviderConfig"),
    ("GET", "/ResourceTypes"),
    ("GET", "/Schemas"),
    ("GET", "/Schemas/anything"),
    ("GET", "/no/such/endpoint"),
    ("GET", ""),
    ("GET", "//Users"),
    ("GET", "/Users/../Users"),
    ("GET", "/%55sers"),
    ("GET", "/Users.json"),
    ("DELETE", "/Users"),
]


def refusal(answer: Answer) -> tuple[object, ...]:
    """Return all of an answer but the id of its request."""
    headers = {k: v for k, v in answer.headers.items() if k != "X-Request-Id"}
    return answer.status, answer.text, headers


def test_table_names_every_header(headers: dict[str, str]) -> None:
    assert set(headers) == set(REFUSED)


@pytest.mark.parametrize("reason", REFUSED)
def test_refused_token_gets_401_with_bearer_challenge(
    reason: str, scim: ScimClient, headers: dict[str, str]
) -> None:
    """S0-73."""
    answer = scim.request("GET", "/Users", authorization=headers[reason])

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="scim"'
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.body["schemas"] == [ERROR]
    assert answer.body["status"] == "401"
    assert answer.body["detail"]


def test_every_refusal_reads_the_same(
    scim: ScimClient, headers: dict[str, str]
) -> None:  # TOK-06
    answers = [
        refusal(scim.request("GET", "/Users", authorization=header))
        for header in headers.values()
    ]

    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("reason", REFUSED)
def test_refused_token_changes_nothing(
    reason: str, scim: ScimClient, headers: dict[str, str]
) -> None:
    """S0-73: it gets 401 and changes nothing."""
    user = scim.add_user()

    for method, path in [
        ("POST", "/Users"),
        ("PUT", f"/Users/{user['id']}"),
        ("DELETE", f"/Users/{user['id']}"),
    ]:
        scim.request(method, path, USER, authorization=headers[reason])

    assert scim.get("/Users").resources == [user]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_every_endpoint_needs_a_token(
    method: str, path: str, scim: ScimClient
) -> None:  # TOK-22, SCI-01
    answer = scim.request(method, path, authorization="")

    assert answer.status == 401
    assert answer.body["schemas"] == [ERROR]


def test_missing_header_gets_the_same_401(directory: Directory) -> None:
    """S0-73."""
    answer = Client().get(f"{directory.path}/Users")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="scim"'


def test_directory_that_does_not_exist_reads_like_another_one(
    scim: ScimClient, other_scim: ScimClient
) -> None:
    scim.directory.key = "nosuchdirectory"
    nowhere = scim.get("/Users")
    other_scim.token = scim.token

    assert refusal(nowhere) == refusal(other_scim.get("/Users"))


@pytest.mark.parametrize(
    "form",
    ["Bearer {}", "bearer {}", "BEARER {}", "{}", "Bearer   {}", "  Bearer {}  "],
)
def test_token_is_taken_with_and_without_the_word(form: str, scim: ScimClient) -> None:
    answer = scim.request("GET", "/Users", authorization=form.format(scim.token))

    assert answer.status == 200


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"query": "access_token"}, id="query access_token"),
        pytest.param({"query": "token"}, id="query token"),
        pytest.param({"cookie": "token"}, id="cookie"),
        pytest.param({"header": "X-Forwarded-Authorization"}, id="proxy header"),
        pytest.param({"header": "Proxy-Authorization"}, id="proxy authorization"),
        pytest.param({"header": "X-Auth-Token"}, id="other header"),
    ],
)
def test_token_elsewhere_than_in_the_header_is_refused(
    place: dict[str, str], scim: ScimClient
) -> None:  # TOK-05
    client = Client()
    url, headers = f"{scim.directory.path}/Users", {}
    if "query" in place:
        url += f"?{place['query']}={scim.token}"
    elif "cookie" in place:
        client.cookies[place["cookie"]] = scim.token
    else:
        headers[place["header"]] = f"Bearer {scim.token}"

    assert client.get(url, headers=headers).status_code == 401


def test_token_in_a_form_is_refused(scim: ScimClient) -> None:  # TOK-05
    answer = Client().post(f"{scim.directory.path}/Users", {"access_token": scim.token})

    assert answer.status_code == 401


def test_portal_session_does_not_open_scim(
    alice_client: Client, directory: Directory
) -> None:  # TOK-17
    assert alice_client.get(f"{directory.path}/Users").status_code == 401


@pytest.mark.parametrize("path", ["/integrations/", "/admin/"])
def test_scim_token_does_not_open_the_portal(path: str, scim: ScimClient) -> None:
    answer = Client().get(path, headers={"authorization": f"Bearer {scim.token}"})

    assert answer.status_code == 302
    assert "/login" in answer["Location"]


def test_directory_sync_token_does_not_open_a_gateway(
    scim: ScimClient, workspace: Workspace
) -> None:  # TOK-17
    sync = Directory.objects.get(workspace=workspace, kind="directory_sync")
    scim.token = factories.issue_token(sync).plaintext

    assert scim.get("/Users").status == 401


def test_malformed_token_costs_no_query(scim: ScimClient) -> None:  # TOK-01
    with statements() as found:
        scim.request("GET", "/Users", authorization=f"Bearer {scim.token}x")

    assert found == []


@pytest.mark.parametrize("reason", ["unknown", "revoked", "expired", "replaced"])
def test_wrong_token_costs_one_query(
    reason: str, scim: ScimClient, headers: dict[str, str]
) -> None:  # TOK-07
    # The first of an hour with a known token is written into the audit log.
    scim.request("GET", "/Users", authorization=headers[reason])

    with statements() as found:
        scim.request("GET", "/Users", authorization=headers[reason])

    assert len(found) == 1


def test_good_token_costs_one_query(scim: ScimClient) -> None:
    scim.get("/Schemas")

    with statements() as found:
        scim.get("/Schemas")

    assert len(found) == 1


def test_flood_of_bad_tokens_does_not_lock_out_the_good_one(
    scim: ScimClient,
) -> None:  # TOK-07
    for _ in range(50):
        bad = credential.generate(credential.Kind.GATEWAY).plaintext
        scim.request("GET", "/Users", authorization=f"Bearer {bad}")

    assert scim.get("/Users").status == 200


@pytest.mark.parametrize("shift", [timedelta(days=-5000), timedelta(days=5000)])
def test_clock_of_the_database_decides_that_a_token_lives(
    shift: timedelta, scim: ScimClient
) -> None:  # TOK-14
    with time_machine.travel(database_now() + shift):
        assert scim.get("/Users").status == 200


@pytest.mark.parametrize("shift", [timedelta(days=-5000), timedelta(days=5000)])
def test_clock_of_the_database_decides_that_a_token_is_over(
    shift: timedelta, scim: ScimClient, expired: str
) -> None:  # TOK-14
    scim.token = expired

    with time_machine.travel(database_now() + shift):
        assert scim.get("/Users").status == 401


def test_token_stops_at_its_end(directory: Directory) -> None:
    token = factories.issue_token(directory, lifetime=timedelta(hours=1))
    client = ScimClient(directory, token.plaintext)
    assert client.get("/Users").status == 200

    ScimToken.objects.filter(pk=token.token.pk).update(expires_at=database_now())

    assert client.get("/Users").status == 401


def test_token_stops_with_its_owner(
    directory: Directory, bob: User, workspace: Workspace
) -> None:
    """S0-106: when the user is deactivated."""
    Membership.objects.filter(user=bob).update(role=Role.ADMIN)
    owner = Membership.objects.get(user=bob, workspace=workspace)
    issued = factories.issue_token(directory, owner=owner)
    client = ScimClient(directory, issued.plaintext)
    assert client.get("/Users").status == 200

    bob.is_active = False
    bob.save(update_fields=["is_active"])

    assert client.get("/Users").status == 401


def test_token_outlives_its_creator(directory: Directory, bob: User) -> None:  # TOK-18
    client = ScimClient(
        directory, factories.issue_token(directory, actor=bob).plaintext
    )
    bob.is_active = False
    bob.save(update_fields=["is_active"])

    assert client.get("/Users").status == 200


def test_token_whose_pepper_is_gone_is_refused(
    scim: ScimClient, settings: object
) -> None:
    settings.KEYWAY_TOKEN_KEYS = {2: b"2" * 32}  # type: ignore[attr-defined]

    assert scim.get("/Users").status == 401


def test_token_survives_a_new_pepper_beside_the_old(
    scim: ScimClient, settings: object
) -> None:  # CRY-04
    keys = {**settings.KEYWAY_TOKEN_KEYS, 2: b"2" * 32}  # type: ignore[attr-defined]
    settings.KEYWAY_TOKEN_KEYS = keys  # type: ignore[attr-defined]

    assert scim.get("/Users").status == 200
    assert factories.issue_token(scim.directory).token.digest_key == 2


def test_use_is_noted_with_address_and_client(scim: ScimClient) -> None:
    scim.request("GET", "/Users", user_agent="Okta SCIM Client 1.0.0")

    token = ScimToken.objects.get(directory=scim.directory)
    assert token.last_used_at is not None
    assert token.last_used_address == "127.0.0.1"
    assert token.last_used_client == "Okta SCIM Client 1.0.0"


def test_long_client_name_is_cut(scim: ScimClient) -> None:
    assert scim.request("GET", "/Users", user_agent="x" * 500).status == 200

    assert ScimToken.objects.get(directory=scim.directory).last_used_client == "x" * 120


@pytest.mark.parametrize(
    ("seconds_ago", "is_noted"),
    [pytest.param(55, False, id="within"), pytest.param(65, True, id="after")],
)
def test_use_is_noted_once_a_minute(
    seconds_ago: int, is_noted: bool, scim: ScimClient
) -> None:
    before = database_now() - timedelta(seconds=seconds_ago)
    ScimToken.objects.filter(directory=scim.directory).update(last_used_at=before)

    scim.get("/Users")

    token = ScimToken.objects.get(directory=scim.directory)
    assert (token.last_used_at != before) == is_noted


def test_refused_token_notes_no_use(scim: ScimClient, expired: str) -> None:
    scim.token = expired

    scim.get("/Users")

    assert ScimToken.objects.filter(last_used_at__isnull=False).count() == 0


@pytest.mark.django_db(transaction=True)
def test_dead_connection_is_tried_once_more(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [OperationalError("gone"), None]
    select = opening._select

    def failing_once(sql: str, params: object) -> object:
        failure = answers.pop(0)
        if failure is not None:
            raise failure
        return select(sql, params)

    monkeypatch.setattr(opening, "_select", failing_once)

    assert scim.get("/Users").status == 200
    assert answers == []


def test_dead_connection_within_a_transaction_is_an_error(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise OperationalError("gone")

    monkeypatch.setattr(opening, "_select", failing)

    # A test is a transaction.
    assert scim.get("/Users").status >= 500
