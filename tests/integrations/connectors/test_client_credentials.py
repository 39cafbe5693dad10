"""OAuth client credentials, RFC 6749 section 4.4: the same in `http` and in `scim`."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest

from integrations.connectors import client_credentials
from integrations.connectors.base import Misconfigured, Session, TemporaryFailure
from integrations.connectors.exchange import Exchange
from integrations.desired import Connection
from tests.fakes.json_app import Answering, Asked, JsonApp, json_app
from tests.integrations.connectors.manifests import on_loopback, shipped, small

CLIENT, SECRET = "svc:keyway", "s3cret / of+the client"
PAIR = "svc%3Akeyway:s3cret%20%2F%20of%2Bthe%20client"
PEOPLE = {"users": [], "Resources": [], "totalResults": 0}


class Guarded:
    """An app that gives tokens and takes the last one; each lives `expires_in`."""

    def __init__(self, **given: object) -> None:
        self.given = given
        self.tokens = 0

    @property
    def token(self) -> str:
        return f"token-number-{self.tokens}"

    def __call__(self, asked: Asked) -> tuple[int, object]:
        if asked.path == "/oauth/token":
            self.tokens += 1
            return 200, {"access_token": self.token, **self.given}
        if asked.headers["authorization"] != f"Bearer {self.token}":
            return 401, {"error": f"not {asked.headers['authorization']}"}
        return 200, PEOPLE


def manifest_of(connector: str, **settings: str) -> dict[str, Any]:
    settings = {"token_path": "/oauth/token", **settings}
    if connector == "http":
        return small(session={"style": "client_credentials", **settings})
    manifest = shipped("scim-app")
    manifest["scim"] |= settings
    return manifest


@contextmanager
def talking_to(
    app: Answering, manifest: dict[str, Any], heard: list[Exchange] | None = None
) -> Iterator[tuple[Session, JsonApp]]:
    note = heard.append if heard is not None else lambda _: None
    with json_app(app) as running:
        connection = Connection(running.base_url, CLIENT, SECRET)
        with closing(on_loopback(manifest).open(connection, observe=note)) as session:
            yield session, running


@pytest.fixture(params=["http", "scim"])
def connector(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("way", ["basic", "form"])
def test_client_proves_itself_as_the_app_wants_it(connector: str, way: str) -> None:
    """RFC 6749 section 2.3.1: HTTP Basic of two encoded words, or in the body."""
    manifest = manifest_of(connector, scope="users", client_authentication=way)
    with talking_to(Guarded(), manifest) as (session, app):
        session.check()

    asked_for_token, *others = app.asked
    form = {"grant_type": ["client_credentials"], "scope": ["users"]}
    if way == "form":
        form |= {"client_id": [CLIENT], "client_secret": [SECRET]}
        assert "authorization" not in asked_for_token.headers
    else:
        kind, _, pair = asked_for_token.headers["authorization"].partition(" ")
        assert (kind, base64.b64decode(pair).decode()) == ("Basic", PAIR)
    assert asked_for_token.headers["content-type"] == (
        "application/x-www-form-urlencoded"
    )
    assert parse_qs(str(asked_for_token.body)) == form
    assert {o.headers["authorization"] for o in others} == {"Bearer token-number-1"}


@pytest.mark.parametrize(
    ("expires_in", "tokens"), [(300, 2), ("300", 2), (3000, 1), (None, 1), (-1, 1)]
)
def test_token_is_renewed_before_it_ends(
    connector: str,
    expires_in: object,
    tokens: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`expires_in` says when; nobody is refused first."""
    clock = [1000.0]
    monkeypatch.setattr(client_credentials, "monotonic", lambda: clock[0])
    app, heard = Guarded(expires_in=expires_in), list[Exchange]()
    with talking_to(app, manifest_of(connector), heard) as (session, _):
        list(session.list_accounts())
        clock[0] += 271
        list(session.list_accounts())

    assert app.tokens == tokens
    assert 401 not in {each.status for each in heard}


def test_token_that_ends_in_the_middle_is_replaced_once(connector: str) -> None:
    app = Guarded()
    with talking_to(app, manifest_of(connector)) as (session, _):
        session.check()
        app.tokens += 1
        session.check()

    assert app.tokens == 3


def test_secrets_are_in_no_record(connector: str) -> None:
    heard: list[Exchange] = []
    app = Guarded()

    def refusing(asked: Asked) -> tuple[int, object]:
        answer = app(asked)
        return answer if asked.path == "/oauth/token" else (403, asked.headers)

    with (
        talking_to(refusing, manifest_of(connector), heard) as (session, _),
        pytest.raises(Misconfigured) as failure,
    ):
        session.check()

    told = f"{heard} {failure.value.message}"
    assert {each.status for each in heard} == {200, 403}
    for secret in (SECRET, "s3cret", base64.b64encode(PAIR.encode()).decode()):
        assert secret not in told
    assert app.token not in told


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((401, {"error": "invalid_client"}), Misconfigured, r"client secret\)"),
        ((400, {"error": "invalid_client"}), Misconfigured, r"client secret\)"),
        ((400, {"error": "invalid_scope"}), Misconfigured, "does not know the scope"),
        (
            (400, {"error": "unsupported_grant_type"}),
            Misconfigured,
            "does not know client credentials",
        ),
        ((404, {}), Misconfigured, "no OAuth token endpoint"),
        ((200, {"token": "x"}), Misconfigured, "gave no access token"),
        ((200, {"access_token": "two\nlines"}), Misconfigured, "gave no access token"),
        ((200, {"access_token": ""}), Misconfigured, "gave no access token"),
        ((200, [1]), Misconfigured, "gave no access token"),
        ((429, {}), TemporaryFailure, "slow down"),
        ((503, {}), TemporaryFailure, "failed on its side"),
    ],
)
def test_token_that_is_not_given_is_explained(
    connector: str, answer: tuple[int, object], error: type[Exception], said: str
) -> None:
    with (
        talking_to(lambda _: answer, manifest_of(connector)) as (session, _),
        pytest.raises(error, match=said),
    ):
        session.log_in()
