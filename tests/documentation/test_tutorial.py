"""docs/tutorial.md, typed into a shell beside what `make run` starts."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.documentation.pages import DOCS, ROOT, Shell, blocks, require
from tests.operations import processes
from tests.real_apps.servers import free_port, running

SECONDS_TO_START = 120
SECONDS_TO_STOP = 30
SECONDS_TO_WORK = 60


@dataclass(frozen=True, slots=True)
class Started:
    """What `make run` started: its folder, and what its screen says."""

    folder: Path
    screen: str
    env: dict[str, str]

    def said(self, pattern: str) -> str:
        return found(pattern, self.screen)

    def is_in_the_app(self, last_name: str, *, active: bool) -> bool:
        """Say whether the demo app has somebody of this name, active or not."""
        with closing(sqlite3.connect(self.folder / "demo-app.sqlite3")) as data:
            query = "SELECT 1 FROM user WHERE last_name = ? AND active = ?"
            return data.execute(query, [last_name, active]).fetchone() is not None


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


@pytest.fixture
def started(transactional_db: None, tmp_path: Path) -> Iterator[Started]:
    port = free_port()
    url = f"http://localhost:{port}"
    env = processes.environment(
        KEYWAY_PUBLIC_URL=url, KEYWAY_VAR_DIR=str(tmp_path), PORT=str(port)
    )
    log = tmp_path / "screen"
    with running(
        [sys.executable, "manage.py", "run_local"],
        ready_url=f"{url}/healthz",
        is_ready=lambda _status: "Ctrl-C stops everything" in log.read_text(),
        env=env,
        log=log,
        seconds=SECONDS_TO_START,
        stop_seconds=SECONDS_TO_STOP,
    ):
        yield Started(tmp_path, log.read_text(), env)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what the worker does in the background."""
    ends_at = time.monotonic() + SECONDS_TO_WORK
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def log_in(started: Started) -> httpx2.Response:
    """Log in to the portal as the screen says."""
    url = started.said(r"Portal +(\S+)")
    with httpx2.Client(base_url=url, trust_env=False) as browser:
        form = browser.get("/login/").text
        return browser.post(
            "/login/",
            data={
                "username": started.said(r"Log in as +(\S+)"),
                "password": started.said(r"Password +(\S+)"),
                "csrfmiddlewaretoken": found(
                    r'csrfmiddlewaretoken" value="(\w+)', form
                ),
            },
        )


@pytest.mark.real_app
def test_every_step_of_the_tutorial_does_what_it_says(started: Started) -> None:
    require("curl")
    _make_run, generate, joins, status, leaves, lists = blocks(
        DOCS / "tutorial.md", "sh"
    )
    manage = f"{sys.executable} {ROOT / 'manage.py'}"
    stand_for = {".venv/bin/python manage.py": manage}
    shell = Shell(started.folder, stand_for, started.env)

    shown = shell.run(generate)
    shell.stand_for["URL"] = found(r"SCIM Gateway URL +(\S+)", shown)
    shell.stand_for["TOKEN"] = found(r"Token +(\S+)", shown)
    assert shell.stand_for["URL"].startswith(started.said(r"Portal +(\S+)"))
    assert "keyway_session" in log_in(started).cookies

    shown = shell.run(joins)
    assert "Engineering" in shown
    assert shown.endswith("Done. The person is in the directory; the app follows.\n")
    wait_until(lambda: started.is_in_the_app("Novak", active=True))
    wait_until(lambda: "Onboarded" in shell.run(status))

    shell.run(leaves)
    wait_until(lambda: started.is_in_the_app("Novak", active=False))

    listed = json.loads(shell.run(lists))
    assert len(listed["Resources"]) == 3
    assert listed["totalResults"] > 3
