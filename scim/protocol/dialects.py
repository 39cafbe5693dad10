"""Whose habits a request shows."""

from __future__ import annotations

from enum import StrEnum

from scim.protocol.tolerances import Tolerance


class Dialect(StrEnum):
    """A kind of provisioning client."""

    OKTA = "okta"
    ENTRA = "entra"
    GOOGLE = "google"
    GENERIC = "generic"


_USER_AGENTS = (
    ("okta", Dialect.OKTA),
    ("microsoft", Dialect.ENTRA),
    ("azure", Dialect.ENTRA),
    ("entra", Dialect.ENTRA),
    ("google", Dialect.GOOGLE),
)
_ENTRA_HABITS = {
    Tolerance.MANAGER_SHAPE,
    Tolerance.PATHS_IN_VALUE,
    Tolerance.REMOVE_WITHOUT_PATH,
}


def recognise(user_agent: str, tolerances: set[Tolerance]) -> Dialect:
    """Return the client that a request comes from, by its name or its habits."""
    name = user_agent.lower()
    for part, dialect in _USER_AGENTS:
        if part in name:
            return dialect
    if tolerances & _ENTRA_HABITS:
        return Dialect.ENTRA
    return Dialect.GENERIC
