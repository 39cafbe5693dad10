"""Logs are JSON lines with ids: no locals, no queries, no secrets."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator

import pytest
import structlog
from django.test import Client

from config.logs import configure_logging
from integrations.models import Integration
from tests.conftest import ScimClient

CANARY = "canary-5ecret-0f-the-logs"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, object]]]]:
    """What the product's own formatter writes, at its default level."""
    formatter = logging.config.DictConfigurator(
        configure_logging(level="INFO")
    ).configure_formatter(configure_logging(level="INFO")["formatters"]["json"])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


def fail_with_a_secret_in_a_local() -> None:
    password = CANARY
    assert password
    raise RuntimeError("no words of the caller")


@pytest.mark.parametrize(
    "logger",
    [structlog.get_logger("tests.logs"), logging.getLogger("tests.logs")],
    ids=["structlog", "logging"],
)
def test_traceback_holds_no_locals(
    lines: Callable[[], list[dict[str, object]]], logger: logging.Logger
) -> None:
    try:
        fail_with_a_secret_in_a_local()
    except RuntimeError:
        logger.exception("it_broke")

    (line,) = lines()
    assert line["event"] == "it_broke"
    assert "fail_with_a_secret_in_a_local" in json.dumps(line["exception"])
    assert '"locals"' not in json.dumps(line)
    assert CANARY not in json.dumps(line)


def test_each_line_says_when_where_and_how_bad(
    lines: Callable[[], list[dict[str, object]]],
) -> None:
    logging.getLogger("tests.logs").warning("odd", extra={"integration": 7})

    (line,) = lines()
    assert line["event"] == "odd"
    assert line["integration"] == 7
    assert line["level"] == "warning"
    assert line["logger"] == "tests.logs"
    assert str(line["timestamp"]).endswith("Z")


def test_text_cannot_forge_a_line(
    lines: Callable[[], list[dict[str, object]]],
) -> None:
    forged = 'x\n{"event": "forged"}\r\x1b[31m\u202e'

    logging.getLogger("tests.logs").warning("%s", forged)

    (line,) = lines()
    assert line["event"] == forged


def test_error_page_logs_no_query_header_or_cookie(
    lines: Callable[[], list[dict[str, object]]],
    alice_client: Client,
    integration: Integration,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        fail_with_a_secret_in_a_local()

    monkeypatch.setattr("integrations.views.people.frame", broken)
    alice_client.raise_request_exception = False

    answer = alice_client.get(
        f"/integrations/{integration.directory.key}/users/?q={CANARY}",
        headers={"authorization": f"Bearer {CANARY}", "x-other": CANARY},
    )

    written = json.dumps(lines())
    assert answer.status_code == 500
    assert CANARY.encode() not in answer.content
    assert b"Traceback" not in answer.content
    assert "fail_with_a_secret_in_a_local" in written
    assert CANARY not in written
    assert alice_client.cookies["keyway_session"].value not in written


def test_usual_request_logs_no_query(
    lines: Callable[[], list[dict[str, object]]],
    alice_client: Client,
    workspace: object,
) -> None:
    logging.getLogger("django_structlog").setLevel(logging.INFO)
    try:
        alice_client.get(f"/integrations/?q={CANARY}")
        alice_client.post("/login/", {"username": CANARY, "password": CANARY})
    finally:
        logging.getLogger("django_structlog").setLevel(logging.WARNING)

    assert CANARY not in json.dumps(lines(), default=str)


def test_failed_login_logs_neither_name_nor_password(
    lines: Callable[[], list[dict[str, object]]], client: Client, workspace: object
) -> None:
    for _ in range(11):
        client.post("/login/", {"username": f"{CANARY}@acme.test", "password": CANARY})

    assert CANARY not in json.dumps(lines())


@pytest.mark.django_db
def test_error_of_a_scim_request_logs_no_body_and_no_token(
    lines: Callable[[], list[dict[str, object]]],
    scim: ScimClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        fail_with_a_secret_in_a_local()

    monkeypatch.setattr("scim.store.insert", broken)

    answer = scim.post(
        "/Users", {"userName": f"{CANARY}@acme.test", "displayName": CANARY}
    )

    written = json.dumps(lines())
    assert answer.status == 500
    assert CANARY not in answer.text
    assert "fail_with_a_secret_in_a_local" in written
    assert CANARY not in written
    assert scim.token not in written
