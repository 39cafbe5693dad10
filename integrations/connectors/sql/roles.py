"""Roles of a PostgreSQL server: which ones Keyway sees, and what it notes on them.

An account is a role with LOGIN, or one that Keyway deactivated: a role's comment
says so, and holds what PostgreSQL has no column for::

    {"keyway": {"external_ref": "…", "email": "…", …}, "comment": "the one before"}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.connectors.base import PermanentFailure
from integrations.connectors.sql.answers import NO_TIME
from integrations.connectors.sql.blueprint import KIND
from integrations.desired import JSON, DesiredAccount, ObservedAccount

_MARK = '{"keyway": '
_NOTED = ("external_ref", "email", "given_name", "family_name", "display_name")
_COMMENT = "pg_catalog.shobj_description(r.oid, 'pg_authid')"
_NEVER = r"r.rolsuper OR r.rolreplication OR r.rolname LIKE 'pg\_%%'"
_IS_MARKED = f"coalesce({_COMMENT}, '') LIKE %(mark)s"
_IS_GROUP = f"""
    NOT (r.rolcanlogin OR r.rolcreaterole OR r.rolbypassrls OR {_NEVER})
    AND NOT {_IS_MARKED} AND r.rolname LIKE ANY (%(grantable)s)
"""

MARK = f"{_MARK}%"

ACCOUNTS = f"""
SELECT r.oid::bigint, r.rolname, r.rolcanlogin, {_COMMENT},
    ARRAY(SELECT DISTINCT m.roleid::bigint FROM pg_auth_members m
          WHERE m.member = r.oid AND m.roleid = ANY (%(groups)s::bigint[])),
    CASE WHEN isfinite(r.rolvaliduntil) THEN
        to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END
FROM pg_roles r
WHERE NOT ({_NEVER}) AND r.rolname <> current_user
    AND (r.rolcanlogin OR {_IS_MARKED})
"""
"""Superusers, roles of the system and our own role are no accounts."""

GROUPS = f"SELECT r.oid::bigint, r.rolname FROM pg_roles r WHERE {_IS_GROUP}"

RIGHTS = """
SELECT r.rolsuper, r.rolcreaterole, pg_is_in_recovery()
FROM pg_roles r WHERE r.rolname = current_user
"""

END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usesysid = %(oid)s::oid AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Role:
    """A role that is an account, as the server has it."""

    oid: int
    name: str
    can_log_in: bool
    comment: str
    groups: frozenset[int]
    valid_until: str = ""
    """In UTC, such as 2027-01-31T00:00:00Z; empty if its password has no end."""

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Role:
        """Return the role of a row of ACCOUNTS."""
        oid, name, can_log_in, comment, groups, until = row
        return cls(oid, name, can_log_in, comment or "", frozenset(groups), until or "")

    @property
    def is_marked(self) -> bool:
        """Whether it stays an account when it cannot log in."""
        return self.comment.startswith(_MARK)

    def as_account(self, valid_until: str = "") -> ObservedAccount:
        """Return the account in the words of the port.

        `valid_until` is the attribute that tells when its password ends, if one does.
        """
        noted: dict[str, Any] = _read(self.comment)
        told: dict[str, JSON] | None = None
        if valid_until:
            told = {valid_until: self.valid_until} if self.valid_until else {}
        return ObservedAccount(
            external_id=str(self.oid),
            username=self.name,
            active=self.can_log_in,
            entitlements=frozenset((KIND, str(group)) for group in self.groups),
            attributes=told,
            **{name: noted.get(name, "") for name in _NOTED if name != "external_ref"},
        )

    def comment_for(self, account: DesiredAccount | None) -> str:
        """Return the comment that the role should have.

        What the IdP does not say stays as it is; a comment that somebody else wrote
        is kept inside. None only marks the role as an account.
        """
        noted = _read(self.comment)
        if account is not None:
            told = {name: getattr(account, name) for name in _NOTED}
            noted |= {name: text for name, text in told.items() if text}
        document: dict[str, Any] = {"keyway": noted}
        before = _before(self.comment)
        if before:
            document["comment"] = before
        return json.dumps(document)


def end_of(value: JSON) -> str:
    """Return a time of the IdP as Role.valid_until has it. Raises PermanentFailure."""
    if value in (None, ""):
        return ""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise PermanentFailure(NO_TIME) from None
    if at.tzinfo is None:
        raise PermanentFailure(NO_TIME)
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _parsed(comment: str) -> dict[str, Any]:
    if not comment.startswith(_MARK):
        return {}
    try:
        document = json.loads(comment)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _read(comment: str) -> dict[str, str]:
    noted = _parsed(comment).get("keyway")
    if not isinstance(noted, dict):
        return {}
    return {k: v for k, v in noted.items() if k in _NOTED and isinstance(v, str)}


def _before(comment: str) -> str:
    document = _parsed(comment)
    if not document:
        return comment
    before = document.get("comment")
    return before if isinstance(before, str) else ""
