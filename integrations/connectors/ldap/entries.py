"""Accounts as entries of a directory: read from one, and written into one."""

from __future__ import annotations

from typing import Any, Final

from integrations.connectors.base import PermanentFailure
from integrations.connectors.client import UNSENDABLE
from integrations.connectors.ldap.blueprint import Blueprint
from integrations.connectors.ldap.client import Entry
from integrations.connectors.ldap.names import is_below, value_in
from integrations.desired import JSON, DesiredAccount, ObservedAccount

UNREADABLE = (
    "The app's entries lack the attribute that the manifest names as their key or as "
    "the user name, or hide it from the service account."
)
_LONGEST_KEY = 255
_TEXTS = ("email", "given_name", "family_name", "display_name")
_WORDS: Final = {True: "TRUE", False: "FALSE"}


def wanted_attributes(blueprint: Blueprint) -> list[str]:
    """Return what must be asked for to read an account."""
    own = blueprint.own_attributes.values()
    asked = [blueprint.key, *blueprint.attributes.values(), *own]
    if blueprint.lock is not None:
        asked.append(blueprint.lock.attribute)
    return asked


def read_account(
    blueprint: Blueprint, entry: Entry, held: frozenset[tuple[str, str]]
) -> ObservedAccount:
    """Return the account that an entry is. Raises PermanentFailure."""
    texts: dict[str, Any] = {
        name: entry.first(blueprint.attributes[name])
        for name in _TEXTS
        if name in blueprint.attributes
    }
    return ObservedAccount(
        external_id=key_of(blueprint.key, entry),
        username=username_of(blueprint, entry),
        active=not is_inactive(blueprint, entry),
        entitlements=held,
        **texts,
    )


def username_of(blueprint: Blueprint, entry: Entry) -> str:
    """Return the user name; of several values the one that is in the DN."""
    attribute = blueprint.attributes["username"]
    values = entry.all(attribute)
    named = value_in(entry.dn, attribute)
    name = named if named in values else next(iter(values), "")
    return _key(name)


def key_of(attribute: str, entry: Entry) -> str:
    """Return what stays the same over renames. Raises PermanentFailure."""
    return _key(entry.first(attribute))


def is_inactive(blueprint: Blueprint, entry: Entry) -> bool:
    """Say whether the account is deactivated, in the way that the manifest names."""
    if blueprint.moved_to:
        return is_below(entry.dn, blueprint.moved_to)
    lock = blueprint.lock
    return lock is not None and any(
        value.casefold() == lock.inactive.casefold()
        for value in entry.all(lock.attribute)
    )


def values_for(
    blueprint: Blueprint, account: DesiredAccount
) -> dict[str, tuple[str, ...]]:
    """Return the values that an account asks for, by attribute.

    What the IdP does not say is not named, so that it stays as it is; an own
    attribute without a value has none.
    """
    values: dict[str, tuple[str, ...]] = {
        attribute: (_sendable(text),)
        for name, attribute in blueprint.attributes.items()
        if (text := getattr(account, name))
    }
    for name, attribute in blueprint.own_attributes.items():
        if name in account.attributes:
            values[attribute] = _texts(account.attributes[name])
    return values


def values_to_begin_with(
    blueprint: Blueprint, account: DesiredAccount
) -> dict[str, tuple[str, ...]]:
    """Return the values of a new entry, which has what its class insists on."""
    stand_in = dict.fromkeys(blueprint.never_empty, (_sendable(account.username),))
    wanted = {
        name: some for name, some in values_for(blueprint, account).items() if some
    }
    values = {"objectClass": blueprint.object_classes, **stand_in, **wanted}
    if not values.get(blueprint.rdn, ("",))[0]:
        raise PermanentFailure(UNSENDABLE)
    return values


def _texts(value: JSON) -> tuple[str, ...]:
    """Return an attribute's values as a directory spells them. RFC 4517."""
    if value is None:
        return ()
    if isinstance(value, bool):
        return (_WORDS[value],)
    if isinstance(value, str | int | float):
        return (_sendable(str(value)),) if value != "" else ()
    if isinstance(value, list):
        return tuple(text for each in value for text in _texts(each))
    raise PermanentFailure(UNSENDABLE)


def _sendable(text: str) -> str:
    if "\x00" in text:
        raise PermanentFailure(UNSENDABLE)
    return text


def _key(value: str) -> str:
    if not value or len(value) > _LONGEST_KEY:
        raise PermanentFailure(UNREADABLE)
    return value
