"""What is noted of a call: enough to mend it, and no secret."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_network

import pytest

from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.client import REDIRECTED, UNREACHABLE, OutgoingClient
from integrations.connectors.exchange import Exchange
from integrations.connectors.redaction import (
    HIDDEN,
    redact,
    redact_answer,
    redact_body,
    redact_path,
)
from integrations.connectors.registry import connector_for
from integrations.desired import Connection, DesiredAccount
from tests.fakes.json_app import Asked, json_app
from tests.fakes.raw_server import response, says, serving
from tests.integrations.connectors.manifests import small
from tests.real_apps.servers import free_port

LOOPBACK = [ip_network("127.0.0.0/8")]
SECRET = "pass/word of the service=account 7"
SESSION = "5e55-ab"
TOKEN_LOGIN = {
    "style": "token",
    "login": {
        "method": "POST",
        "path": "/session",
        "body": "{username: login.username, password: login.password}",
    },
    "refused": [403],
    "values": {"token": "token"},
    "headers": {"Authorization": "Bearer {session.token}"},
}


def asked_of(
    port: int, method: str = "GET", path: str = "/api", **options: object
) -> Exchange:
    """Make one call and return what was noted of it."""
    noted: list[Exchange] = []
    client = OutgoingClient(
        f"http://127.0.0.1:{port}", allowed_networks=LOOPBACK, observe=noted.append
    )
    try:
        client.request(method, path, **options)  # type: ignore[arg-type]
    except ConnectorError:
        pass
    finally:
        client.close()
    (exchange,) = noted
    return exchange


def test_fine_answer_leaves_no_body() -> None:
    with serving(says(response(b'{"users": ["ann"]}'))) as port:
        exchange = asked_of(port, query={"page": "1"})

    assert (exchange.method, exchange.path) == ("GET", "/api?page=1")
    assert (exchange.status, exchange.error, exchange.answer_body) == (200, "", "")
    assert 0 <= exchange.milliseconds < 5000


def test_errors_answer_is_kept_without_its_secrets() -> None:
    said = b'{"error": "login taken", "password": "hunter2"}'
    with serving(says(response(said, status="422 No"))) as port:
        exchange = asked_of(port, "POST", body={"login": "ann", "password": "hunter2"})

    assert exchange.status == 422
    assert "login taken" in exchange.answer_body
    assert json.loads(exchange.request_body) == {"login": "ann", "password": HIDDEN}
    assert "hunter2" not in repr(exchange)


def test_no_answer_is_noted_with_its_reason() -> None:
    exchange = asked_of(free_port())

    assert (exchange.status, exchange.error) == (None, UNREACHABLE)


def test_redirect_is_noted_with_its_status() -> None:
    there = response(b"", status="302 Found", headers=("Location: /login",))
    with serving(says(there)) as port:
        exchange = asked_of(port)

    assert (exchange.status, exchange.error) == (302, REDIRECTED)


def test_headers_are_never_noted() -> None:
    with serving(says(response(b"{}"))) as port:
        exchange = asked_of(port, headers={"Authorization": "Bearer hunter2"})

    assert "hunter2" not in repr(exchange)


def test_login_is_noted_without_bodies() -> None:
    with serving(says(response(b'{"why": "ann"}', status="401 No"))) as port:
        exchange = asked_of(port, "POST", body={"user": "ann"}, is_login=True)

    assert exchange.is_login
    assert (exchange.request_body, exchange.answer_body) == ("", "")


class TestConversation:
    """A whole session of an app that repeats every secret that it hears."""

    def noted(self, manifest: Mapping[str, object], status: int) -> list[Exchange]:
        def answering(asked: Asked) -> tuple[int, object]:
            if asked.path == "/session":
                return 201, {"token": SESSION}
            return status, {"you sent": [dict(asked.headers), asked.body, SECRET]}

        exchanges: list[Exchange] = []
        with json_app(answering) as app:
            connector = connector_for(manifest, allowed_networks=LOOPBACK)
            connection = Connection(app.base_url, "svc", SECRET)
            session = connector.open(connection, observe=exchanges.append)
            try:
                session.create_account(DesiredAccount("ann", "ref-1"))
            except (Misconfigured, PermanentFailure, TemporaryFailure):
                pass
            finally:
                session.close()
        return exchanges

    @pytest.mark.parametrize("status", [401, 422, 500])
    @pytest.mark.parametrize("session", [{"style": "basic"}, TOKEN_LOGIN])
    def test_holds_no_secret_whatever_the_app_repeats(
        self, session: dict[str, object], status: int
    ) -> None:
        create = {
            "method": "POST",
            "path": "/users",
            "body": "{login: account.username, first_words: new_password}",
        }
        manifest = small(session=session, calls={"create_account": create})

        exchanges = self.noted(manifest, status)

        said = repr(exchanges)
        assert exchanges
        assert SECRET not in said
        assert SESSION not in said
        assert b64encode(f"svc:{SECRET}".encode()).decode() not in said
        body = json.loads(exchanges[-1].request_body)
        assert body == {"login": "ann", "first_words": HIDDEN}
        assert "-aA1" not in said

    def test_without_an_observer_works_as_before(self) -> None:
        connector = connector_for(small(), allowed_networks=LOOPBACK)
        connection = Connection("http://127.0.0.1:9", "svc", SECRET)

        connector.open(connection).close()


@pytest.mark.parametrize(
    ("path", "query", "shown"),
    [
        ("/users/7", None, "/users/7"),
        ("/users", {"login": "ann@acme.test"}, "/users?login=ann@acme.test"),
        ("/users", {"api_key": "k"}, f"/users?api_key={HIDDEN}"),
        ("/s/hunter%2F2", None, f"/s/{HIDDEN}"),
        ("/s", {"q": "hunter/2"}, f"/s?q={HIDDEN}"),
        ("/s", {"c": "eyJhbGciOiJIUzI1NiJ9abcdefghijklmno"}, f"/s?c={HIDDEN}"),
        ("/s", {"q": "a\nb\x00"}, "/s?q=a b "),
    ],
)
def test_path_hides_what_is_secret(
    path: str, query: dict[str, str] | None, shown: str
) -> None:
    assert redact_path(path, query, secrets=["hunter/2"]) == shown


def test_body_is_cut() -> None:
    text = redact_body({"note": "x" * 9000})

    assert len(text) == 4000
    assert text.endswith("…")


def test_body_of_name_and_value_hides_the_value() -> None:
    sent = {"path": "/password", "value": "hunter2"}

    assert redact([sent]) == [{"path": "/password", "value": HIDDEN}]


def test_secret_at_the_edge_of_what_is_kept_is_gone_as_a_whole() -> None:
    for size in range(1980, 2010):
        said = redact_answer(
            b"x " * (size // 2) + b"hunter2hunter2", secrets=["hunter2hunter2"]
        )
        assert "hunter" not in said


def test_page_instead_of_json_becomes_one_line() -> None:
    said = redact_answer(b"<h1>Oops</h1>\n<p>token=hunter2 of\xff ann</p>")

    assert "hunter2" not in said
    assert "\n" not in said
    assert "Oops" in said
