"""The demo app as a process of its own, seen and changed from behind its back.

Tests look into its database and at its log, so that what they find does not come
through the code that they test.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2

from integrations.demo_app.passwords import hash_password
from tests.real_apps.servers import free_port, running

USERNAME = "svc-keyway"
_REQUEST = re.compile(r'"([A-Z]+) (\S+) HTTP/1\.1" (\d{3})')
_TABLES = ("user", "user_group", "member", "session")


class Outside:
    """The demo app: start and stop it, look into it, change it by hand."""

    def __init__(self, folder: Path, *, password: str) -> None:
        self.password = password
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._data = folder / "demo.sqlite3"
        self._log = folder / "server.log"
        self._process = ExitStack()
        self._seen = 0
        self.start()
        self._seeds = {name: self._rows(f"SELECT * FROM {name}") for name in _TABLES}

    def start(self) -> None:
        """Run the process until `stop`."""
        self._process.enter_context(
            running(
                [
                    *(sys.executable, "-m", "integrations.demo_app", "--faults"),
                    *("--port", str(self.port), "--data", str(self._data)),
                ],
                ready_url=f"{self.base_url}/healthz",
                env={"DEMO_APP_SERVICE_PASSWORD": self.password},
                log=self._log,
            )
        )
        self._seen = 0

    def stop(self) -> None:
        """Take the app down. Its data stays."""
        self._process.close()

    @property
    def is_up(self) -> bool:
        try:
            return httpx2.get(f"{self.base_url}/healthz", trust_env=False).is_success
        except httpx2.TransportError:
            return False

    def reset(self) -> None:
        """Bring back the seeds, and forget what was asked."""
        if not self.is_up:
            self.stop()
            self.start()
        self.fault("none")
        with closing(self._connect()) as db, db:
            for name in reversed(_TABLES):
                db.execute(f"DELETE FROM {name}")
            for name in _TABLES:
                self._insert(db, name, self._seeds[name])
        self.forget()

    def fault(self, mode: str, **document: object) -> None:
        """Make the API fail as `integrations.demo_app.faults` says."""
        answer = httpx2.post(
            f"{self.base_url}/api/faults",
            json={"mode": mode, **document},
            trust_env=False,
        )
        assert answer.status_code == 204

    # What was asked of it

    def forget(self) -> None:
        """Count requests from here on."""
        self._seen = len(self._log.read_bytes())

    def requests(self) -> list[tuple[str, str, int]]:
        """Return method, path and status of every call of the API."""
        text = self._log.read_bytes()[self._seen :].decode()
        return [
            (method, path, int(status))
            for method, path, status in _REQUEST.findall(text)
            if path.startswith("/api/") and path != "/api/faults"
        ]

    def writes(self) -> list[str]:
        """Return the calls that may change something: `PATCH /api/users/7`."""
        return [
            f"{method} {path}"
            for method, path, _ in self.requests()
            if method != "GET" and path != "/api/session"
        ]

    # What is in it

    def users(self) -> dict[str, dict[str, Any]]:
        """Return the users by login."""
        rows = self._rows("SELECT * FROM user ORDER BY id")
        return {row["login"]: row for row in rows}

    def user(self, login: str) -> dict[str, Any]:
        """Return one user. Raises KeyError."""
        return self.users()[login]

    def members(self, group: str) -> set[str]:
        """Return the logins of a group's members."""
        rows = self._rows(
            "SELECT login FROM user JOIN member ON user_id = user.id "
            "JOIN user_group ON user_group.id = group_id WHERE name = ?",
            group,
        )
        return {row["login"] for row in rows}

    # What somebody does in it by hand

    def add_user(self, login: str, /, **columns: object) -> None:
        """Add a user."""
        with closing(self._connect()) as db, db:
            self._insert(db, "user", [{"login": login, "email": login, **columns}])

    def change_user(self, login: str, /, **columns: object) -> None:
        """Change columns of a user."""
        sets = ", ".join(f"{name} = ?" for name in columns)
        self._execute(
            f"UPDATE user SET {sets} WHERE login = ?", *columns.values(), login
        )

    def remove_user(self, login: str) -> None:
        """Delete a user."""
        self._execute("DELETE FROM user WHERE login = ?", login)

    def add_member(self, group: str, login: str) -> None:
        """Put a user in a group."""
        self._execute(
            "INSERT INTO member SELECT user_group.id, user.id FROM user_group, user "
            "WHERE name = ? AND login = ?",
            group,
            login,
        )

    def remove_member(self, group: str, login: str) -> None:
        """Take a user out of a group."""
        self._execute(
            "DELETE FROM member WHERE group_id = (SELECT id FROM user_group WHERE "
            "name = ?) AND user_id = (SELECT id FROM user WHERE login = ?)",
            group,
            login,
        )

    def add_group(self, name: str) -> None:
        """Add a group."""
        self._execute("INSERT INTO user_group (name) VALUES (?)", name)

    def remove_group(self, name: str) -> None:
        """Delete a group."""
        self._execute("DELETE FROM user_group WHERE name = ?", name)

    def set_service_password(self, password: str) -> None:
        """Give the service account another password; its sessions end."""
        self._execute("DELETE FROM session")
        self.change_user(USERNAME, password=hash_password(password))

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._data, timeout=10)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = ON")
        return db

    def _execute(self, sql: str, *values: object) -> None:
        with closing(self._connect()) as db, db:
            db.execute(sql, values)

    def _rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        with closing(self._connect()) as db:
            return [dict(row) for row in db.execute(sql, values)]

    @staticmethod
    def _insert(
        db: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]
    ) -> None:
        for row in rows:
            marks = ", ".join("?" * len(row))
            db.execute(
                f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})",
                list(row.values()),
            )
