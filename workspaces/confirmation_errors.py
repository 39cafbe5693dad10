"""Why an identity is not confirmed, in words for people."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why a confirmation does not serve, for the audit log."""

    NONE = "none"
    REPLAYED = "replayed"
    NOT_APPROVED = "not approved"
    FOREIGN = "of another person, session, action or subject"
    CHANGED = "password, factor or role changed since"
    NO_RIGHT = "role does not allow it"
    NO_FACTOR = "no factor that may confirm"
    LIMIT = "too many attempts"


class ConfirmationError(Exception):
    """Root of these errors. The text is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotConfirmed(ConfirmationError):
    """The action has no confirmation that serves it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__("This needs a confirmation of your identity.")
        self.reason = reason


class NotPending(ConfirmationError):
    """It was decided before, has expired, or is of another session."""

    def __init__(self) -> None:
        super().__init__("This confirmation is over. Start again.")


class WrongCode(ConfirmationError):
    """The code is wrong or was used before; `left` tries remain."""

    def __init__(self, left: int) -> None:
        tries = "1 try" if left == 1 else f"{left} tries"
        super().__init__(
            "This code is wrong, or it was used before. Enter the one that is shown "
            f"now. {tries} left."
        )
        self.left = left


class WrongPasskey(ConfirmationError):
    """The passkey did not sign what was asked, or may not confirm yet."""

    def __init__(self) -> None:
        super().__init__(
            "The passkey was not accepted. Try again, or try another way. A passkey "
            "confirms from 24 hours after it was added."
        )


class TooManyAttempts(ConfirmationError):
    """The person or the factor must wait until `retry_at`."""

    def __init__(self, retry_at: datetime) -> None:
        super().__init__("Too many attempts.")
        self.retry_at = retry_at
