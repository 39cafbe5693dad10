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


class TokenReplaced(TokenError):
    """The token has a successor already, made by somebody else or a moment ago."""

    def __init__(self, successor: ScimToken) -> None:
        super().__init__(
            f"This token was replaced already, by {successor.name}. Its value was "
            "shown once. Generate a new token to replace it."
        )
        self.successor = successor


class TokenNotActive(TokenError):
    """The token has ended: revoked, expired or replaced."""


class TooShort(TokenError):
    """The chosen lifetime is over already."""

    def __init__(self) -> None:
        super().__init__(
            "The token would have expired already. Choose a longer time, or revoke it."
        )


class NotRevealable(TokenError):
    """The value of the token is not kept, or the token has ended."""


class OnlyOwners(TokenError):
    """The rule is for Owners to set."""

    def __init__(self) -> None:
        super().__init__("Only an Owner can say when tokens can be seen.")
