"""What the rules of phones refuse, in words for people."""

from __future__ import annotations


class PhoneError(Exception):
    """Root of these errors. `code` is for the page, the message for people."""

    code = "refused"
    status = 409

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotSigned(PhoneError):
    """The call is not signed by the key of this phone."""

    code = "signature"
    status = 401

    def __init__(self) -> None:
        super().__init__("This call is not signed with the key of this phone.")


class Replayed(PhoneError):
    """The nonce was used before."""

    code = "replayed"
    status = 401

    def __init__(self) -> None:
        super().__init__("This call was made before. Each counts once.")


class WrongTime(PhoneError):
    """The call was signed too long ago, or by a clock that is wrong."""

    code = "time"
    status = 401

    def __init__(self) -> None:
        super().__init__("The clock of this phone is wrong.")


class UnknownPhone(PhoneError):
    """There is no such phone, or not any more."""

    code = "unknown"
    status = 401

    def __init__(self) -> None:
        super().__init__("This phone was removed from your account.")


class NotUnderstood(PhoneError):
    """The body of the call is not what it should be."""

    code = "body"
    status = 422

    def __init__(self) -> None:
        super().__init__("This page and the gateway do not fit. Reload the page.")


class CodeOver(PhoneError):
    """The code of an enrolment is wrong, was used or has expired."""

    code = "code"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "This code is wrong, was used or has expired. Press Add your phone on "
            "your computer for a new one."
        )


class EnrolmentOver(PhoneError):
    """The enrolment has expired, or no phone took part in it yet."""

    code = "enrolment"

    def __init__(self) -> None:
        super().__init__("This has expired. Add your phone again.")


class NotAdded(PhoneError):
    """The phone is not confirmed yet, so it answers nothing."""

    code = "not_added"
    status = 403

    def __init__(self) -> None:
        super().__init__("Press Add on your computer first.")


class TooNew(PhoneError):
    """The phone confirms nothing in its first 24 hours."""

    code = "too_new"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "A phone confirms from 24 hours after it was added, so that nobody adds "
            "one to a stolen session. Use another way on your computer."
        )


class RequestOver(PhoneError):
    """The request was answered before, was cancelled or has expired."""

    code = "over"

    def __init__(self, how: str) -> None:
        super().__init__(f"This request {how}. Nothing was changed by your answer.")


class WrongNumber(PhoneError):
    """The number is not the one on the other screen; the request is denied."""

    code = "wrong_number"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "This is not the number on the other screen. The request was denied. "
            "Start again on your computer if you asked for it."
        )
