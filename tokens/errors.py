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


class LivesTooLong(TokenError):
    """The chosen lifetime is longer than the workspace allows."""

    def __init__(self, longest: str) -> None:
        super().__init__(
            f"The token policy of this workspace lets a token live at most {longest}. "
            "Choose a shorter time, or ask an Owner to change the policy."
        )


class OverlapTooLong(TokenError):
    """The old token would live on for longer than the workspace allows."""

    def __init__(self, hours: int) -> None:
        most = f"at most {hours} h beside" if hours else "not at all beside"
        super().__init__(
            f"The token policy of this workspace lets a replaced token live on {most} "
            "its successor. Choose a shorter time, or ask an Owner to change the policy."
        )
