"""What the `browser` connector makes of pages that are not as their manifest says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from ipaddress import ip_network
from typing import Any

import pytest

from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    Session,
    TemporaryFailure,
)
from integrations.connectors.browser import availability, chromium
from integrations.connectors.exchange import Exchange
from integrations.connectors.registry import connector_for, missing_for, problems_in
from integrations.desired import Connection, ObservedAccount
from tests.fakes.page_app import Answering, PageApp, page_app
from tests.integrations.connectors.contract import person
from tests.journeys.chromium import executable

pytestmark = pytest.mark.browser

PASSWORD = "s3cret-word-of-pages"
LOGIN = (
    "<form action=/in><label>Name <input name=n></label>"
    "<label>Password <input name=p type=password></label><button>Log in</button></form>"
)
USERS: dict[str, Any] = {
    "steps": [{"goto": "/users"}, {"expect": {"text": "People"}}],
    "rows": {"css": "li"},
    "read": {
        "id": {"link": {"css": "a"}, "match": "/users/([0-9]+)$"},
        "username": {"text": {"css": "a"}},
    },
    "next": {"link": "More"},
}
PAGES: dict[str, Any] = {
    "slug": "pages",
    "name": "Pages",
    "category": "Tests",
    "connector": "browser",
    "identifier": None,
    "login_workflows": ["password"],
    "capabilities": dict.fromkeys(
        ("create", "update", "rename", "deactivate", "delete"), False
    ),
    "user_schema": {"attributes": []},
    "browser": {
        "log_in": {
            "steps": [
                {"goto": "/login"},
                {"fill": {"label": "Name"}, "value": "login.username"},
                {"fill": {"label": "Password"}, "value": "login.password"},
                {"click": {"button": "Log in"}},
                {"expect": {"text": "Welcome"}},
            ],
            "refused": {"css": "[role=alert]"},
        },
        "refused": {"css": "[role=alert]"},
        "check": [{"goto": "/users"}, {"expect": {"text": "People"}}],
        "account": {
            "steps": [{"goto": "/users/{id}"}, {"expect": {"label": "Name"}}],
            "read": {"username": {"value": {"label": "Name"}}},
        },
        "list_accounts": USERS,
    },
}


def manifest(**browser: Any) -> dict[str, Any]:
    changed = deepcopy(PAGES)
    changed["browser"].update(browser)
    return changed


def pages(**bodies: str) -> Answering:
    """Answer `users` for `/users?…` and so on; log in whoever asks."""
    known = {"login": LOGIN, "in": "Welcome", "users": "People", **bodies}

    def answer(path: str) -> tuple[int, str, dict[str, str]]:
        body = known.get(path.strip("/").partition("?")[0].replace("/", "_"))
        return (404, "Nothing", {}) if body is None else (200, body, {})

    return answer


@contextmanager
def session_on(
    answering: Answering,
    *,
    networks: str = "127.0.0.0/8",
    exchanges: list[Exchange] | None = None,
    **browser: Any,
) -> Iterator[tuple[Session, PageApp]]:
    executable()
    connector = connector_for(
        manifest(**browser), allowed_networks=[ip_network(networks)]
    )
    observe = {} if exchanges is None else {"observe": exchanges.append}
    with page_app(answering) as app:
        connection = Connection(app.base_url, "svc", PASSWORD)
        with closing(connector.open(connection, **observe)) as session:
            yield session, app


@pytest.fixture(autouse=True)
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "STEP_SECONDS", 1.5)


def error_of(session: Session) -> ConnectorError:
    with pytest.raises(ConnectorError) as failure:
        session.check()
    return failure.value


def test_says_which_element_of_which_step_is_missing() -> None:
    changed = pages(login=LOGIN.replace("Name", "Kennung"))
    with session_on(changed) as (session, _):
        error = error_of(session)

    assert isinstance(error, Misconfigured)
    assert error.message == (
        "The app's pages have changed: step 2 of “log in” expected a field labelled "
        "“Name”. Compare the app's version with its manifest."
    )


def test_says_when_several_elements_fit() -> None:
    with session_on(pages(login=LOGIN + LOGIN)) as (session, _):
        error = error_of(session)

    assert isinstance(error, Misconfigured)
    assert "expected exactly one: a field labelled “Name”" in error.message


def test_says_that_the_log_in_was_refused() -> None:
    refused = pages(**{"in": LOGIN + "<p role=alert>Wrong.</p>"})
    with session_on(refused) as (session, _):
        error = error_of(session)

    assert isinstance(error, Misconfigured)
    assert "user name and password" in error.message


@pytest.mark.parametrize(
    ("status", "headers", "kind", "words"),
    [
        (500, {}, TemporaryFailure, "failed on its side"),
        (429, {"Retry-After": "30"}, TemporaryFailure, "slow down"),
        (403, {}, Misconfigured, "lacks the right"),
        (404, {}, Misconfigured, "no page at the address"),
    ],
)
def test_knows_what_a_status_means(
    status: int, headers: dict[str, str], kind: type, words: str
) -> None:
    def answer(path: str) -> tuple[int, str, dict[str, str]]:
        if path == "/users":
            return status, "Traceback (most recent call last)", headers
        return pages()(path)

    with session_on(answer) as (session, _):
        error = error_of(session)

    assert isinstance(error, kind)
    assert words in error.message
    assert "Traceback" not in error.message


def test_logs_in_anew_when_the_session_has_ended() -> None:
    visits: list[str] = []

    def answer(path: str) -> tuple[int, str, dict[str, str]]:
        visits.append(path)
        if path == "/users" and visits.count("/users") == 2:
            return 302, "", {"Location": "/login"}
        return pages()(path)

    with session_on(answer) as (session, _):
        session.check()
        session.check()

    assert sum(path.startswith("/in?") for path in visits) == 2


def test_does_not_go_round_in_circles_when_the_app_keeps_nobody_in() -> None:
    def answer(path: str) -> tuple[int, str, dict[str, str]]:
        if path == "/users":
            return 302, "", {"Location": "/login"}
        return pages()(path)

    with session_on(answer) as (session, _):
        error = error_of(session)

    assert isinstance(error, Misconfigured)
    assert "refuses its session" in error.message


def test_page_that_does_not_come_in_time_is_temporary() -> None:
    def answer(path: str) -> tuple[int, str, dict[str, str]]:
        if path == "/users":
            time.sleep(2)
        return pages()(path)

    with session_on(answer) as (session, _):
        error = error_of(session)

    assert isinstance(error, TemporaryFailure)


def test_act_without_end_is_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "ACT_SECONDS", 0.3)

    def answer(path: str) -> tuple[int, str, dict[str, str]]:
        time.sleep(1)
        return pages()(path)

    with session_on(answer) as (session, _):
        error = error_of(session)

    assert error.message == chromium.SLOW


def test_reads_every_page_of_a_list_once() -> None:
    def answer(path: str) -> tuple[int, str, dict[str, str]]:
        number = int(path.partition("?page=")[2] or 1)
        more = f"<a href='/users?page={number + 1}'>More</a>" if number < 3 else ""
        rows = f"<li><a href=/users/{number}>n{number}</a></li>"
        if path.startswith("/users/"):
            return 200, "<label>Name <input value=x></label>", {}
        if path.startswith("/users"):
            return 200, f"People 3 in all {rows}{more}", {}
        return pages()(path)

    total = {**USERS, "total": {"text": {"css": "body"}, "match": "([0-9]+) in all"}}
    with session_on(answer, list_accounts=total) as (session, _):
        found = [account.external_id for account in session.list_accounts()]

    assert found == ["1", "2", "3"]


def test_opens_no_page_of_an_account_whose_list_shows_all() -> None:
    name = {"username": {"text": {"css": "a"}}}
    more = {
        "active": {"unseen": {"css": "s"}},
        "entitlements": {"group": {"texts": {"css": "b"}}},
    }
    whole = {**USERS, "read": {**USERS["read"], **more}}
    rows = (
        "<li><a href=/users/1>ann</a> <b>Sales</b> <b>Staff</b></li>"
        "<li><a href=/users/2>bo</a> <s>left</s></li>"
    )
    account = {**PAGES["browser"]["account"], "read": name | more}
    answering = pages(users=f"People {rows}")
    with session_on(answering, account=account, list_accounts=whole) as (session, app):
        ann, bo = session.list_accounts()
        found = session.find_account("bo")

    assert ann == ObservedAccount(
        "1", "ann", entitlements=frozenset({("group", "Sales"), ("group", "Staff")})
    )
    assert bo == found == ObservedAccount("2", "bo", active=False)
    assert not [path for path in app.requests if path.startswith("/users/")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("4 in all <li><a href=/users/1>n</a></li>", TemporaryFailure),
        ("1 in all <li><a href=/users/1>n</a></li><a href=/users>More</a>", None),
        ("1 in all <li><a href=/people/1>n</a></li>", Misconfigured),
    ],
)
def test_concludes_nothing_from_a_list_that_may_be_short(
    body: str, kind: type | None
) -> None:
    total = {**USERS, "total": {"text": {"css": "body"}, "match": "([0-9]+) in all"}}
    answering = pages(users=f"People {body}")
    with session_on(answering, list_accounts=total) as (session, _):
        with pytest.raises(kind or PermanentFailure):
            list(session.list_accounts())


@pytest.mark.parametrize("tag", ["<img src='{}'>", "<iframe src='{}'></iframe>"])
def test_con_13_page_reaches_nothing_but_its_app(tag: str) -> None:
    """CON-13: whatever a page asks for, only its own host and port hear of it."""
    with page_app(pages()) as other:
        elsewhere = other.base_url
        bait = (
            f"People {tag.format(elsewhere + '/inner')}"
            f"<script>fetch('{elsewhere}/fetched');"
            f"new WebSocket('{elsewhere.replace('http', 'ws')}/socket');"
            f"navigator.sendBeacon('{elsewhere}/beacon')</script>"
        )
        with session_on(pages(users=bait)) as (session, _):
            session.check()

        assert other.requests == []


def test_con_13_redirect_leads_nowhere_else() -> None:
    """CON-13: a redirect to another address is not followed."""
    with page_app(pages()) as other:

        def answer(path: str) -> tuple[int, str, dict[str, str]]:
            if path == "/users":
                return 302, "", {"Location": f"{other.base_url}/users"}
            return pages()(path)

        with session_on(answer) as (session, _):
            error = error_of(session)

        assert other.requests == []
    assert isinstance(error, TemporaryFailure)


def test_con_13_address_that_is_not_allowed_is_not_called() -> None:
    """CON-13: the rule for addresses holds for the browser too."""
    connector = connector_for(PAGES, allowed_networks=[])
    with page_app(pages()) as app:
        by_name = app.base_url.replace("127.0.0.1", "localhost")
        with closing(connector.open(Connection(by_name, "svc", PASSWORD))) as session:
            error = error_of(session)

        assert app.requests == []
    assert isinstance(error, Misconfigured)
    assert "not allowed" in error.message
    with pytest.raises(Misconfigured):
        connector.open(Connection(app.base_url, "svc", PASSWORD))


def test_every_step_is_heard_of_without_secrets_and_with_a_picture() -> None:
    """CON-13: pictures are small, and no step tells a password."""
    exchanges: list[Exchange] = []
    with session_on(pages(), exchanges=exchanges) as (session, _):
        session.check()

    assert [(e.method, e.path, e.is_login) for e in exchanges] == [
        ("GOTO", "/login", True),
        ("FILL", "a field labelled “Name”", True),
        ("FILL", "a field labelled “Password”", True),
        ("CLICK", "a button “Log in”", True),
        ("EXPECT", "the text “Welcome”", True),
        ("GOTO", "/users", False),
        ("EXPECT", "the text “People”", False),
    ]
    assert all(e.status == 200 and e.milliseconds >= 0 for e in exchanges)
    pictures = [e.screenshot for e in exchanges if e.method in {"CLICK", "EXPECT"}]
    assert all(picture.startswith(b"\xff\xd8") for picture in pictures)
    assert all(len(e.screenshot) <= 60_000 for e in exchanges)
    assert PASSWORD not in repr(exchanges)


def test_new_password_is_heard_by_nobody() -> None:
    exchanges: list[Exchange] = []
    create = [
        {"goto": "/new"},
        {"fill": {"label": "Name"}, "value": "account.username"},
        {"fill": {"css": "#p"}, "value": "new_password"},
        {"expect": {"text": "Saved"}},
    ]
    new = "<label>Name <input></label><input id=p>Saved"
    with session_on(pages(new=new), exchanges=exchanges, create_account=create) as (
        session,
        _,
    ):
        with pytest.raises(PermanentFailure, match="does not list it"):
            session.create_account(person("ann"))

    told = [e.request_body for e in exchanges if e.method == "FILL" and not e.is_login]
    assert told == ['{"Name": "ann"}', '{"#p": "[hidden]"}']


def test_says_what_is_missing_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_for("http") == ""
    monkeypatch.setattr(availability._operator, "path", "/nowhere/chromium")

    assert missing_for("browser") == availability.NO_CHROMIUM
    with pytest.raises(Misconfigured, match="KEYWAY_CHROMIUM"):
        connector_for(PAGES).open(Connection("https://app.test", "svc", PASSWORD))


@pytest.mark.parametrize(
    ("browser", "problem"),
    [
        (
            {"check": [{"expect": {"text": "a"}}] * 2},
            "browser.check[0]: The first step",
        ),
        (
            {"check": [{"goto": "/a"}, {"click": {"button": "b"}}]},
            "browser.check[1]: The last step must be expect",
        ),
        (
            {"check": [{"goto": "/{id}"}, {"expect": {"text": "a"}}]},
            "browser.check[0].goto: id is not known here.",
        ),
        (
            {"check": [{"goto": "/"}, {"expect": {"css": "{config.x}"}}]},
            "browser.check[1].expect.css: A css selector is fixed text",
        ),
        (
            {
                "list_accounts": {
                    **USERS,
                    "read": {
                        **USERS["read"],
                        "id": {"link": {"css": "a"}, "match": "("},
                    },
                }
            },
            "browser.list_accounts.read.id.match: This is not a regular expression",
        ),
    ],
)
def test_says_what_is_wrong_with_a_manifest(
    browser: dict[str, Any], problem: str
) -> None:
    found = [str(each) for each in problems_in(manifest(**browser))]

    assert any(each.startswith(problem) for each in found), found


def test_promises_need_their_steps() -> None:
    promising = deepcopy(PAGES)
    promising["capabilities"].update(
        create=True,
        deactivate=True,
        entitlements=[{"kind": "group", "label": "Groups", "assignable": True}],
    )

    assert [problem.where for problem in problems_in(promising)] == [
        "capabilities.create",
        "capabilities.deactivate",
        "capabilities.deactivate",
        *["capabilities.entitlements[0]"] * 4,
    ]
