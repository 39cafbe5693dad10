"""What the demo app knows: users, groups and sessions in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integrations.demo_app.web import JSON, Refusal

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE COLLATE NOCASE,
    email TEXT NOT NULL DEFAULT '',
    first_name TEXT NOT NULL DEFAULT '',
    last_name TEXT NOT NULL DEFAULT '',
    display_name TEXT NOT NULL DEFAULT '',
    active INTEGER NOT NULL DEFAULT 1,
    external_ref TEXT NOT NULL DEFAULT '',
    fields TEXT NOT NULL DEFAULT '{}',
    is_admin INTEGER NOT NULL DEFAULT 0,
    password TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS user_group (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE
);
CREATE TABLE IF NOT EXISTS member (
    group_id INTEGER NOT NULL REFERENCES user_group ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE TABLE IF NOT EXISTS session (
    digest TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    expires_at REAL NOT NULL
);
"""

_USER = """
SELECT user.*, (SELECT group_concat(group_id) FROM member WHERE user_id = user.id)
    AS groups
FROM user
"""

_MATCHES = """
(:login IS NULL OR login = :login)
AND (login LIKE :like ESCAPE '\\' OR email LIKE :like ESCAPE '\\'
     OR first_name || ' ' || last_name LIKE :like ESCAPE '\\'
     OR display_name LIKE :like ESCAPE '\\')
"""

WRITABLE = ("login", "email", "first_name", "last_name", "display_name")


@dataclass(frozen=True, slots=True)
class User:
    """A user of the demo app."""

    id: int
    login: str
    email: str
    first_name: str
    last_name: str
    display_name: str
    active: bool
    external_ref: str
    fields: dict[str, JSON]
    """What this customer keeps beside the usual."""

    is_admin: bool
    password: str
    groups: tuple[int, ...]

    @property
    def full_name(self) -> str:
        """The name that people see."""
        names = f"{self.first_name} {self.last_name}".strip()
        return self.display_name or names or self.login


@dataclass(frozen=True, slots=True)
class Group:
    """A group, and how many members it has."""

    id: int
    name: str
    size: int


