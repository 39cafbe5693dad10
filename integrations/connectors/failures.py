"""What every connector says of the same failure, in the same words."""

from __future__ import annotations

from integrations.connectors.base import PermanentFailure

LOGIN_WORDS = "user name and password"


def refusal(credentials: str) -> str:
    """Return what is said when the app does not take what Keyway logs in with."""
    return (
        f"The app does not accept the service account's {credentials}. Enter the "
        "present ones, and check that the account is not locked."
    )


REFUSED = refusal(LOGIN_WORDS)
FORBIDDEN = (
    "The service account lacks the right to do this in the app. Give it the app's "
    "admin role."
)
GONE = "The app has no such account or entitlement any more. Run a sync."
TAKEN = "The app already has an account with this user name or email address."
TWO_OF_A_NAME = "The app has more than one account with this user name."
FAILED = "The app failed on its side. Keyway tries again."
SESSION_REFUSED = (
    "The app accepts the service account's password and then refuses its session. "
    "Check the account's rights, and that it is not locked."
)
UNEXPECTED = (
    "The app's answer does not hold what its manifest says. The app may have "
    "changed, or be of another version."
)
UNFIT = (
    "The account holds a value that the app's address or headers cannot carry: it "
    "is empty, or holds characters that are not allowed there."
)
UNWORKABLE = (
    "The app's manifest cannot be applied to this account. It expects a value of "
    "another kind."
)
INCOMPLETE = (
    "The app's list is not complete: it gave another number of entries than it "
    "counts. Nothing is concluded from it, and Keyway tries again."
)
CHANGED = "The app's list changed while it was read. Keyway tries again."
ENDLESS = (
    "The app gives the same entries again for each page of its list. Its manifest "
    "does not fit it."
)
ITS_OWN_ACCOUNT = (
    "This is the account with which Keyway works in the app, so Keyway does not "
    "change it. Use a service account that is no person's."
)


class AccountGone(PermanentFailure):
    """The app no longer has the account, or the entitlement, of a call."""


def refuses(words: str) -> PermanentFailure:
    """Return the error for a change that the app refuses, with its own words."""
    said = f" It says: “{words}”" if words else ""
    return PermanentFailure(f"The app refuses this change.{said}")
