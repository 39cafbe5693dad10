"""The `task` connector: a person does it. Its session writes down what to do.

The session shows the app as it was last known, and takes every change into its
memory only: as steps for a person, and as what the app should hold afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from integrations.connectors.addresses import IPNetwork
from integrations.connectors.base import PermanentFailure
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.failures import GONE, TAKEN, AccountGone
from integrations.connectors.problems import Problem
from integrations.desired import (
    JSON,
    Connection,
    DesiredAccount,
    Entitlement,
    ObservedAccount,
)

_LABELS = {
    "username": "User name",
    "email": "Email",
    "given_name": "Given name",
    "family_name": "Family name",
    "display_name": "Display name",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do in the app, in words, with the values to enter."""

    words: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the app holds once all steps are done."""

    account: ObservedAccount
    exists: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What a person was last told to enter and no list shows."""

    given_name: str
    family_name: str
    attributes: Mapping[str, JSON]


class Known(Protocol):
    """What is known of the app."""

    def account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""

    def named(self, username: str) -> ObservedAccount | None:
        """Return the account with this name, in whatever case."""

    def told(self, external_id: str) -> Told | None:
        """Return what was last told of the account, None if nothing was."""

    def listed_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account of the list that a person brought."""

    def listed_entitlements(self) -> Iterator[Entitlement]:
        """Yield every group and role of that list."""


@dataclass(slots=True)
class Nothing:
    """An app of which nothing is known yet. Keeps what a session makes of it."""

    accounts: dict[str, ObservedAccount] = field(default_factory=dict)
    entitlements: Sequence[Entitlement] = ()

    def account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""
        return self.accounts.get(external_id)

    def named(self, username: str) -> ObservedAccount | None:
        """Return the account with this name."""
        wanted = username.casefold()
        found = (a for a in self.accounts.values() if a.username.casefold() == wanted)
        return next(found, None)

    def told(self, external_id: str) -> Told | None:
        """Nobody was told anything."""
        return None

    def listed_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account."""
        yield from self.accounts.values()

    def listed_entitlements(self) -> Iterator[Entitlement]:
        """Yield every entitlement."""
        yield from self.entitlements


