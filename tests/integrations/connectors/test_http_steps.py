"""Reach the app, log in: the steps of a check, each told apart from the next."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from integrations.connectors.base import Misconfigured, TemporaryFailure
from integrations.connectors.client import UNREACHABLE
from integrations.connectors.registry import connector_for
from integrations.desired import Connection
from tests.fakes.json_app import Asked
from tests.integrations.connectors.manifests import session_on, small
from tests.integrations.connectors.test_http_failures import TOKEN
from tests.real_apps.servers import free_port


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
def test_whatever_answers_is_reached_and_nobody_is_logged_in(status: int) -> None:
    headers = {"Location": "/login"}
    with session_on(lambda _: (status, None), small(), headers=headers) as (
        session,
        app,
    ):
        session.reach()

    (asked,) = app.asked
    assert (asked.method, asked.path) == ("GET", "/")
    assert "authorization" not in asked.headers


def test_nobody_at_the_address_is_a_failure_that_may_pass() -> None:
    connection = Connection(f"http://127.0.0.1:{free_port()}", "svc", "word")
    connector = connector_for(small(), allowed_networks=[ip_network("127.0.0.0/8")])
    session = connector.open(connection)

    with pytest.raises(TemporaryFailure, match=UNREACHABLE[:20]):
        session.reach()

    session.close()


@pytest.mark.parametrize("status", [200, 403, 404])
def test_login_that_goes_with_each_call_is_fine_unless_refused(status: int) -> None:
    """What the account may not see is for the next step to say."""
    with session_on(lambda _: (status, None), small()) as (session, app):
        session.log_in()

    assert app.asked[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Misconfigured), (429, TemporaryFailure), (503, TemporaryFailure)],
)
def test_login_that_goes_with_each_call_fails_by_its_meaning(
    status: int, kind: type[Exception]
) -> None:
    with (
        session_on(lambda _: (status, None), small()) as (session, _),
        pytest.raises(kind),
    ):
        session.log_in()


def test_login_by_a_call_of_its_own_asks_for_nothing_else() -> None:
    def answering(asked: Asked) -> tuple[int, object]:
        return (200, {"token": "t"}) if asked.path == "/login" else (500, None)

    with session_on(answering, small(session=TOKEN)) as (session, app):
        session.log_in()

    assert [asked.path for asked in app.asked] == ["/login"]
