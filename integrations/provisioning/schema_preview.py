"""What another user schema would make of one person: for the drawer, before Save."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integrations.desired import DesiredAccount
from integrations.models import AppEntitlement, Integration
from integrations.provisioning import custom_roles, mapping
from integrations.provisioning.custom_roles import Book, Choice
from scim import schema_changes, store
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.custom_roles import CustomRole, Grant
from scim.protocol.types import Document
from scim.protocol.user_schema import UserAttribute, UserSchema
from workspaces.models import Directory

_EXAMPLES = {
    "boolean": True,
    "integer": 7,
    "decimal": 7.5,
    "dateTime": "2027-01-31T00:00:00Z",
    "reference": "https://example.com/",
}


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A custom role that the user would hold."""

    role: CustomRole
    gives: tuple[AppEntitlement, ...]
    missing: tuple[Grant, ...]
    """What it should give and the app is not known to have, or has twice."""


@dataclass(frozen=True, slots=True)
class RolesPreview:
    """What would become of the values of the user's `roles`."""

    asked: tuple[str, ...]
    held: tuple[HeldRole, ...]
    of_app: tuple[AppEntitlement, ...]
    """Roles of the app that the IdP named themselves."""

    left_out: tuple[tuple[CustomRole, CustomRole], ...]
    """Each with the stronger role that excludes it."""

    unknown: tuple[str, ...]
    """Values that would name nothing."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One user under another schema."""

    extension: Document
    """What the SCIM user would show under the URN of the schema."""

    lost: tuple[str, ...]
    """Attributes whose value the user would no longer have."""

    account: DesiredAccount
    """What the app's manifest would find as `account`."""

    roles: RolesPreview


def preview(resource: Resource, schema: UserSchema) -> Preview:
    """Return what a user would be with this user schema. Changes nothing.

    `schema` comes from `integrations.app_schema.parse`.
    """
    urn = user_schema.urn_of(resource.directory.key)
    before = store.read(resource).get(urn)
    document = schema_changes.document_with(resource, schema.attributes)
    after = document.get(urn)
    extension = after if isinstance(after, dict) else {}
    kept = {name.lower() for name in extension}
    names = before if isinstance(before, dict) else {}
    return Preview(
        extension=extension,
        lost=tuple(name for name in names if name.lower() not in kept),
        account=mapping.account_from(resource, document, schema.attributes),
        roles=_roles(resource, schema.roles),
    )


def example(schema: UserSchema) -> Preview:
    """Return an invented user with this user schema, where there is no real one yet."""
    extension: Document = {a.name: _example_of(a) for a in schema.attributes}
    directory = Directory(key="example")
    person = Resource(directory=directory, public_id="", label="ann@example.com")
    document: Document = {
        "userName": person.label,
        "name": {"givenName": "Ann", "familyName": "Example"},
        "emails": [{"value": person.label, "primary": True}],
        user_schema.urn_of(directory.key): extension,
    }
    return Preview(
        extension=extension,
        lost=(),
        account=mapping.account_from(person, document, schema.attributes),
        roles=RolesPreview(asked=(), held=(), of_app=(), left_out=(), unknown=()),
    )


def _example_of(attribute: UserAttribute) -> Any:
    known = attribute.canonical_values
    value = known[0] if known else _EXAMPLES.get(attribute.type, attribute.label)
    return [value] if attribute.multi_valued else value


def _roles(resource: Resource, roles: tuple[CustomRole, ...]) -> RolesPreview:
    asked = tuple(mapping.assigned(resource)["Role"])
    integration = Integration.objects.get(directory=resource.directory_id)
    book = custom_roles.book_of(integration, roles)
    choice: Choice = book.choose(asked if resource.active is not False else ())
    return RolesPreview(
        asked=asked,
        held=tuple(_held(book, role) for role in choice.roles),
        of_app=choice.of_app,
        left_out=choice.left_out,
        unknown=choice.unknown,
    )


def _held(book: Book, role: CustomRole) -> HeldRole:
    return HeldRole(role, tuple(book.stands_for(role)), tuple(book.missing(role)))
