"""Bring everything under the keys in use, and say which former key can go.

Reads and writes go on meanwhile. Each value is one conditional update, so a run
that was killed is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from workspaces import audit, audit_chain, sealed
from workspaces.key_ring import in_use
from workspaces.models import AuditEvent, Invitation
from workspaces.secrets import UnreadableSecret

ENCRYPTION, TOKENS = "KEYWAY_ENCRYPTION_KEYS", "KEYWAY_TOKEN_KEYS"
RINGS = (ENCRYPTION, TOKENS)
SHORT_LIVED = timedelta(hours=1)
"""Codes and confirmations, which do not name their key, all end within this time."""

Uses = Callable[[int, datetime], str]
_uses: list[Uses] = []


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many values of a column were sealed anew, and how many cannot be read."""

    label: str
    renewed: int
    unreadable: int


def register_use(use: Uses) -> None:
    """Let an app say what still needs a token key; an empty text: nothing."""
    if use not in _uses:
        _uses.append(use)


def note_keys_in_use() -> None:
    """Write into the audit log which keys are in use, once for each."""
    for ring in RINGS:
        number = in_use(_ring(ring))
        if since(ring, number) is None:
            audit.record(
                audit.Keys.IN_USE,
                workspace=None,
                actor=None,
                data={"ring": ring, "key": number},
            )


def since(ring: str, number: int) -> datetime | None:
    """Return since when a key is known to be in use."""
    events = AuditEvent.objects.filter(
        workspace=None, action=audit.Keys.IN_USE, data__ring=ring, data__key=number
    )
    first = events.order_by("id").first()
    return first.at if first else None


def outdated() -> int:
    """Return how many values are not under the encryption key in use."""
    return sum(column.waiting().count() for column in sealed.columns())


def seal_anew(told: Callable[[int], None] = lambda _count: None) -> list[Rotated]:
    """Seal every value under the encryption key in use.

    `told` hears after each value how many of its column are done.
    """
    return [_seal_column(column, told) for column in sealed.columns()]


def _seal_column(column: sealed.SealedColumn, told: Callable[[int], None]) -> Rotated:
    renewed = unreadable = 0
    for row in column.outdated():
        try:
            renewed += column.seal_again(row)
        except UnreadableSecret:
            unreadable += 1
        told(renewed)
    return Rotated(column.label, renewed, unreadable)


def sign_anew() -> int:
    """Sign the kept ends of pruned audit logs with the key in use. Returns how many."""
    return audit_chain.sign_pruned_anew()


def reasons_to_keep(ring: str, number: int, *, now: datetime) -> list[str]:
    """Return what still needs a key of a ring; nothing if it can go.

    Raises LookupError if the ring has no such key.
    """
    keys = _ring(ring)
    if number not in keys:
        raise LookupError(f"{ring} has no key {number}.")
    if number == in_use(keys):
        return [f"Key {number} is in use. Add another one first."]
    if ring == ENCRYPTION:
        return [
            f"{count} values of {column.label} are sealed with it."
            for column in sealed.columns()
            if (count := column.under(number).count())
        ]
    return _reasons_of_tokens(number, now)


def _reasons_of_tokens(number: int, now: datetime) -> list[str]:
    start = since(TOKENS, in_use(settings.KEYWAY_TOKEN_KEYS))
    if start is None:
        return ["The present key has not been noted. Run rotate_keys first."]
    reasons = [told for use in _uses if (told := use(number, now))]
    if now - start < SHORT_LIVED:
        reasons.append("Codes and confirmations of the last hour may need it.")
    links = Invitation.objects.open().filter(sent_at__lt=start, expires_at__gt=now)
    if count := links.count():
        reasons.append(f"{count} open invitations may need it until they expire.")
    signed = audit_chain.pruned_under(number)
    if signed:
        reasons.append(f"{signed} pruned audit logs are signed with it.")
    return reasons


def _ring(name: str) -> Mapping[int, bytes]:
    ring: Any = getattr(settings, name)
    return ring