class TaskConnector:
    """An app in which people do what has to be done."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        *,
        allowed_networks: Sequence[IPNetwork] = (),
        known: Known | None = None,
    ) -> None:
        self._known = known or Nothing()

    def open(
        self,
        connection: Connection,
        *,
        observe: Observe = unobserved,
    ) -> TaskSession:
        """Begin to write down what to do."""
        return TaskSession(self._known)


def problems_in(manifest: Mapping[str, Any]) -> list[Problem]:
    """Return everything that is wrong with a manifest of the right shape."""
    if manifest["login_workflows"] != ["nobody"]:
        return [
            Problem(
                "login_workflows", 'People do the work in the app. Write ["nobody"].'
            )
        ]
    return []


class TaskSession:
    """The session of the port in `integrations.connectors.base`."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._now: dict[str, ObservedAccount | None] = {}
        self._outcome: Outcome | None = None
        self.steps: list[Step] = []
        self.attributes: dict[str, JSON] = {}
        """Attributes of the user schema that the steps name."""

    @property
    def outcome(self) -> Outcome:
        """Return what the steps lead to. There are some."""
        assert self._outcome is not None  # noqa: S101  set with the first step
        return self._outcome

    def reach(self) -> None:
        """Keyway calls no address."""

    def log_in(self) -> None:
        """Keyway does not log in."""

    def check(self) -> None:
        """Keyway needs no right in the app."""

    def list_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account of the list that a person brought."""
        for account in self._known.listed_accounts():
            now = self._now.get(account.external_id, account)
            if now is not None:
                yield now
        for key, now in self._now.items():
            if now is not None and self._known.account(key) is None:
                yield now

    def list_entitlements(self) -> Iterator[Entitlement]:
        """Yield every group and role of that list."""
        return self._known.listed_entitlements()

    def get_account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""
        if external_id in self._now:
            return self._now[external_id]
        account = self._known.account(external_id)
        told = self._known.told(external_id)
        if account is None or told is None:
            return account
        return replace(
            account, given_name=told.given_name, family_name=told.family_name
        )

    def find_account(self, username: str) -> ObservedAccount | None:
        """Return the account with this name."""
        wanted = username.casefold()
        for account in self._now.values():
            if account is not None and account.username.casefold() == wanted:
                return account
        found = self._known.named(username)
        if found is None or found.external_id in self._now:
            return None
        return self.get_account(found.external_id)

    def create_account(self, account: DesiredAccount) -> ObservedAccount:
        """Ask for a new account. Keyway's own id of the person is its key."""
        if self.find_account(account.username):
            raise PermanentFailure(TAKEN)
        values = [
            (label, getattr(account, name))
            for name, label in _LABELS.items()
            if getattr(account, name)
        ]
        made = ObservedAccount(
            external_id=account.external_ref,
            active=account.active,
            **{name: getattr(account, name) for name in _LABELS},
        )
        self.attributes = account.attributes
        self._ask("Create an account", made, [*values, *_own_values(account)])
        if not account.active:
            self.steps.append(Step("See to it that the account cannot log in"))
        return made

    def update_account(self, external_id: str, account: DesiredAccount) -> None:
        """Ask for what differs from what is known, and for nothing else."""
        current = self._current(external_id)
        told = self._known.told(external_id)
        wished = {
            name: getattr(account, name)
            for name in _LABELS
            if getattr(account, name) not in {"", getattr(current, name)}
        }
        # A list of accounts shows no given and family names: none is asked for twice.
        unseen = set() if told else {"given_name", "family_name"}
        values = [
            (_LABELS[name], value)
            for name, value in wished.items()
            if name not in unseen
        ]
        if account.attributes != (told.attributes if told else {}):
            values += _own_values(account)
        self.attributes = account.attributes
        wanted = replace(current, **wished)
        if values and external_id not in self._now:
            self._ask(f"Change the account {current.username}", wanted, values)
        else:
            self._now[external_id] = wanted

    def deactivate_account(self, external_id: str) -> None:
        """Ask that the account cannot log in."""
        current = self._current(external_id)
        if current.active:
            words = f"Deactivate the account {current.username}: it must not log in"
            self._ask(words, replace(current, active=False))

    def reactivate_account(self, external_id: str) -> None:
        """Ask that the account can log in again."""
        current = self._current(external_id)
        if not current.active:
            words = f"Reactivate the account {current.username}"
            self._ask(words, replace(current, active=True))

    def delete_account(self, external_id: str) -> None:
        """Ask that the account goes."""
        current = self.get_account(external_id)
        if current is not None:
            self.steps.append(Step(f"Delete the account {current.username}"))
            self._now[external_id] = None
            self._outcome = Outcome(current, exists=False)

    def grant(self, external_id: str, entitlement: Entitlement) -> None:
        """Ask for the entitlement, if the account is not known to hold it."""
        current = self._current(external_id)
        pair = (entitlement.kind, entitlement.external_id)
        if pair not in current.entitlements:
            held = current.entitlements | {pair}
            words = f"Give the {entitlement.kind} {entitlement.name}"
            self._ask(words, replace(current, entitlements=held))

    def revoke(self, external_id: str, entitlement: Entitlement) -> None:
        """Ask to take the entitlement away, if the account is known to hold it."""
        current = self.get_account(external_id)
        pair = (entitlement.kind, entitlement.external_id)
        if current is not None and pair in current.entitlements:
            held = current.entitlements - {pair}
            words = f"Take away the {entitlement.kind} {entitlement.name}"
            self._ask(words, replace(current, entitlements=held))

    def close(self) -> None:
        """Nothing is open."""

    def _current(self, external_id: str) -> ObservedAccount:
        current = self.get_account(external_id)
        if current is None:
            raise AccountGone(GONE)
        return current

    def _ask(
        self,
        words: str,
        outcome: ObservedAccount,
        values: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.steps.append(Step(words, tuple(values)))
        self._now[outcome.external_id] = outcome
        self._outcome = Outcome(outcome, exists=True)


def _own_values(account: DesiredAccount) -> list[tuple[str, str]]:
    return [(name, _text(value)) for name, value in account.attributes.items()]


def _text(value: JSON) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)
