"""What goes wrong at an app, and what an admin reads about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.desired import DesiredAccount
from tests.fakes.json_app import Asked
from tests.integrations.connectors.manifests import session_on, small

ONE = {"users": [{"id": 1, "name": "ann"}]}
CREATE = {"create_account": {"method": "POST", "path": "/users", "body": "account"}}
TOKEN = {
    "style": "token",
    "login": {
        "method": "POST",
        "path": "/login",
        "body": "{user: login.username, word: login.password}",
    },
    "values": {"token": "token"},
    "headers": {"Authorization": "Bearer {session.token}"},
}


def failure_of_check(status: int, document: object = None) -> ConnectorError:
    with (
        session_on(lambda _: (status, document), small()) as (session, _),
        pytest.raises(ConnectorError) as failure,
    ):
        session.check()
    return failure.value


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, PermanentFailure, "refuses this change"),
        (401, Misconfigured, "password"),
        (403, Misconfigured, "lacks the right"),
        (404, Misconfigured, "address"),
        (408, TemporaryFailure, "failed on its side"),
        (418, PermanentFailure, "refuses this change"),
        (429, TemporaryFailure, "slow down"),
        (500, TemporaryFailure, "failed on its side"),
        (503, TemporaryFailure, "failed on its side"),
    ],
)
def test_names_whose_side_a_failure_is_on(
    status: int, kind: type[ConnectorError], words: str
) -> None:
    failure = failure_of_check(status, {"trace": "password=hunter2"})

    assert type(failure) is kind
    assert words in failure.message
    assert "hunter2" not in failure.message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("17", 17),
        ("86400", 3600),
        ("soon", None),
        ("-5", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 3600),
    ],
)
def test_passes_on_how_long_the_app_wants_to_wait(
    header: str, seconds: int | None
) -> None:
    headers = {"Retry-After": header}
    with (
        session_on(lambda _: (429, None), small(), headers=headers) as (session, _),
        pytest.raises(TemporaryFailure) as failure,
    ):
        session.check()

    wanted = None if seconds is None else timedelta(seconds=seconds)
    assert failure.value.retry_after == wanted


def test_repeats_the_apps_own_words_without_its_secrets() -> None:
    said = "Name is too long.\n password: hunter2 token=abc s3cret-word <b>" + "x" * 300
    manifest = small(calls=CREATE, message="error.text")
    app = lambda _: (422, {"error": {"text": said}})  # noqa: E731

    with (
        session_on(app, manifest) as (session, _),
        pytest.raises(PermanentFailure) as failure,
    ):
        session.create_account(DesiredAccount("ann", "1"))

    message = failure.value.message
    assert "Name is too long." in message
    assert not any(word in message for word in ("hunter2", "abc", "s3cret-word", "\n"))
    assert len(message) < 300


def test_reads_an_errors_meaning_from_the_manifest() -> None:
    rules = [
        {"status": 422, "when": "code == 'taken'", "means": "duplicate"},
        {"status": [422, 400], "contains": "too many", "means": "rate"},
    ]
    manifest = small(calls=CREATE, errors=rules)
    answers = iter([{"code": "taken"}, {"text": "too many"}, {"code": "other"}])

    with session_on(lambda _: (422, next(answers)), manifest) as (session, _):
        failures = []
        for _ in range(3):
            with pytest.raises(ConnectorError) as failure:
                session.create_account(DesiredAccount("ann", "1"))
            failures.append(failure.value.message)

    assert "already has" in failures[0]
    assert "slow down" in failures[1]
    assert "refuses" in failures[2]


def test_logs_in_again_once_when_the_session_has_expired() -> None:
    tokens = iter(["old", "new"])

    def app(asked: Asked) -> tuple[int, object]:
        if asked.path == "/login":
            return 200, {"token": next(tokens)}
        return (
            (200, ONE) if asked.headers["authorization"] == "Bearer new" else (401, 0)
        )

    with session_on(app, small(session=TOKEN)) as (session, outside):
        with pytest.raises(Misconfigured):
            session.check()
        session.check()
        session.check()

    logins = [asked for asked in outside.asked if asked.path == "/login"]
    assert len(logins) == 2
    assert logins[0].body == {"user": "svc", "word": "s3cret-word"}


def test_does_not_log_in_for_ever() -> None:
    def app(asked: Asked) -> tuple[int, object]:
        return (200, {"token": "t0"}) if asked.path == "/login" else (401, None)

    with session_on(app, small(session=TOKEN)) as (session, outside):
        for _ in range(2):
            with pytest.raises(Misconfigured, match="refuses its session"):
                session.check()

    assert len(outside.asked) <= 6


@pytest.mark.parametrize(
    ("status", "document", "kind"),
    [
        (401, None, Misconfigured),
        (403, None, Misconfigured),
        (404, None, Misconfigured),
        (200, {"token": None}, Misconfigured),
        (200, {"token": ""}, Misconfigured),
        (200, {"token": 7}, Misconfigured),
        (200, ["token"], Misconfigured),
        (200, {"token": "a\r\nX-Evil: 1"}, PermanentFailure),
        (429, None, TemporaryFailure),
        (500, None, TemporaryFailure),
    ],
)
def test_says_what_is_wrong_with_a_login(
    status: int, document: object, kind: type[ConnectorError]
) -> None:
    with (
        session_on(lambda _: (status, document), small(session=TOKEN)) as (session, _),
        pytest.raises(kind),
    ):
        session.check()


def test_says_that_an_app_cannot_do_something() -> None:
    with (
        session_on(lambda _: (200, ONE), small()) as (session, _),
        pytest.raises(PermanentFailure) as failure,
    ):
        session.deactivate_account("1")

    assert failure.value.message == "Keyway cannot deactivate accounts in this app."


def test_does_not_choose_between_two_accounts_of_one_name() -> None:
    twins = {"users": [{"id": 1, "name": "ann"}, {"id": 2, "name": "ann"}]}

    with (
        session_on(lambda _: (200, twins), small()) as (session, _),
        pytest.raises(PermanentFailure, match="more than one account"),
    ):
        session.find_account("ann")


def test_leaves_out_near_misses_of_a_search() -> None:
    found = {"users": [{"id": 1, "name": "joann"}, {"id": 2, "name": "ann"}]}

    with session_on(lambda _: (200, found), small()) as (session, _):
        account = session.find_account("ann")

    assert account is not None
    assert account.external_id == "2"


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_does_not_let_a_key_leave_its_place_in_the_path(key: str) -> None:
    with (
        session_on(lambda _: (200, ONE), small()) as (session, outside),
        pytest.raises(PermanentFailure),
    ):
        session.get_account(key)

    assert outside.asked == []


def test_encodes_a_key_for_its_place_in_the_path() -> None:
    app = lambda _: (200, {"id": 1, "name": "ann"})  # noqa: E731
    with session_on(app, small()) as (session, outside):
        session.get_account("../../admin?x=1#\r\nX: y")

    assert outside.asked[0].path == "/users/..%2F..%2Fadmin%3Fx%3D1%23%0D%0AX%3A%20y"


def test_looks_up_what_a_call_reads_once() -> None:
    lookup = {
        "method": "GET",
        "path": "/roles/{config.wanted}/{config.identifier}",
        "item": "id",
    }
    create = {
        "method": "POST",
        "path": "/users",
        "reads": ["role"],
        "body": "{name: account.username, role: role}",
    }
    manifest = small(
        calls={"create_account": create},
        lookups={"role": lookup},
        config={"wanted": "Public"},
    )
    app = lambda _: (200, {"id": 4, "name": "ann"})  # noqa: E731

    with session_on(app, manifest, identifier="acme") as (session, outside):
        session.create_account(DesiredAccount("ann", "1"))
        session.create_account(DesiredAccount("bea", "2"))

    assert [asked.path for asked in outside.asked] == [
        "/roles/Public/acme",
        "/users",
        "/users",
    ]
    assert outside.asked[1].body == {"name": "ann", "role": 4}


def test_says_that_a_lookup_found_nothing() -> None:
    lookup = {"method": "GET", "path": "/roles", "item": "id"}
    create = {"method": "POST", "path": "/users", "reads": ["default_role"]}
    manifest = small(calls={"create_account": create}, lookups={"default_role": lookup})

    with (
        session_on(lambda _: (200, {}), manifest) as (session, _),
        pytest.raises(Misconfigured, match="no default role"),
    ):
        session.create_account(DesiredAccount("ann", "1"))


def test_does_not_take_an_app_that_is_gone_for_an_account_that_is() -> None:
    delete = {"delete_account": {"method": "DELETE", "path": "/users/{id}"}}

    with session_on(lambda _: (404, None), small(calls=delete)) as (session, _):
        for act in (session.get_account, session.delete_account):
            with pytest.raises(Misconfigured, match="nothing at the address"):
                act("1")
