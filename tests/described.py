"""Every audit event of a test holds the details that the reference names, no other."""

from __future__ import annotations

from functools import cache

from workspaces import audit, audit_reference
from workspaces.models import AuditEvent


class UndescribedDetails(AssertionError):
    """An event holds more than the text below its action says."""


@cache
def _details() -> dict[str, frozenset[str]]:
    return {
        each.action: each.details
        for kind in audit.enumerations()
        for each in audit_reference.described(kind)
    }


def require_described(event: AuditEvent) -> None:
    """Raise UndescribedDetails if the event holds a detail without a description."""
    if more := set(event.data) - _details()[event.action]:
        names = ", ".join(sorted(more))
        raise UndescribedDetails(f"Say below {event.action} what these are: {names}.")
