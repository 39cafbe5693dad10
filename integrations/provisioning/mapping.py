"""From a SCIM resource to what the app should hold.

The only place that reads SCIM documents for the sake of an app.
"""

from __future__ import annotations

from integrations.desired import DesiredAccount, ObservedAccount
from scim import store
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.types import JSON, Document
from scim.protocol.user_schema import UserAttribute


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
