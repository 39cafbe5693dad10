"""Why a token could not be made or changed."""

from __future__ import annotations

from tokens.models import ScimToken


class TokenError(Exception):
    """Root of the errors of this app. Its text is for people."""


class TokenExists(TokenError):
    """The directory already has a live token."""

    def __init__(self, existing: ScimToken) -> None:
        super().__init__(
            f"A token exists already: {existing.name}. Its value was shown once. "
            "Generate a new token to replace it."
        )
        self.existing = existing


class TokenNotActive(TokenError):
    """The token has been revoked already."""
