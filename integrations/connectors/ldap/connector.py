"""The `ldap` connector: OpenLDAP and other directories, as a manifest describes them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ldap3.utils.conv import escape_filter_chars

from integrations.connectors.addresses import IPNetwork
from integrations.connectors.base import PermanentFailure
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.failures import (
    GONE,
    ITS_OWN_ACCOUNT,
    TWO_OF_A_NAME,
    AccountGone,
)
from integrations.connectors.ldap import names
from integrations.connectors.ldap.blueprint import Blueprint, read_blueprint
from integrations.connectors.ldap.client import Entry, LdapClient
from integrations.connectors.ldap.entries import (
    is_inactive,
    read_account,
    username_of,
    values_for,
    values_to_begin_with,
    wanted_attributes,
)
from integrations.connectors.ldap.groups import Memberships
from integrations.desired import (
    Connection,
    DesiredAccount,
    Entitlement,
    ObservedAccount,
)


class LdapConnector:
    """Talks to a directory as the `ldap` section of its manifest says."""

    def __init__(
        self, manifest: Mapping[str, Any], *, allowed_networks: Sequence[IPNetwork] = ()
    ) -> None:
        self._section = manifest["ldap"]
        self._allowed_networks = allowed_networks

    def open(
        self, connection: Connection, *, observe: Observe = unobserved
    ) -> LdapSession:
        """Start a conversation. Raises Misconfigured if the address is unusable."""
        blueprint = read_blueprint(self._section, connection.identifier)
        client = LdapClient(
            connection,
            always_tls=blueprint.always_tls,
            allowed_networks=self._allowed_networks,
            observe=observe,
        )
        return LdapSession(blueprint, client, own_dn=connection.username)


class LdapSession:
    """The session of the port in `integrations.connectors.base`."""

    def __init__(
        self, blueprint: Blueprint, client: LdapClient, *, own_dn: str
    ) -> None:
        self._blueprint = blueprint
        self._client = client
        self._own = names.parts_of(own_dn)
        self._memberships = Memberships(blueprint, client)

    def reach(self) -> None:
        """Find whether a directory answers at the address."""
        self._client.reach()

    def log_in(self) -> None:
        """Bind as the service account."""
        self._client.bind()

    def check(self) -> None:
        """Bind, and look at every entry below which accounts and groups are.

        A directory does not say who may write: the first change shows it.
        """
        groups = (spec.base for spec in self._blueprint.groups)
        for base in dict.fromkeys((*self._blueprint.bases, *groups)):
            self._client.read_base(base)

    def list_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account."""
        held = self._memberships.by_member()
        for base in self._blueprint.bases:
            for page in self._client.pages(
                base,
                f"(&{self._of_class()})",
                wanted_attributes(self._blueprint),
                size=self._blueprint.page_size,
            ):
                for entry in page:
                    if base == self._blueprint.base and self._is_moved(entry):
                        continue
                    keys = self._memberships.keys_of(entry)
                    pairs = (pair for key in keys for pair in held.get(key, ()))
                    yield read_account(self._blueprint, entry, frozenset(pairs))

    def list_entitlements(self) -> Iterator[Entitlement]:
        """Yield every group of every kind."""
        return self._memberships.entitlements()

    def get_account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""
        entry = self._entry(external_id)
        return self._account(entry) if entry else None

    def find_account(self, username: str) -> ObservedAccount | None:
        """Return the account of this name. A directory does not tell Ann from ann."""
        if not username or "\x00" in username:
            return None
        wanted = _comparable(username)
        found = [
            entry
            for entry in self._search(self._blueprint.attributes["username"], username)
            if _comparable(username_of(self._blueprint, entry)) == wanted
        ]
        if len(found) > 1:
            raise PermanentFailure(TWO_OF_A_NAME)
        return self._account(found[0]) if found else None

    def create_account(self, account: DesiredAccount) -> ObservedAccount:
        """Make the entry, with a password that nobody gets to know."""
        values = values_to_begin_with(self._blueprint, account)
        rdn = self._blueprint.rdn
        dn = names.below(self._blueprint.base, rdn, values[rdn][0])
        self._client.add(dn, values)
        if self._blueprint.sets_password:
            # Upper case, lower case, digit and mark, for rules that insist on them.
            self._client.set_password(dn, f"{secrets.token_urlsafe(24)}-aA1")
        made = self.find_account(account.username)
        if made is None:
            raise AccountGone(GONE)
        if not account.active:
            self.deactivate_account(made.external_id)
            return self.get_account(made.external_id) or made
        return made

    def update_account(self, external_id: str, account: DesiredAccount) -> None:
        """Give the entry the desired values, and another name if that is wished."""
        before = now = self._changeable(external_id)
        values = values_for(self._blueprint, account)
        own, rdn = values.pop(self._blueprint.rdn, ()), self._blueprint.rdn
        if own and own[0] != names.value_in(before.dn, rdn):
            self._client.rename(before.dn, names.rdn(rdn, own[0]))
            now = self._changeable(external_id)
        changes = {
            attribute: ("replace", wanted)
            for attribute, wanted in values.items()
            if now.all(attribute) != wanted
        }
        if changes:
            self._client.modify(now.dn, changes)
            now = self._changeable(external_id)
        self._memberships.follow(before, now)

    def deactivate_account(self, external_id: str) -> None:
        """Lock the entry, or move it to where the deactivated are."""
        entry = self._changeable(external_id)
        if is_inactive(self._blueprint, entry):
            return
        if self._blueprint.moved_to:
            self._move(entry, external_id, self._blueprint.moved_to)
        elif lock := self._blueprint.lock:
            change = {lock.attribute: ("replace", [lock.inactive])}
            self._client.modify(entry.dn, change)
        else:
            raise PermanentFailure("Keyway cannot deactivate accounts in this app.")

    def reactivate_account(self, external_id: str) -> None:
        """Unlock the entry, or move it back."""
        entry = self._changeable(external_id)
        if not is_inactive(self._blueprint, entry):
            return
        if self._blueprint.moved_to:
            self._move(entry, external_id, self._blueprint.base)
        elif lock := self._blueprint.lock:
            values = [] if lock.active is None else [lock.active]
            self._client.modify(entry.dn, {lock.attribute: ("replace", values)})

    def delete_account(self, external_id: str) -> None:
        """Take the account out of its groups, then delete its entry."""
        entry = self._entry(external_id)
        if entry is not None:
            self._refuse_own(entry)
            self._memberships.remove_everywhere(entry)
            self._client.delete(entry.dn)

    def grant(self, external_id: str, entitlement: Entitlement) -> None:
        """Put the account, which is there, into the group."""
        self._memberships.add(self._changeable(external_id), entitlement)

    def revoke(self, external_id: str, entitlement: Entitlement) -> None:
        """Take the account out of the group."""
        entry = self._entry(external_id)
        if entry is None:
            return
        try:
            self._memberships.remove(entry, entitlement)
        except AccountGone:
            # A group that is gone has no members.
            self.check()

    def close(self) -> None:
        """End the conversation."""
        self._client.close()

    def _account(self, entry: Entry) -> ObservedAccount:
        held = self._memberships.held_by(entry)
        return read_account(self._blueprint, entry, held)

    def _changeable(self, external_id: str) -> Entry:
        """Return the entry to change. Raises AccountGone, or PermanentFailure."""
        entry = self._entry(external_id)
        if entry is None:
            raise AccountGone(GONE)
        self._refuse_own(entry)
        return entry

    def _refuse_own(self, entry: Entry) -> None:
        if names.parts_of(entry.dn) == self._own:
            raise PermanentFailure(ITS_OWN_ACCOUNT)

    def _entry(self, external_id: str) -> Entry | None:
        found = self._search(self._blueprint.key, external_id)
        return found[0] if found else None

    def _search(self, attribute: str, value: str) -> list[Entry]:
        query = f"(&{self._of_class()}({attribute}={escape_filter_chars(value)}))"
        asked = wanted_attributes(self._blueprint)
        found = {
            entry.dn: entry
            for base in self._blueprint.bases
            for entry in self._client.find(base, query, asked)
        }
        return list(found.values())

    def _of_class(self) -> str:
        return f"(objectClass={self._blueprint.object_classes[-1]})"

    def _is_moved(self, entry: Entry) -> bool:
        """Say whether the entry is listed again, below the base of the deactivated."""
        return bool(self._blueprint.moved_to) and is_inactive(self._blueprint, entry)

    def _move(self, entry: Entry, external_id: str, base: str) -> None:
        own = names.value_in(entry.dn, self._blueprint.rdn) or ""
        rdn = names.rdn(self._blueprint.rdn, own)
        self._client.rename(entry.dn, rdn, new_base=base)
        self._memberships.follow(entry, self._changeable(external_id))


def _comparable(username: str) -> str:
    """Return a name as caseIgnoreMatch compares it. RFC 4518."""
    return " ".join(username.casefold().split())
