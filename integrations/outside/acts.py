"""What Keyway does in an app, in words: a session that says what each call is for.

Everything that is read of an app comes through here, so that it can be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from integrations.connectors.base import Session, TellsLimits
from integrations.desired import DesiredAccount, Entitlement, ObservedAccount
from integrations.outside import keepable

LOG_IN = "Log in"
CREATE = "Create the account"
UPDATE = "Update the account"
DEACTIVATE = "Deactivate the account"
REACTIVATE = "Reactivate the account"
DELETE = "Delete the account"

Begin = Callable[..., None]
"""Called as `begin(words)` for what reads, `begin(words, is_change=True)` else."""


def grant(kind: str, name: str) -> str:
    """Return the words for giving an entitlement."""
    return f"Grant {kind} {name}"


def take_away(kind: str, name: str) -> str:
    """Return the words for taking an entitlement back."""
    return f"Take away {kind} {name}"


class ToldSession:
    """The session of the port, which tells of each act before it begins."""

    def __init__(self, session: Session, begin: Begin) -> None:
        self._session = session
        self._begin = begin

    @property
    def inner(self) -> Session:
        """The connector's own session."""
        return self._session

    def reach(self) -> None:
        """Find whether anything answers at the address."""
        self._begin("Reach the app")
        self._session.reach()

    def log_in(self) -> None:
        """Log in."""
        self._begin(LOG_IN)
        self._session.log_in()

    def check(self) -> None:
        """Ask for what only an admin may see."""
        self._begin("Check the service account")
        self._session.check()

    def limits(self) -> list[str]:
        """Return what the app says it cannot do, where it says so."""
        if not isinstance(self._session, TellsLimits):
            return []
        self._begin("Ask the app what it can do")
        return self._session.limits()

    def list_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account."""
        self._begin("Read users")
        yield from map(keepable.account, self._session.list_accounts())

    def list_entitlements(self) -> Iterator[Entitlement]:
        """Yield every entitlement."""
        self._begin("Read roles and entitlements")
        yield from map(keepable.entitlement, self._session.list_entitlements())

    def get_account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""
        self._begin("Read the account")
        return _kept(self._session.get_account(external_id))

    def find_account(self, username: str) -> ObservedAccount | None:
        """Return the account with this name."""
        self._begin("Look for the account by its name")
        return _kept(self._session.find_account(username))

    def create_account(self, account: DesiredAccount) -> ObservedAccount:
        """Make the account."""
        self._begin(CREATE, is_change=True)
        return keepable.account(self._session.create_account(account))

    def update_account(self, external_id: str, account: DesiredAccount) -> None:
        """Give the account the desired names and attributes."""
        self._begin(UPDATE, is_change=True)
        self._session.update_account(external_id, account)

    def deactivate_account(self, external_id: str) -> None:
        """Make sure that the account cannot log in."""
        self._begin(DEACTIVATE, is_change=True)
        self._session.deactivate_account(external_id)

    def reactivate_account(self, external_id: str) -> None:
        """Let the account log in again."""
        self._begin(REACTIVATE, is_change=True)
        self._session.reactivate_account(external_id)

    def delete_account(self, external_id: str) -> None:
        """Make sure that the account is gone."""
        self._begin(DELETE, is_change=True)
        self._session.delete_account(external_id)

    def grant(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account holds the entitlement."""
        self._begin(grant(entitlement.kind, entitlement.name), is_change=True)
        self._session.grant(external_id, entitlement)

    def revoke(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account does not hold the entitlement."""
        self._begin(take_away(entitlement.kind, entitlement.name), is_change=True)
        self._session.revoke(external_id, entitlement)

    def close(self) -> None:
        """End the conversation."""
        self._session.close()


def _kept(found: ObservedAccount | None) -> ObservedAccount | None:
    return None if found is None else keepable.account(found)
