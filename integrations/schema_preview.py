"""What another user schema would make of one person: for the drawer, before Save."""

from __future__ import annotations

from dataclasses import dataclass

from integrations import mapping
from integrations.desired import DesiredAccount
from scim import schema_changes, store
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.types import Document
from scim.protocol.user_schema import UserAttribute


@dataclass(frozen=True, slots=True)
class Preview:
    """One user under another schema."""

    extension: Document
    """What the SCIM user would show under the URN of the schema."""

    lost: tuple[str, ...]
    """Attributes whose value the user would no longer have."""

    account: DesiredAccount
    """What the app's manifest would find as `account`."""


def preview(resource: Resource, attributes: tuple[UserAttribute, ...]) -> Preview:
    """Return what a user would be with these attributes. Changes nothing.

    `attributes` come from `scim.protocol.user_schema.parse`.
    """
    urn = user_schema.urn_of(resource.directory.key)
    before = store.read(resource).get(urn)
    document = schema_changes.document_with(resource, attributes)
    after = document.get(urn)
    extension = after if isinstance(after, dict) else {}
    kept = {name.lower() for name in extension}
    names = before if isinstance(before, dict) else {}
    return Preview(
        extension=extension,
        lost=tuple(name for name in names if name.lower() not in kept),
        account=mapping.account_from(resource, document, attributes),
    )
