"""The port between Keyway and an outside app.

A connector is stateless and idempotent: every call says what should be true,
and a call that finds it true already succeeds. It raises one of three errors
and nothing else::

    ConnectorError
    ├── TemporaryFailure   the app is down, slow or asks to wait: try again later
    ├── PermanentFailure   the app refuses this very change: a person must look
    └── Misconfigured      address, login or rights are wrong: nothing will work

Each message is one or two sentences for an admin: what happened, whose side it
is on, what to do. It holds no secret and no raw answer of the app.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol, runtime_checkable

from integrations.connectors.exchange import Observe, unobserved
from integrations.desired import (
    Connection,
    DesiredAccount,
    Entitlement,
    ObservedAccount,
)


class ConnectorError(Exception):
    """Why a call to an outside app did not do what was asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TemporaryFailure(ConnectorError):
    """The same call may succeed later; `retry_after` is the app's own wish."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentFailure(ConnectorError):
    """The same call will fail again until the data changes."""


class Misconfigured(ConnectorError):
    """No call will succeed until somebody mends the integration or the app."""


class Session(Protocol):
    """A logged-in conversation with one app. Every method may raise ConnectorError."""

    def reach(self) -> None:
        """Return if anything answers at the app's address. Logs nobody in."""

    def log_in(self) -> None:
        """Return if the app takes the service account's user name and password."""

    def check(self) -> None:
        """Return if the app is reachable and the service account has its rights."""

    def list_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account of the app, inactive ones too, page by page."""

    def list_entitlements(self) -> Iterator[Entitlement]:
        """Yield every group and role that an account of the app can hold."""

    def get_account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key, or None if the app has none."""

    def find_account(self, username: str) -> ObservedAccount | None:
        """Return the account with exactly this name, or None if the app has none."""

    def create_account(self, account: DesiredAccount) -> ObservedAccount:
        """Make the account. Raises PermanentFailure if its name is taken."""

    def update_account(self, external_id: str, account: DesiredAccount) -> None:
        """Give the account the desired names and attributes; not its activity."""

    def deactivate_account(self, external_id: str) -> None:
        """Make sure that the account cannot log in. Keeps the account."""

    def reactivate_account(self, external_id: str) -> None:
        """Let the account log in again."""

    def delete_account(self, external_id: str) -> None:
        """Make sure that the account is gone; one that is gone already is fine."""

    def grant(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account holds the entitlement."""

    def revoke(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account does not hold the entitlement."""

    def close(self) -> None:
        """End the conversation and free its connections. Never raises."""


@runtime_checkable
class TellsLimits(Protocol):
    """A session that learns from the app itself what it cannot do."""

    def limits(self) -> list[str]:
        """Return what the app cannot, a sentence each. May raise ConnectorError."""


class Connector(Protocol):
    """A kind of app that Keyway can talk to."""

    def open(self, connection: Connection, *, observe: Observe = unobserved) -> Session:
        """Start a conversation. Logs in at the first call that needs it.

        `observe` hears of each call to the app.
        """
