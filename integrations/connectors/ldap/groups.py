"""Groups of a directory: who is in which, in, and out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ldap3.utils.conv import escape_filter_chars

from integrations.connectors.base import PermanentFailure
from integrations.connectors.failures import GONE, AccountGone
from integrations.connectors.ldap.answers import Code
from integrations.connectors.ldap.blueprint import Blueprint, Groups
from integrations.connectors.ldap.client import Entry, LdapClient
from integrations.connectors.ldap.entries import key_of, username_of
from integrations.connectors.ldap.names import parts_of
from integrations.desired import Entitlement

LAST_MEMBER = (
    "The app's group must have a member, and this account is its last. Name a "
    "placeholder for the groups in the manifest, or add another member."
)

Held = frozenset[tuple[str, str]]


class Memberships:
    """The groups of one directory."""

    def __init__(self, blueprint: Blueprint, client: LdapClient) -> None:
        self._blueprint = blueprint
        self._client = client

    def entitlements(self) -> Iterator[Entitlement]:
        """Yield every group of every kind."""
        for spec in self._blueprint.groups:
            for group in self._all(spec, [spec.name]):
                key = key_of(self._blueprint.key, group)
                yield Entitlement(spec.kind, key, group.first(spec.name) or key)

    def by_member(self) -> dict[object, set[tuple[str, str]]]:
        """Return who holds what, by `keys_of` an account."""
        held: dict[object, set[tuple[str, str]]] = {}
        for spec in self._blueprint.groups:
            for group in self._all(spec, [spec.member]):
                pair = (spec.kind, key_of(self._blueprint.key, group))
                for member in group.all(spec.member):
                    held.setdefault(_comparable(spec, member), set()).add(pair)
        return held

    def keys_of(self, entry: Entry) -> list[object]:
        """Return under what `by_member` has an account."""
        return [
            _comparable(spec, self._as_member(spec, entry))
            for spec in self._blueprint.groups
        ]

    def held_by(self, entry: Entry) -> Held:
        """Return what one account holds."""
        return frozenset(
            (spec.kind, key_of(self._blueprint.key, group))
            for spec in self._blueprint.groups
            for group in self._with(spec, self._as_member(spec, entry))
        )

    def add(self, entry: Entry, entitlement: Entitlement) -> None:
        """Put an account into a group. Raises AccountGone if there is no such group."""
        spec, group = self._group(entitlement)
        self._add(spec, group, self._as_member(spec, entry))

    def remove(self, entry: Entry, entitlement: Entitlement) -> None:
        """Take an account out of a group. Raises AccountGone likewise."""
        spec, group = self._group(entitlement)
        self._remove(spec, group, self._as_member(spec, entry))

    def remove_everywhere(self, entry: Entry) -> None:
        """Take an account out of all its groups."""
        for spec in self._blueprint.groups:
            member = self._as_member(spec, entry)
            for group in self._with(spec, member):
                self._remove(spec, group, member)

    def follow(self, before: Entry, after: Entry) -> None:
        """Put the new name of an account in the place of the old one.

        Some directories do that by themselves, and some of them a little later.
        """
        for spec in self._blueprint.groups:
            old, new = self._as_member(spec, before), self._as_member(spec, after)
            if _comparable(spec, old) == _comparable(spec, new):
                continue
            for group in self._with(spec, old):
                self._add(spec, group, new)
                self._remove(spec, group, old)

    def _as_member(self, spec: Groups, entry: Entry) -> str:
        return username_of(self._blueprint, entry) if spec.by_username else entry.dn

    def _add(self, spec: Groups, group: Entry, member: str) -> None:
        change = {spec.member: ("add", [member])}
        self._client.modify(group.dn, change, fine=[Code.VALUE_EXISTS])

    def _remove(self, spec: Groups, group: Entry, member: str) -> None:
        change = {spec.member: ("delete", [member])}
        fine = [Code.NO_SUCH_VALUE, Code.BREAKS_CLASS]
        if self._client.modify(group.dn, change, fine=fine) != Code.BREAKS_CLASS:
            return
        if not spec.placeholder:
            raise PermanentFailure(LAST_MEMBER)
        self._add(spec, group, spec.placeholder)
        self._client.modify(group.dn, change, fine=[Code.NO_SUCH_VALUE])

    def _group(self, entitlement: Entitlement) -> tuple[Groups, Entry]:
        """Return the group now: it may have another name than when it was listed."""
        for spec in self._blueprint.groups:
            if spec.kind == entitlement.kind:
                key = escape_filter_chars(entitlement.external_id)
                found = self._search(spec, f"({self._blueprint.key}={key})")
                if len(found) != 1:
                    raise AccountGone(GONE)
                return spec, found[0]
        raise PermanentFailure(
            f"Keyway cannot give a {entitlement.kind} in this app. The manifest names "
            "no such groups."
        )

    def _with(self, spec: Groups, member: str) -> Sequence[Entry]:
        return self._search(spec, f"({spec.member}={escape_filter_chars(member)})")

    def _search(self, spec: Groups, condition: str) -> Sequence[Entry]:
        query = f"(&(objectClass={spec.object_class}){condition})"
        return self._client.find(spec.base, query, [self._blueprint.key])

    def _all(self, spec: Groups, attributes: Sequence[str]) -> Iterator[Entry]:
        query = f"(objectClass={spec.object_class})"
        asked = [self._blueprint.key, *attributes]
        size = self._blueprint.page_size
        for page in self._client.pages(spec.base, query, asked, size=size):
            yield from page


def _comparable(spec: Groups, member: str) -> object:
    return member if spec.by_username else parts_of(member)