class Store:
    """The SQLite file. A connection lives as long as one request or transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._transaction() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
            columns = {row["name"] for row in db.execute("PRAGMA table_info(user)")}
            if "fields" not in columns:
                # A file of an earlier version.
                db.execute("ALTER TABLE user ADD fields TEXT NOT NULL DEFAULT '{}'")

    def is_empty(self) -> bool:
        """Return whether nobody has an account yet."""
        with self._transaction() as db:
            return db.execute("SELECT 1 FROM user").fetchone() is None

    def users(
        self, *, search: str = "", login: str | None = None, page: int, size: int
    ) -> tuple[int, list[User]]:
        """Return how many users match, and one page of them by id. 1-based."""
        escaped = search.translate({ord(c): f"\\{c}" for c in "\\%_"})
        values = {"login": login, "like": f"%{escaped}%"}
        part = {"size": size, "offset": (page - 1) * size}
        with self._transaction() as db:
            count = f"SELECT count(*) FROM user WHERE {_MATCHES}"
            total: int = db.execute(count, values).fetchone()[0]
            rows = db.execute(
                f"{_USER} WHERE {_MATCHES} ORDER BY id LIMIT :size OFFSET :offset",
                values | part,
            )
            return total, [_user(row) for row in rows]

    def user(self, user_id: int) -> User:
        """Return one user. Raises Refusal 404 if there is none."""
        with self._transaction() as db:
            row = db.execute(f"{_USER} WHERE id = ?", [user_id]).fetchone()
        if row is None:
            raise Refusal(404, "no_such_user", "This user does not exist.")
        return _user(row)

    def user_named(self, login: str) -> User | None:
        """Return the user with this login, in any case."""
        _, found = self.users(login=login, page=1, size=1)
        return found[0] if found else None

    def create_user(self, values: dict[str, JSON]) -> User:
        """Add a user. Raises Refusal 409 if the login is taken."""
        columns = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        with self._transaction() as db, _unique("This login is taken."):
            row = db.execute(
                f"INSERT INTO user ({columns}) VALUES ({marks}) RETURNING id",
                _as_columns(values),
            ).fetchone()
        return self.user(row["id"])

    def update_user(self, user_id: int, values: dict[str, JSON]) -> User:
        """Change columns of a user. One who is deactivated loses all sessions."""
        self.user(user_id)
        changes = ", ".join(f"{name} = :{name}" for name in values)
        with self._transaction() as db, _unique("This login is taken."):
            if changes:
                statement = f"UPDATE user SET {changes} WHERE id = :id"
                db.execute(statement, _as_columns(values) | {"id": user_id})
            if values.get("active") is False:
                db.execute("DELETE FROM session WHERE user_id = ?", [user_id])
        return self.user(user_id)

    def delete_user(self, user_id: int) -> None:
        """Delete a user with all memberships and sessions."""
        self.user(user_id)
        with self._transaction() as db:
            db.execute("DELETE FROM user WHERE id = ?", [user_id])

    def groups(self) -> list[Group]:
        """Return every group, by name."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT user_group.id, name, count(user_id) AS size FROM user_group "
                "LEFT JOIN member ON group_id = user_group.id GROUP BY user_group.id ORDER BY name"
            )
            return [Group(**row) for row in rows]

    def group(self, group_id: int) -> Group:
        """Return one group. Raises Refusal 404 if there is none."""
        for group in self.groups():
            if group.id == group_id:
                return group
        raise Refusal(404, "no_such_group", "This group does not exist.")

    def create_group(self, name: str) -> Group:
        """Add a group. Raises Refusal 409 if the name is taken."""
        with self._transaction() as db, _unique("This name is taken."):
            sql = "INSERT INTO user_group (name) VALUES (?) RETURNING id"
            row = db.execute(sql, [name]).fetchone()
        return self.group(row["id"])

    def members(self, group_id: int) -> list[User]:
        """Return the members of a group, by login."""
        with self._transaction() as db:
            rows = db.execute(
                f"{_USER} JOIN member ON user_id = id WHERE group_id = ? ORDER BY login",
                [group_id],
            )
            return [_user(row) for row in rows]

    def add_member(self, group_id: int, user_id: int) -> None:
        """Put a user in a group, unless already there."""
        self.group(group_id)
        self.user(user_id)
        with self._transaction() as db:
            sql = "INSERT OR IGNORE INTO member (group_id, user_id) VALUES (?, ?)"
            db.execute(sql, [group_id, user_id])

    def remove_member(self, group_id: int, user_id: int) -> None:
        """Take a user out of a group, if there."""
        self.group(group_id)
        with self._transaction() as db:
            sql = "DELETE FROM member WHERE group_id = ? AND user_id = ?"
            db.execute(sql, [group_id, user_id])

    def open_session(self, user: User, *, seconds: int) -> str:
        """Return a new token for this user; only its digest is kept."""
        token = secrets.token_urlsafe(32)
        row = [_digest(token), user.id, time.time() + seconds]
        with self._transaction() as db:
            db.execute("DELETE FROM session WHERE expires_at < ?", [time.time()])
            db.execute("INSERT INTO session VALUES (?, ?, ?)", row)
        return token

    def session_user(self, token: str) -> User | None:
        """Return the active user to whom a live token belongs."""
        with self._transaction() as db:
            row = db.execute(
                f"{_USER} JOIN session ON user_id = user.id "
                "WHERE digest = ? AND expires_at > ? AND active",
                [_digest(token), time.time()],
            ).fetchone()
        return _user(row) if row else None

    def close_session(self, token: str) -> None:
        """Make a token worthless."""
        with self._transaction() as db:
            db.execute("DELETE FROM session WHERE digest = ?", [_digest(token)])

    def close_all_sessions(self) -> None:
        """Make every token worthless."""
        with self._transaction() as db:
            db.execute("DELETE FROM session")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=10)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = ON")
        try:
            with db:
                yield db
        finally:
            db.close()


@contextmanager
def _unique(message: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Refusal(409, "duplicate", message) from error


def _as_columns(values: dict[str, JSON]) -> dict[str, JSON]:
    """Return values as their columns keep them: `fields` as text."""
    kept = {"fields": json.dumps(values["fields"])} if "fields" in values else {}
    return {**values, **kept}


def _user(row: sqlite3.Row) -> User:
    groups = sorted(
        int(number) for number in (row["groups"] or "").split(",") if number
    )
    values = {name: row[name] for name in User.__slots__ if name != "groups"}
    values |= {"fields": json.loads(row["fields"])}
    values |= {"active": bool(row["active"]), "is_admin": bool(row["is_admin"])}
    return User(**values, groups=tuple(groups))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
