"""What a token is worth now: the one function that says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

EXPIRING = timedelta(days=30)
"""An active token says so when less than this is left."""


class TokenState(StrEnum):
    """What a token is worth now."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REVOKED = "revoked"
    OWNER_INACTIVE = "owner_inactive"

    @property
    def label(self) -> str:
        """What people read."""
        return self.value.replace("_", " ").capitalize()

    @property
    def is_live(self) -> bool:
        """Whether a token in this state authenticates."""
        return self in {TokenState.ACTIVE, TokenState.EXPIRING}


def token_state(
    *,
    revoked_at: datetime | None,
    expires_at: datetime | None,
    is_replaced: bool,
    overlap_ends_at: datetime | None,
    is_owner_active: bool,
    now: datetime,
) -> TokenState:
    """Return the state at `now`, which must come from the database's clock."""
    if revoked_at is not None:
        return TokenState.REVOKED
    if expires_at is not None and expires_at <= now:
        return TokenState.EXPIRED
    if is_replaced and (overlap_ends_at is None or overlap_ends_at <= now):
        return TokenState.REPLACED
    if not is_owner_active:
        return TokenState.OWNER_INACTIVE
    ends_at = overlap_ends_at or expires_at
    if ends_at is not None and ends_at - now < EXPIRING:
        return TokenState.EXPIRING
    return TokenState.ACTIVE
