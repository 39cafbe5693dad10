"""What PostgreSQL's refusals mean. Appendix A of its manual: SQLSTATE codes."""

from __future__ import annotations

from integrations.connectors import failures
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.client import UNREACHABLE, UNTRUSTED
from integrations.connectors.failures import AccountGone

NO_DATABASE = (
    "The address of the app names no database of this server. Write it as in "
    "postgresql://db.example.com/postgres."
)
NOT_LET_IN = (
    "The app's database server lets nobody in from Keyway's address, or not by a "
    "password with SCRAM-SHA-256. Its administrator changes pg_hba.conf."
)
NO_TLS = (
    "The app's database server does not offer TLS, without which Keyway sends nothing "
    "there. Its administrator must switch ssl on."
)
STANDBY = (
    "The app at this address is a standby, which takes no changes. Enter the address "
    "of the primary server."
)
SUPERUSER = (
    "The service account is a superuser. Use a role with LOGIN and CREATEROLE and "
    "nothing more: Keyway needs no other right."
)
TOO_LONG = (
    "A role's name has at most 63 bytes in PostgreSQL. Give the user a shorter user "
    "name in your IdP."
)
NO_TIME = (
    "The user's end of validity is no date and time with a zone. Let your IdP send one "
    "such as 2027-01-31T00:00:00Z, or none."
)
RESERVED = "PostgreSQL keeps this user name for itself. Give the user another one."
STILL_OWNS = (
    "The app keeps the role, because it owns objects or has privileges. Keyway "
    "deactivated it. A superuser runs REASSIGN OWNED and DROP OWNED for it in each "
    "database, then retry."
)

FORBIDDEN = "42501"
OWNS_OBJECTS = "2BP01"

_ERRORS: dict[str, tuple[type[ConnectorError], str]] = {
    FORBIDDEN: (Misconfigured, failures.FORBIDDEN),
    "25006": (Misconfigured, STANDBY),
    "28000": (Misconfigured, NOT_LET_IN),
    "28P01": (Misconfigured, failures.REFUSED),
    "3D000": (Misconfigured, NO_DATABASE),
    "42704": (AccountGone, failures.GONE),
    "42710": (PermanentFailure, failures.TAKEN),
    "42939": (PermanentFailure, RESERVED),
    OWNS_OBJECTS: (PermanentFailure, STILL_OWNS),
    "55P03": (TemporaryFailure, failures.FAILED),
}
_TEMPORARY = ("08", "40", "53", "57", "58", "XX")
"""Classes: connection, rollback, resources, intervention, system, internal."""

_AT_CONNECT = (
    ("certificate", UNTRUSTED),
    ("does not match host name", UNTRUSTED),
    ("does not support ssl", NO_TLS),
    ("authentication method requirement", NOT_LET_IN),
    ("pg_hba.conf", NOT_LET_IN),
    ("is not permitted to log in", failures.REFUSED),
)
_BUSY = ("too many", "remaining connection slots", "starting up", "shutting down")


def error_for(sqlstate: str | None, words: str) -> ConnectorError:
    """Return the error that a refused statement becomes. `words` are the server's."""
    kind, message = _ERRORS.get(sqlstate or "", (None, ""))
    if kind is not None:
        return kind(message)
    if sqlstate is None or sqlstate.startswith(_TEMPORARY):
        return TemporaryFailure(failures.FAILED)
    return failures.refuses(words)


def error_at_connect(text: str, *, used_password: bool) -> ConnectorError:
    """Return the error that a failed connection becomes.

    The driver gives no SQLSTATE then, so that its text must tell. Where the text
    says nothing that is known, a server that was told the password refused it.
    """
    text = text.lower()
    for part, message in _AT_CONNECT:
        if part in text:
            return Misconfigured(message)
    if any(part in text for part in _BUSY):
        return TemporaryFailure(failures.FAILED)
    if 'database "' in text and "does not exist" in text:
        return Misconfigured(NO_DATABASE)
    if used_password:
        return Misconfigured(failures.REFUSED)
    return TemporaryFailure(UNREACHABLE)
