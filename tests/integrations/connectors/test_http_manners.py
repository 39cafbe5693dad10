"""How apps differ: logging in, turning pages, guarding changes. Each on a small app."""

from __future__ import annotations

import base64
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs

import pytest

from integrations.connectors.base import (
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.exchange import Exchange
from integrations.desired import Connection, DesiredAccount
from tests.fakes.form_app import FormApp, form_app
from tests.fakes.json_app import Asked
from tests.integrations.connectors.manifests import on_loopback, session_on, small

PEOPLE = [{"id": number, "name": f"n{number}"} for number in range(5)]
FORM = {
    "style": "form",
    "page": {"method": "GET", "path": "/login"},
    "login": {
        "method": "POST",
        "path": "/login",
        "form": {
            "user": "login.username",
            "word": "login.password",
            "csrf": "hidden.csrf",
        },
    },
    "headers": {"X-CSRF": "{session.cookies.csrf}"},
}


class TestForm:
    """A log-in page with a CSRF token, and a session cookie after it."""

    def session(self, app: FormApp, secret: str = "s3cret-word") -> Any:
        connection = Connection(app.base_url, "svc", secret)
        return closing(on_loopback(small(session=FORM)).open(connection))

    def test_logs_in_as_a_browser_does(self) -> None:
        with form_app("svc", "s3cret-word") as app, self.session(app) as session:
            session.log_in()
            session.check()

        assert app.logins == 1

    def test_logs_in_again_when_the_session_has_ended(self) -> None:
        with form_app("svc", "s3cret-word") as app, self.session(app) as session:
            session.check()
            app.end_sessions()
            session.check()

        assert app.logins == 2

    def test_page_that_comes_again_means_a_wrong_password(self) -> None:
        with (
            form_app("svc", "s3cret-word") as app,
            self.session(app, "wrong-word-8") as session,
            pytest.raises(Misconfigured, match="password") as failure,
        ):
            session.check()

        assert "wrong-word-8" not in failure.value.message

    def test_page_without_a_form_is_named(self) -> None:
        with (
            form_app("svc", "s3cret-word", has_form=False) as app,
            self.session(app) as session,
            pytest.raises(Misconfigured, match="no form with a password"),
        ):
            session.check()


def test_login_of_a_token_can_be_sent_as_a_form() -> None:
    """As some apps want it whose log-in is like OAuth's and not quite the same."""
    login = {
        "method": "POST",
        "path": "/token",
        "headers": {"Authorization": "{basic(login.username, login.password)}"},
        "form": {"grant_type": "'client_credentials'", "scope": "'users'"},
    }
    manifest = small(
        session={
            "style": "token",
            "login": login,
            "values": {"token": "access_token"},
            "headers": {"Authorization": "Bearer {session.token}"},
        }
    )

    def answer(asked: Asked) -> tuple[int, object]:
        if asked.path == "/token":
            return 200, {"access_token": "token-of-5-minutes"}
        return 200, {"users": PEOPLE}

    with session_on(answer, manifest) as (session, app):
        session.check()

    token, check = app.asked
    pair = base64.b64encode(b"svc:s3cret-word").decode()
    assert token.headers["authorization"] == f"Basic {pair}"
    assert token.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(str(token.body)) == {
        "grant_type": ["client_credentials"],
        "scope": ["users"],
    }
    assert check.headers["authorization"] == "Bearer token-of-5-minutes"


class TestKey:
    """An access token alone, without a user name."""

    MANIFEST = {
        **small(key_session={"style": "key", "headers": {"X-Key": "{login.key}"}}),
        "login_workflows": ["password", "access_token"],
    }

    def test_goes_with_each_call_and_into_no_record(self) -> None:
        heard: list[Exchange] = []

        with session_on(
            lambda _: (400, {"error": "no key key-of-9-letters"}),
            self.MANIFEST,
            secret="key-of-9-letters",
            login_workflow="access_token",
            observe=heard.append,
        ) as (session, app):
            with pytest.raises(PermanentFailure):
                session.check()

        assert app.asked[0].headers["x-key"] == "key-of-9-letters"
        assert "key-of-9-letters" not in repr(heard)

    def test_that_is_refused_is_called_an_access_token(self) -> None:
        with (
            session_on(
                lambda _: (401, {}), self.MANIFEST, login_workflow="access_token"
            ) as (session, _),
            pytest.raises(Misconfigured, match="service account's access token"),
        ):
            session.check()

    def test_needs_an_app_that_takes_one(self) -> None:
        with (
            pytest.raises(Misconfigured, match="no login of this kind"),
            session_on(lambda _: (200, {}), small(), login_workflow="access_token"),
        ):
            pass


def listing(paging: dict[str, object], **call: object) -> dict[str, Any]:
    users = {"method": "GET", "path": "/users", "items": "users"}
    return small(calls={"list_accounts": {**users, **call, "paging": paging}})


def test_follows_cursors_to_the_end() -> None:
    manifest = listing(
        {"style": "cursor", "size": 2, "next": "next"}, query={"after": "cursor"}
    )

    def answer(asked: Asked) -> tuple[int, object]:
        at = int(asked.query.get("after", 0))
        following = str(at + 2) if at + 2 < len(PEOPLE) else None
        return 200, {"users": PEOPLE[at : at + 2], "next": following}

    with session_on(answer, manifest) as (session, app):
        names = [account.username for account in session.list_accounts()]

    assert names == ["n0", "n1", "n2", "n3", "n4"]
    assert len(app.asked) == 3


def test_cursor_that_leads_nowhere_new_is_no_end() -> None:
    manifest = listing({"style": "cursor", "size": 2, "next": "next"})

    with (
        session_on(lambda _: (200, {"users": PEOPLE, "next": "x"}), manifest) as found,
        pytest.raises(PermanentFailure, match="same entries again"),
    ):
        list(found[0].list_accounts())


def test_follows_links_within_the_app_only() -> None:
    """RFC 8288; a link to another place would take the login there."""
    manifest = listing({"style": "link", "size": 2})
    users = lambda _: (200, {"users": PEOPLE[:2]})  # noqa: E731
    inside = {"Link": '</users?at=2>; rel="next", </users>; rel="first"'}
    outside = {"Link": '<https://evil.example/users>; rel="next"'}

    with session_on(users, manifest, headers=inside) as (session, app):
        with pytest.raises(PermanentFailure, match="same entries again"):
            list(session.list_accounts())
        assert [asked.query for asked in app.asked] == [{}, {"at": "2"}]
    with session_on(users, manifest, headers=outside) as (session, app):
        with pytest.raises(PermanentFailure, match="does not hold"):
            list(session.list_accounts())
        assert len(app.asked) == 1


class TestConditional:
    """A change that names the version that was read, and is refused with 412."""

    MANIFEST = small(
        calls={
            "update_account": {
                "method": "PUT",
                "path": "/users/{id}",
                "reads": ["current"],
                "headers": {"If-Match": "{etag}"},
                "body": "{name: account.username, note: current.note}",
            }
        }
    )

    def update(self, refusals: int) -> list[Asked]:
        refused = iter([412] * refusals)

        def answer(asked: Asked) -> tuple[int, object]:
            if asked.method == "GET":
                return 200, {"id": 1, "name": "ann", "note": "kept"}
            return next(refused, 200), {}

        with session_on(answer, self.MANIFEST, headers={"ETag": '"v1"'}) as opened:
            session, app = opened
            try:
                session.update_account("1", DesiredAccount("bea", "ref"))
            finally:
                self.asked = app.asked
        return app.asked

    def test_carries_the_etag(self) -> None:
        _, put = self.update(0)

        assert put.headers["if-match"] == '"v1"'
        assert put.body == {"name": "bea", "note": "kept"}

    def test_is_made_again_from_what_is_there_now(self) -> None:
        asked = self.update(2)

        assert [each.method for each in asked] == ["GET", "PUT"] * 3

    def test_ends_as_a_failure_that_passes(self) -> None:
        with pytest.raises(TemporaryFailure, match="changed in the app"):
            self.update(3)


def test_makes_the_first_call_that_applies_and_none_if_all_is_well() -> None:
    change = {
        "reads": ["current"],
        "let": {"a_off": "is_off", "is_off": "current.status == 'off'"},
        "choose": [
            {"method": "POST", "path": "/{id}/lock", "when": "current.status == 'on'"},
            {"method": "POST", "path": "/{id}/end", "when": "!a_off"},
        ],
    }
    manifest = small(calls={"deactivate_account": change})

    def asked_with(status: str) -> list[str]:
        document = {"id": 1, "name": "ann", "status": status}
        with session_on(lambda _: (200, document), manifest) as (session, app):
            session.deactivate_account("1")
        return [each.path for each in app.asked]

    assert asked_with("on") == ["/users/1", "/1/lock"]
    assert asked_with("invited") == ["/users/1", "/1/end"]
    assert asked_with("off") == ["/users/1"]
