"""`manage.py check_manifest`: what is wrong and where, and a trial on the demo app."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.catalog import loader
from integrations.connectors.base import Session
from integrations.desired import Connection
from tests.integrations.connectors.manifests import on_loopback, shipped
from tests.integrations.outside import USERNAME, Outside

DEMO = Path(loader.__file__).with_name("demo-app.json")


def check(file: Path, **options: Any) -> tuple[str, str]:
    """Return what the command writes, and why it failed."""
    written = StringIO()
    try:
        call_command("check_manifest", str(file), stdout=written, **options)
    except CommandError as error:
        return written.getvalue(), str(error)
    return written.getvalue(), ""


def changed(tmp_path: Path, **calls: Any) -> Path:
    manifest = shipped("demo-app")
    manifest["http"]["calls"] |= calls
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(manifest))
    return file


@pytest.fixture
def session(outside: Outside) -> Iterator[Session]:
    connection = Connection(outside.base_url, USERNAME, outside.password)
    session = on_loopback(shipped("demo-app")).open(connection)
    yield session
    session.close()


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch, outside: Outside) -> str:
    monkeypatch.setenv("KEYWAY_TRIAL_SECRET", outside.password)
    return outside.password


def test_finds_nothing_wrong_with_a_shipped_manifest() -> None:
    assert check(DEMO) == ("demo-app.json: nothing is wrong with its form.\n", "")


def test_says_what_is_wrong_and_where(tmp_path: Path) -> None:
    call = {"method": "POST", "path": "/users/{x}", "body": "person"}

    written, error = check(changed(tmp_path, create_account=call))

    assert "http.calls.create_account.path: x is not known here." in written
    assert "http.calls.create_account.body: person is not known here." in written
    assert error.endswith("changed.json cannot be used.")


def test_says_that_a_file_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in check(tmp_path / "none.json")[1]


def test_tries_every_act_with_an_account_of_its_own_and_deletes_it(
    outside: Outside, session: Session, secret: str
) -> None:
    before = {each.username for each in session.list_accounts()}

    written, error = check(DEMO, against=outside.base_url, username=USERNAME)

    steps = [line[7:].split(":")[0] for line in written.splitlines() if line[0] == "o"]
    assert error == ""
    assert steps == [
        "check",
        "list accounts",
        "list entitlements",
        "create",
        "update",
        "deactivate",
        "reactivate",
        "delete",
    ]
    assert {each.username for each in session.list_accounts()} == before
    assert secret not in written


def test_says_which_act_failed_and_what_the_app_answered_and_cleans_up(
    outside: Outside, session: Session, tmp_path: Path
) -> None:
    before = {each.username for each in session.list_accounts()}
    call = {"method": "PUT", "path": "/api/nothing/{id}", "body": "account"}
    file = changed(tmp_path, update_account=call)

    written, error = check(file, against=outside.base_url, username=USERNAME)

    assert "FAILED update: The app has no such account" in written
    assert "PUT /api/nothing/" in written
    assert "-> 404" in written
    assert "ok     delete: keyway-trial-" in written
    assert error == "Failed: update."
    assert {each.username for each in session.list_accounts()} == before


def test_says_that_the_password_is_wrong(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYWAY_TRIAL_SECRET", "wrong-word-7")

    written, error = check(DEMO, against=outside.base_url, username=USERNAME)

    assert "FAILED check: The app does not accept" in written
    assert error == "Failed: check."
    assert "wrong-word-7" not in written
