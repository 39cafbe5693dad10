"""The `http` connector: an app is a manifest, and needs no code."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar

from integrations.connectors.addresses import IPNetwork
from integrations.connectors.base import PermanentFailure
from integrations.connectors.client import OutgoingClient
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.expressions import work_out
from integrations.connectors.failures import TWO_OF_A_NAME, UNEXPECTED, AccountGone
from integrations.connectors.http.accounts import read_account, read_entitlements
from integrations.connectors.http.blueprint import (
    Blueprint,
    Call,
    Change,
    EntitlementList,
)
from integrations.connectors.http.conversation import Conversation, selected
from integrations.connectors.http.listing import read_list
from integrations.connectors.http.reading import read_blueprint
from integrations.connectors.keys import read_key
from integrations.desired import (
    JSON,
    Connection,
    DesiredAccount,
    Entitlement,
    ObservedAccount,
)

_Made = TypeVar("_Made", Call, Change)


class HttpConnector:
    """Talks to an app as its manifest says."""

    def __init__(
        self, manifest: Mapping[str, Any], *, allowed_networks: Sequence[IPNetwork] = ()
    ) -> None:
        """Compile a manifest that was checked. Raises ValueError if it was not."""
        self._blueprint, problems = read_blueprint(manifest["http"])
        if problems:
            raise ValueError(str(problems[0]))
        self._allowed_networks = allowed_networks

    def open(
        self, connection: Connection, *, observe: Observe = unobserved
    ) -> HttpSession:
        """Start a conversation. Raises Misconfigured if the address is unusable."""
        client = OutgoingClient(
            connection.base_url,
            allowed_networks=self._allowed_networks,
            observe=observe,
        )
        conversation = Conversation(self._blueprint, connection, client)
        return HttpSession(self._blueprint, conversation)


class HttpSession:
    """The session of the port in `integrations.connectors.base`."""

    def __init__(self, blueprint: Blueprint, conversation: Conversation) -> None:
        self._blueprint = blueprint
        self._conversation = conversation

    def reach(self) -> None:
        """Find whether anything answers at the address."""
        self._conversation.reach()

    def log_in(self) -> None:
        """Log in, or find by the check that the app takes each call's login."""
        self._conversation.log_in(self._call("check"))

    def check(self) -> None:
        """Log in, and ask for what only an admin may see."""
        call = self._call("check")
        self._conversation.ask(call).json()

    def list_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account."""
        call = self._call("list_accounts")
        for account in self._accounts(call, {}):
            whole = self._whole(call, account)
            if whole is not None:
                yield whole

    def list_entitlements(self) -> Iterator[Entitlement]:
        """Yield every entitlement of every kind."""
        for spec in self._blueprint.entitlements:
            factors = self._factors(spec)
            for entitlements in read_list(
                self._conversation,
                spec.call,
                {},
                read=partial(read_entitlements, spec, factors),
                key=lambda entitlements: entitlements[0].external_id,
            ):
                yield from entitlements

    def get_account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""
        try:
            document = self._conversation.account_document(external_id)
        except AccountGone:
            self._make_sure_that_the_app_is_there()
            return None
        return read_account(self._blueprint, document)

    def find_account(self, username: str) -> ObservedAccount | None:
        """Return the account with this name; an app's near misses are left out."""
        calls = self._blueprint.calls
        call = calls.get("find_account") or self._call("list_accounts")
        wanted = self._comparable(username)
        found = [
            account
            for account in self._accounts(call, {"username": username})
            if self._comparable(account.username) == wanted
        ]
        if len(found) > 1:
            raise PermanentFailure(TWO_OF_A_NAME)
        return self._whole(call, found[0]) if found else None

    def create_account(self, account: DesiredAccount) -> ObservedAccount:
        """Make the account, with a password that nobody gets to know."""
        call = self._call("create_account")
        if not account.active:
            # An app without this would let the person in.
            self._change("deactivate_account")
        # Upper case, lower case, digit and mark, for apps that insist on them.
        password = f"{secrets.token_urlsafe(24)}-aA1"
        values = {"account": _as_json(account), "new_password": password}
        answer = self._conversation.ask(call, values)
        if call.id is None:
            document = selected(call, answer)
        else:
            external_id = read_key(work_out(call.id, answer.json()))
            document = self._conversation.account_document(external_id)
        return read_account(self._blueprint, document)

    def update_account(self, external_id: str, account: DesiredAccount) -> None:
        """Give the account the desired names and attributes."""
        values = {"id": external_id, "account": _as_json(account)}
        self._conversation.change(self._change("update_account"), values)

    def deactivate_account(self, external_id: str) -> None:
        """Make sure that the account cannot log in."""
        change = self._change("deactivate_account")
        self._conversation.change(change, {"id": external_id})

    def reactivate_account(self, external_id: str) -> None:
        """Let the account log in again."""
        change = self._change("reactivate_account")
        self._conversation.change(change, {"id": external_id})

    def delete_account(self, external_id: str) -> None:
        """Make sure that the account is gone."""
        change = self._change("delete_account")
        try:
            self._conversation.change(change, {"id": external_id})
        except AccountGone:
            self._make_sure_that_the_app_is_there()

    def grant(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account holds the entitlement."""
        change = _of_kind(self._blueprint.grant, entitlement, "give")
        values = {"id": external_id, "entitlement": _as_json(entitlement)}
        self._conversation.change(change, values)

    def revoke(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account does not hold the entitlement."""
        change = _of_kind(self._blueprint.revoke, entitlement, "take away")
        values = {"id": external_id, "entitlement": _as_json(entitlement)}
        try:
            self._conversation.change(change, values)
        except AccountGone:
            self._make_sure_that_the_app_is_there()

    def close(self) -> None:
        """End the conversation."""
        self._conversation.close()

    def _make_sure_that_the_app_is_there(self) -> None:
        """Tell an account that is gone from an API that is: both answer 404."""
        self.check()

    def _accounts(
        self, call: Call, values: Mapping[str, JSON]
    ) -> Iterator[ObservedAccount]:
        return read_list(
            self._conversation,
            call,
            values,
            read=partial(read_account, self._blueprint),
            key=lambda account: account.external_id,
        )

    def _whole(self, call: Call, account: ObservedAccount) -> ObservedAccount | None:
        """Return the account as the app shows it on its own, where a list says less.

        None if it has left since.
        """
        return self.get_account(account.external_id) if call.details else account

    def _comparable(self, username: str) -> str:
        return username.casefold() if self._blueprint.ignores_case else username

    def _factors(self, spec: EntitlementList) -> list[JSON]:
        """Return what each item of the list is combined with; nothing but itself."""
        if not spec.times:
            return [None]
        factors = self._conversation.looked_up(spec.times)
        if not isinstance(factors, list) or not factors:
            raise PermanentFailure(UNEXPECTED)
        return factors

    def _call(self, name: str) -> Call:
        return _named(self._blueprint.calls, name)

    def _change(self, name: str) -> Change:
        return _named(self._blueprint.changes, name)


def _named(calls: Mapping[str, _Made], name: str) -> _Made:
    if name not in calls:
        act = name.removesuffix("_account").replace("_", " ")
        raise PermanentFailure(f"Keyway cannot {act} accounts in this app.")
    return calls[name]


def _of_kind(calls: Mapping[str, Change], entitlement: Entitlement, act: str) -> Change:
    if entitlement.kind not in calls:
        raise PermanentFailure(f"Keyway cannot {act} a {entitlement.kind} in this app.")
    return calls[entitlement.kind]


def _as_json(value: DesiredAccount | Entitlement) -> JSON:
    document: dict[str, JSON] = asdict(value)
    return document
