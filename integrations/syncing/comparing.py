"""One person on both sides: what the IdP wants, and what the app was seen to hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from integrations.models import AppAccount
from integrations.provisioning import mapping
from scim import store
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.types import JSON, Document
from scim.served import schema_of

_SHOWN_LENGTH = 500
_COMPARED = ("username", "email", "display_name")


@dataclass(frozen=True, slots=True)
class Field:
    """One fact. None: that side says nothing of it."""

    label: str
    idp: str | None
    app: str | None
    is_compared: bool = True

    @property
    def differs(self) -> bool:
        """Say whether both sides tell, and tell something else."""
        return self.is_compared and bool(self.idp) and self.idp != self.app


def sides(user: Resource | None, account: AppAccount | None) -> list[Field]:
    """Return the facts that both sides know, then what only the IdP sends."""
    desired = mapping.desired_account(user) if user else None
    labels = ("User name", "Email", "Display name")
    compared = [
        Field(
            label,
            getattr(desired, name) if desired else None,
            getattr(account, name) if account else None,
            is_compared=account is not None,
        )
        for label, name in zip(labels, _COMPARED, strict=True)
    ]
    active = Field(
        "Active",
        _yes_no(desired.active) if desired else None,
        _yes_no(account.is_active) if account else None,
        is_compared=account is not None,
    )
    return [*compared, active, *(_other_attributes(user) if user else [])]


def _yes_no(value: bool) -> str:  # noqa: FBT001  it is the value itself
    return "Yes" if value else "No"


def _other_attributes(user: Resource) -> list[Field]:
    """Return what else the IdP sent, each attribute by its path."""
    attributes = schema_of(user.directory, "User").attributes
    own_urn = user_schema.urn_of(user.directory.key)
    confidential = user_schema.read(user.directory.user_schema).confidential
    told = {"username", "displayname", "active", "schemas", "emails"}
    fields = []
    for name, value in store.read(user).items():
        attribute = attributes.get(name.lower())
        if name.lower() in told or (attribute and attribute.returned == "never"):
            continue
        shown = value
        if name == own_urn and isinstance(value, dict):
            shown = mapping.shown(value, confidential)
        fields += [
            Field(path, text[:_SHOWN_LENGTH], None, is_compared=False)
            for path, text in _flat(name, shown)
        ]
    return fields


def _flat(path: str, value: JSON) -> Iterator[tuple[str, str]]:
    """Yield path and text of each simple value."""
    if isinstance(value, dict):
        yield from _flat_object(path, value)
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _flat(f"{path}[{number}]", entry)
    elif isinstance(value, bool):
        yield path, _yes_no(value)
    elif value is not None:
        yield path, str(value)


def _flat_object(path: str, value: Document) -> Iterator[tuple[str, str]]:
    separator = ":" if path.startswith("urn:") else "."
    for name, member in value.items():
        yield from _flat(f"{path}{separator}{name}", member)
