"""A logged-in conversation with an app by way of its pages."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, TypeVar

from playwright.async_api import BrowserContext
from playwright.async_api import Error as PlaywrightError

from integrations.connectors.addresses import AddressRule, IPNetwork
from integrations.connectors.base import PermanentFailure, TemporaryFailure
from integrations.connectors.browser.blueprint import Blueprint, Listing, Step
from integrations.connectors.browser.chromium import CHROMIUM
from integrations.connectors.browser.gate import Gate
from integrations.connectors.browser.listing import Page, read_page
from integrations.connectors.browser.visit import ENDED, Visit
from integrations.connectors.client import Answer
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.failures import (
    CHANGED,
    ENDLESS,
    INCOMPLETE,
    TWO_OF_A_NAME,
    AccountGone,
)
from integrations.connectors.keys import read_key
from integrations.connectors.meanings import (
    Meaning,
    error_for,
)
from integrations.desired import (
    JSON,
    Connection,
    DesiredAccount,
    Entitlement,
    ObservedAccount,
)

_Result = TypeVar("_Result")

_MOST_PAGES = 10_000
_TEXTS = ("email", "given_name", "family_name", "display_name")
NOT_THERE = (
    "The app said that it made the account, and does not list it. Look for it in the "
    "app; its manifest may not fit its version."
)
NOT_DONE = (
    "The app said that it did this, and its page does not show it: {}. Look at the "
    "account in the app."
)


class BrowserSession:
    """The session of the port in `integrations.connectors.base`."""

    def __init__(
        self,
        blueprint: Blueprint,
        connection: Connection,
        *,
        allowed_networks: Sequence[IPNetwork] = (),
        observe: Observe = unobserved,
    ) -> None:
        """Prepare a session; nothing is opened yet. Raises Misconfigured."""
        url = AddressRule(allowed_networks).check_base_url(connection.base_url)
        self._blueprint = blueprint
        self._connection = connection
        self._observe = observe
        self._gate = Gate(url, allowed_networks=allowed_networks)
        self._context: BrowserContext | None = None
        self._visit: Visit | None = None
        self._has_slot = False

    def reach(self) -> None:
        """Find whether anything answers at the address."""
        self._do(lambda visit: visit.reach())

    def log_in(self) -> None:
        """Log in anew."""
        self._do(lambda visit: visit.log_in())

    def check(self) -> None:
        """Log in, and look at what only an admin may see."""
        self._do(self._check)

    def list_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account, read from its own page where the list says less."""
        listing = self._blueprint.list_accounts
        for row in list(self._listed(listing)):
            account = self._account_of(listing, row)
            # One that left while the list was read is no part of it.
            if account is not None:
                yield account

    def list_entitlements(self) -> Iterator[Entitlement]:
        """Yield every entitlement of every kind."""
        for listing in self._blueprint.entitlements:
            for row in self._listed(listing):
                yield Entitlement(
                    listing.kind, read_key(row["id"]), read_key(row["name"])
                )

    def get_account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""
        return self._do(lambda visit: self._get(visit, external_id))

    def find_account(self, username: str) -> ObservedAccount | None:
        """Return the account with this name; an app's near misses are left out."""
        listing = self._blueprint.find_account
        found = [
            row
            for row in self._listed(listing, {"username": username})
            if self._is_same(row["username"], username)
        ]
        if len(found) > 1:
            raise PermanentFailure(TWO_OF_A_NAME)
        return self._account_of(listing, found[0]) if found else None

    def create_account(self, account: DesiredAccount) -> ObservedAccount:
        """Make the account, with a password that nobody gets to know."""
        # Upper case, lower case, digit and mark, for apps that insist on them.
        password = f"{secrets.token_urlsafe(24)}-aA1"
        values: dict[str, JSON] = {
            "account": _as_json(account),
            "new_password": password,
        }
        steps = self._steps("create_account")
        self._do(lambda visit: visit.walk("create account", steps, values))
        made = self.find_account(account.username)
        if made is None:
            raise PermanentFailure(NOT_THERE)
        if made.active and not account.active:
            self.deactivate_account(made.external_id)
            made = self._there(made.external_id)
        return made

    def update_account(self, external_id: str, account: DesiredAccount) -> None:
        """Give the account the desired names and attributes, and see that it has them."""
        steps = self._steps("update_account")
        values = {"account": _as_json(account)}
        self._change("update account", steps, self._there(external_id), values)
        changed = self._there(external_id)
        wrong = [
            name.replace("_", " ")
            for name in ("username", *_TEXTS)
            if name in self._blueprint.account
            and not _agree(getattr(changed, name), getattr(account, name))
        ]
        if wrong:
            raise PermanentFailure(NOT_DONE.format(", ".join(wrong)))

    def deactivate_account(self, external_id: str) -> None:
        """Make sure that the account cannot log in."""
        self._set_active(external_id, "deactivate_account", active=False)

    def reactivate_account(self, external_id: str) -> None:
        """Let the account log in again."""
        self._set_active(external_id, "reactivate_account", active=True)

    def delete_account(self, external_id: str) -> None:
        """Make sure that the account is gone."""
        steps = self._steps("delete_account")
        account = self.get_account(external_id)
        if account is None:
            return
        self._change("delete account", steps, account)
        if self.get_account(external_id) is not None:
            raise PermanentFailure(NOT_DONE.format("the account is still there"))

    def grant(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account holds the entitlement."""
        steps = _of_kind(self._blueprint.grant, entitlement, "give")
        self._set_held(self._there(external_id), entitlement, steps, held=True)

    def revoke(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account does not hold the entitlement."""
        steps = _of_kind(self._blueprint.revoke, entitlement, "take away")
        account = self.get_account(external_id)
        if account is not None:
            self._set_held(account, entitlement, steps, held=False)

    def close(self) -> None:
        """Close the window and free its place."""
        if not self._has_slot:
            return
        self._has_slot = False
        context, self._context, self._visit = self._context, None, None
        # A window that cannot be closed went down with its browser.
        with contextlib.suppress(PlaywrightError, TemporaryFailure):
            CHROMIUM.run(self._shut(context))
        CHROMIUM.free_slot()

    def _listed(
        self, listing: Listing, values: Mapping[str, JSON] | None = None
    ) -> Iterator[dict[str, JSON]]:
        """Yield what each row says, page by page. Raises ConnectorError at the end."""
        seen: set[str] = set()
        visited = {""}
        page = self._page(listing, values or {}, "")
        for _ in range(_MOST_PAGES):
            new = {read_key(row["id"]): row for row in page.rows}
            yield from (row for key, row in new.items() if key not in seen)
            seen |= new.keys()
            if page.next in visited:
                break
            visited.add(page.next)
            before, page = page, self._page(listing, values or {}, page.next)
            if page.total != before.total:
                raise TemporaryFailure(CHANGED)
        if page.next:
            raise PermanentFailure(ENDLESS)
        if page.total is not None and page.total != len(seen):
            raise TemporaryFailure(INCOMPLETE)

    def _account_of(
        self, listing: Listing, row: Mapping[str, JSON]
    ) -> ObservedAccount | None:
        external_id = read_key(row["id"])
        if self._blueprint.shows_all(listing):
            return _observed(external_id, row)
        return self.get_account(external_id)

    def _page(self, listing: Listing, values: Mapping[str, JSON], address: str) -> Page:
        return self._do(lambda visit: read_page(visit, listing, values, address))

    async def _check(self, visit: Visit) -> None:
        await visit.walk("check", self._blueprint.check, {})

    async def _get(self, visit: Visit, external_id: str) -> ObservedAccount | None:
        act, steps = "read account", self._blueprint.account_page
        try:
            await visit.walk(act, steps, {"id": external_id})
        except AccountGone:
            # An account that is gone and an app that is both answer 404.
            await self._check(visit)
            return None
        values = await visit.read(act, self._blueprint.account)
        held = await visit.read(act, self._blueprint.held)
        return _observed(external_id, {**values, "entitlements": held})

    def _there(self, external_id: str) -> ObservedAccount:
        """Return the account. Raises AccountGone."""
        account = self.get_account(external_id)
        if account is None:
            raise error_for(Meaning.GONE, Answer(HTTPStatus.NOT_FOUND, {}, b""))
        return account

    def _set_active(self, external_id: str, act: str, *, active: bool) -> None:
        steps = self._steps(act)
        account = self._there(external_id)
        if account.active == active:
            return
        self._change(_in_words(act), steps, account)
        if self._there(external_id).active != active:
            words = "the account is still " + ("inactive" if active else "active")
            raise PermanentFailure(NOT_DONE.format(words))

    def _set_held(
        self,
        account: ObservedAccount,
        entitlement: Entitlement,
        steps: Sequence[Step],
        *,
        held: bool,
    ) -> None:
        pair = (entitlement.kind, entitlement.external_id)
        if (pair in account.entitlements) == held:
            return
        act = f"{'grant' if held else 'revoke'} {entitlement.kind}"
        values: dict[str, JSON] = {"entitlement": {**asdict(entitlement)}}
        self._change(act, steps, account, values)
        if (pair in self._there(account.external_id).entitlements) != held:
            verb = "does not have" if held else "still has"
            words = f"the account {verb} the {entitlement.kind} {entitlement.name}"
            raise PermanentFailure(NOT_DONE.format(words))

    def _change(
        self,
        act: str,
        steps: Sequence[Step],
        account: ObservedAccount,
        values: Mapping[str, JSON] | None = None,
    ) -> None:
        known: dict[str, JSON] = {
            **(values or {}),
            "id": account.external_id,
            "current": _as_json(account),
        }
        self._do(lambda visit: visit.walk(act, steps, known))

    def _steps(self, act: str) -> Sequence[Step]:
        if act not in self._blueprint.acts:
            raise PermanentFailure(
                f"Keyway cannot {act.removesuffix('_account')} accounts in this app."
            )
        return self._blueprint.acts[act]

    def _is_same(self, shown: JSON, username: str) -> bool:
        if self._blueprint.ignores_case:
            return str(shown).casefold() == username.casefold()
        return shown == username

    def _do(self, work: Callable[[Visit], Coroutine[Any, Any, _Result]]) -> _Result:
        """Do the work in the browser's thread; tell here how its steps went."""
        if not self._has_slot:
            CHROMIUM.take_slot()
            self._has_slot = True

        async def run() -> _Result:
            return await work(self._visit or await self._open())

        try:
            return CHROMIUM.run(run())
        except PlaywrightError as error:
            raise TemporaryFailure(ENDED) from error
        finally:
            if self._visit is not None:
                for exchange in self._visit.exchanges:
                    self._observe(exchange)
                self._visit.exchanges.clear()

    async def _open(self) -> Visit:
        self._context = await CHROMIUM.context(proxy=await self._gate.open())
        page = await self._context.new_page()
        # A window that the page opens is closed again: there is one page.
        self._context.on("page", lambda popup: popup.close())
        self._visit = Visit(
            page,
            self._gate,
            blueprint=self._blueprint,
            connection=self._connection,
            takes_pictures=self._observe is not unobserved,
        )
        return self._visit

    async def _shut(self, context: BrowserContext | None) -> None:
        try:
            if context is not None:
                await context.close()
        finally:
            await self._gate.close()


def _observed(external_id: str, values: Mapping[str, JSON]) -> ObservedAccount:
    """Return the account of what a page, or the row of a list, shows."""
    held = values["entitlements"]
    texts: dict[str, Any] = {n: str(values.get(n, "")) for n in _TEXTS}
    return ObservedAccount(
        external_id=external_id,
        username=read_key(values["username"]),
        active=values.get("active", True) is True,
        entitlements=frozenset(
            (kind, read_key(key))
            for kind, keys in (held.items() if isinstance(held, dict) else ())
            for key in (keys if isinstance(keys, list) else [])
        ),
        **texts,
    )


def _of_kind(
    steps: Mapping[str, Sequence[Step]], entitlement: Entitlement, act: str
) -> Sequence[Step]:
    if entitlement.kind not in steps:
        raise PermanentFailure(f"Keyway cannot {act} a {entitlement.kind} in this app.")
    return steps[entitlement.kind]


def _in_words(act: str) -> str:
    return act.replace("_", " ")


def _as_json(value: DesiredAccount | ObservedAccount) -> dict[str, JSON]:
    document = asdict(value)
    if isinstance(value, ObservedAccount):
        document["entitlements"] = [list(pair) for pair in sorted(value.entitlements)]
    return document


def _agree(shown: str, wanted: str) -> bool:
    """Say whether two values differ at most in case and spaces, as apps change them."""
    return shown.casefold().split() == wanted.casefold().split()
