"""What can happen to a token, for the audit log."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Actions on tokens."""

    GENERATED = "tokens.scim_token.generated"
    REVOKED = "tokens.scim_token.revoked"
