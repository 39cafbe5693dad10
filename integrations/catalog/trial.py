"""Trying a manifest against an app that runs, with one account made for it.

Each step says what it did and what the app answered. The account is deleted at the
end, also after a step that failed, as far as the manifest can delete.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from integrations.connectors.addresses import IPNetwork
from integrations.connectors.base import ConnectorError, Session
from integrations.connectors.exchange import Exchange
from integrations.connectors.registry import connector_for
from integrations.desired import Connection, DesiredAccount, ObservedAccount


@dataclass(frozen=True, slots=True)
class Step:
    """What was tried, what came of it, and the calls that it took."""

    name: str
    outcome: str
    calls: tuple[Exchange, ...] = ()
    is_fine: bool = True


class _Unexpected(Exception):
    """The app did as it was told, and shows something else."""


def try_manifest(
    manifest: Mapping[str, Any],
    connection: Connection,
    *,
    allowed_networks: list[IPNetwork],
) -> Iterator[Step]:
    """Yield each step when it is done; the first that fails is the last but deleting."""
    heard: list[Exchange] = []
    connector = connector_for(manifest, allowed_networks=allowed_networks)
    try:
        session = connector.open(connection, observe=heard.append)
    except ConnectorError as error:
        yield Step("open", error.message, is_fine=False)
        return
    with closing(session):
        trial = _Trial(manifest["capabilities"], session)
        for name, act in trial.steps():
            step = _carry_out(name, act, heard)
            yield step
            if not step.is_fine:
                break
        if trial.account is not None:
            yield _carry_out("delete", trial.delete, heard)


def _carry_out(name: str, act: Callable[[], str], heard: list[Exchange]) -> Step:
    heard.clear()
    try:
        outcome = act()
    except ConnectorError as error:
        return Step(name, error.message, tuple(heard), is_fine=False)
    except _Unexpected as error:
        return Step(name, str(error), tuple(heard), is_fine=False)
    return Step(name, outcome, tuple(heard))


class _Trial:
    """The steps, and the account that they are about once there is one."""

    def __init__(self, capabilities: Mapping[str, Any], session: Session) -> None:
        self._can = capabilities
        self._session = session
        name = f"keyway-trial-{secrets.token_hex(4)}"
        self._wanted = DesiredAccount(
            username=f"{name}@example.com",
            external_ref=name,
            email=f"{name}@example.com",
            given_name="Keyway",
            family_name="Trial",
            display_name="Keyway Trial",
        )
        self.account: ObservedAccount | None = None

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the name of each step and what it does, as far as the app can."""
        yield "check", self._check
        yield "list accounts", self._list_accounts
        yield "list entitlements", self._list_entitlements
        if not (self._can["create"] and self._can["delete"]):
            return
        yield "create", self._create
        if self._can["update"]:
            yield "update", self._update
        if self._can["deactivate"]:
            yield "deactivate", self._deactivate
            yield "reactivate", self._reactivate

    def delete(self) -> str:
        """Delete the account, and look whether it is gone."""
        account = self._present()
        self._session.delete_account(account.external_id)
        if self._session.find_account(account.username) is not None:
            raise _Unexpected(f"{account.username} is still there. Delete it by hand.")
        self.account = None
        return f"{account.username} is gone."

    def _check(self) -> str:
        self._session.check()
        return "The service account may administer the app."

    def _list_accounts(self) -> str:
        return f"{sum(1 for _ in self._session.list_accounts())} accounts."

    def _list_entitlements(self) -> str:
        listed = list(self._session.list_entitlements())
        kinds = sorted({each.kind for each in listed})
        return f"{len(listed)} of the kinds: {', '.join(kinds) or 'none'}."

    def _create(self) -> str:
        self.account = self._session.create_account(self._wanted)
        if self._session.find_account(self._wanted.username) is None:
            raise _Unexpected("It was made, and find_account does not find it.")
        return f"{self.account.username}, key {self.account.external_id}."

    def _update(self) -> str:
        account = self._present()
        wanted = replace(
            self._wanted, family_name="Changed", display_name="Keyway Changed"
        )
        self._session.update_account(account.external_id, wanted)
        return self._expect(active=True)

    def _deactivate(self) -> str:
        self._session.deactivate_account(self._present().external_id)
        return self._expect(active=False)

    def _reactivate(self) -> str:
        self._session.reactivate_account(self._present().external_id)
        return self._expect(active=True)

    def _expect(self, *, active: bool) -> str:
        found = self._session.get_account(self._present().external_id)
        if found is None:
            raise _Unexpected("The app does not show the account any more.")
        if found.active is not active:
            shown = "active" if found.active else "inactive"
            raise _Unexpected(f"The app still shows the account as {shown}.")
        names = " ".join(filter(None, (found.given_name, found.family_name)))
        return f"{names or found.username}, {'active' if active else 'inactive'}."

    def _present(self) -> ObservedAccount:
        if self.account is None:
            raise _Unexpected("There is no account to try it with.")
        return self.account
