"""From a SCIM resource to what the app should hold.

The only place that reads SCIM documents for the sake of an app.
"""

from __future__ import annotations

from collections.abc import Collection

from integrations.connectors.redaction import HIDDEN
from integrations.desired import DesiredAccount, ObservedAccount
from scim import store
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.types import JSON, Document
from scim.protocol.user_schema import UserAttribute
from workspaces.models import Directory


def desired_account(resource: Resource) -> DesiredAccount:
    """Return the account that a user of the directory should have."""
    schema = user_schema.read(resource.directory.user_schema)
    return account_from(resource, store.read(resource), schema.attributes)


def account_from(
    resource: Resource, document: Document, attributes: tuple[UserAttribute, ...]
) -> DesiredAccount:
    """Return the account for a document and a user schema other than the stored."""
    own = document.get(user_schema.urn_of(resource.directory.key))
    name = document.get("name")
    name = name if isinstance(name, dict) else {}
    given, family = _text(name.get("givenName")), _text(name.get("familyName"))
    return DesiredAccount(
        username=_text(document.get("userName")),
        external_ref=resource.public_id,
        email=primary_value(document.get("emails")),
        given_name=given,
        family_name=family,
        display_name=_text(document.get("displayName"))
        or _text(name.get("formatted"))
        or f"{given} {family}".strip(),
        active=resource.active is not False,
        attributes=_own_attributes(own, attributes),
    )


def shown(values: Document, confidential: Collection[str]) -> Document:
    """Return values of the user schema fit for a page: what is confidential is not."""
    return {n: HIDDEN if n in confidential else value for n, value in values.items()}


def hidden_values(resource: Resource | None) -> tuple[str, ...]:
    """Return the confidential values of a user, of several each."""
    if resource is None:
        return ()
    schema = user_schema.read(resource.directory.user_schema)
    if not schema.confidential:
        return ()
    values = desired_account(resource).attributes
    hidden = [value for name, value in values.items() if name in schema.confidential]
    flat = [e for v in hidden for e in (v if isinstance(v, list) else [v])]
    return tuple(str(value) for value in flat)


def assigned(resource: Resource) -> dict[str, list[str]]:
    """Return the values of a user's `roles` and `entitlements`, by resource type."""
    document = store.read(resource)
    return {
        type_name: [
            value
            for entry in _entries(document.get(name))
            if (value := _text(entry.get("value")))
        ]
        for type_name, name in (("Role", "roles"), ("Entitlement", "entitlements"))
    }


def user_document(account: ObservedAccount) -> Document:
    """Return the SCIM user that stands for an account the app had before us."""
    document: Document = {"userName": account.username, "active": account.active}
    if account.display_name:
        document["displayName"] = account.display_name
    name: Document = {}
    if account.given_name:
        name["givenName"] = account.given_name
    if account.family_name:
        name["familyName"] = account.family_name
    if name:
        document["name"] = name
    if account.email:
        document["emails"] = [{"value": account.email, "primary": True}]
    return document


def with_own_attributes(
    document: Document, account: ObservedAccount, directory: Directory
) -> Document:
    """Return a user's document with what the app says of the user schema's attributes.

    Where the app has no value the user keeps theirs, unless the attribute allows
    that a sync empties it.
    """
    if account.attributes is None:
        return document
    urn = user_schema.urn_of(directory.key)
    present = document.get(urn)
    own = dict(present) if isinstance(present, dict) else {}
    attributes = user_schema.read(directory.user_schema).attributes
    told = told_attributes(account, attributes)
    for attribute in attributes:
        value = told[attribute.name]
        if value is not None:
            own[attribute.name] = value
        elif attribute.allow_empty_in_sync:
            own.pop(attribute.name, None)
    rest = {name: value for name, value in document.items() if name != urn}
    return {**rest, urn: own} if own else rest


def told_attributes(
    account: ObservedAccount, attributes: tuple[UserAttribute, ...]
) -> Document:
    """Return what the app tells of attributes, by the names of the user schema.

    None where it has no value; nothing at all if it does not tell them.
    """
    if account.attributes is None:
        return {}
    told = {name.lower(): value for name, value in account.attributes.items()}
    found = {a.name: told.get(a.name.lower()) for a in attributes}
    return {n: None if value in ("", []) else value for n, value in found.items()}


def primary_value(values: JSON) -> str:
    """Return the `value` of the primary entry, or else of the first."""
    entries = _entries(values)
    chosen = next((e for e in entries if e.get("primary") is True), None)
    chosen = chosen or (entries[0] if entries else {})
    return _text(chosen.get("value"))


def _own_attributes(own: JSON, attributes: tuple[UserAttribute, ...]) -> Document:
    """Return the values of the user schema, under the names that it gives them."""
    values = own if isinstance(own, dict) else {}
    by_name = {name.lower(): value for name, value in values.items()}
    return {
        attribute.name: by_name[attribute.name.lower()]
        for attribute in attributes
        if attribute.name.lower() in by_name
    }


def _entries(values: JSON) -> list[Document]:
    return (
        [v for v in values if isinstance(v, dict)] if isinstance(values, list) else []
    )


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""
