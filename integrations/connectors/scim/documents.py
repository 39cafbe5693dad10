"""Users of the app as SCIM says them: read, written, changed. Pure functions.

A value that the IdP does not say is left as it is in the app. E-mail addresses
beside the primary one are the app's own and stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from integrations.connectors.base import PermanentFailure
from integrations.connectors.scim.features import USER
from integrations.desired import JSON, DesiredAccount, ObservedAccount

UNEXPECTED = (
    "The app's answer is not what SCIM says (RFC 7644). The app's side must mend it."
)
_LONGEST_KEY = 255
_EXTENSION = re.compile(r"(urn:.+):([^:]+)")

Document = dict[str, JSON]
Changes = dict[str, JSON]
"""Attribute path to its new value."""


def read_account(
    document: JSON, held: frozenset[tuple[str, str]] = frozenset()
) -> ObservedAccount:
    """Return the account. Raises PermanentFailure if something vital is missing."""
    user = as_object(document)
    name = user.get("name")
    name = name if isinstance(name, dict) else {}
    return ObservedAccount(
        external_id=read_key(user.get("id")),
        username=read_key(user.get("userName")),
        email=_email(user),
        given_name=_text(name.get("givenName")),
        family_name=_text(name.get("familyName")),
        display_name=_text(user.get("displayName")),
        active=_is_active(user),
        entitlements=held | {("role", value) for value in values_of(user, "roles")},
    )


def new_user(account: DesiredAccount, paths: Mapping[str, str]) -> Document:
    """Return the document of a user to create.

    `paths` are the attribute paths of the account's own attributes.
    """
    document: Document = {"schemas": [USER]}
    changes = {**wanted_changes(account, {}, paths), "active": account.active}
    apply_changes(document, changes)
    return document


def wanted_changes(
    account: DesiredAccount, current: Document, paths: Mapping[str, str]
) -> Changes:
    """Return names and attributes that `current` does not have yet, by path."""
    said: Changes = {
        "userName": account.username,
        "externalId": account.external_ref,
        "name.givenName": account.given_name,
        "name.familyName": account.family_name,
        "displayName": account.display_name,
        "emails": _emails(account, current),
    }
    wanted: Changes = {path: value for path, value in said.items() if value}
    wanted |= {paths[name]: value for name, value in account.attributes.items()}
    return {
        path: value
        for path, value in wanted.items()
        if value_at(current, path) != value
    }


def apply_changes(document: Document, changes: Changes) -> None:
    """Write the values into the document, with the schemas that they need."""
    for path, value in changes.items():
        place, name, urn = _place(document, path)
        place[name] = value
        schemas = document.get("schemas")
        if urn and isinstance(schemas, list) and urn not in schemas:
            schemas.append(urn)


def value_at(document: Document, path: str) -> JSON:
    """Return the value at a path, None if there is none."""
    value: JSON = document
    for step in _steps(path):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def patch(changes: Changes) -> JSON:
    """Return a PATCH that replaces the values. RFC 7644 section 3.5.2.3."""
    return operations(
        {"op": "replace", "path": path, "value": value}
        for path, value in changes.items()
    )


def operations(each: object) -> JSON:
    """Return a PatchOp message of the operations."""
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": list(each),  # type: ignore[call-overload]
    }


def writable(document: Document) -> Document:
    """Return what of a user or a group goes back in a PUT."""
    own = {"meta", "groups"}
    return {name: value for name, value in document.items() if name not in own}


def entries_of(document: Document, attribute: str) -> list[Document]:
    """Return the entries of a multi-valued complex attribute."""
    entries = document.get(attribute)
    listed = entries if isinstance(entries, list) else []
    return [entry for entry in listed if isinstance(entry, dict)]


def values_of(document: Document, attribute: str) -> list[str]:
    """Return the `value` of each entry, but for groups that are held indirectly."""
    return [
        read_key(entry.get("value"))
        for entry in entries_of(document, attribute)
        if entry.get("type") != "indirect"
    ]


def as_object(document: JSON) -> Document:
    """Return the document. Raises PermanentFailure if it is no object."""
    if not isinstance(document, dict):
        raise PermanentFailure(UNEXPECTED)
    return document


def read_key(value: JSON) -> str:
    """Return a key or name: never empty, never longer than 255."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_KEY:
        raise PermanentFailure(UNEXPECTED)
    return value


def _is_active(user: Document) -> bool:
    active = user.get("active", True)
    if isinstance(active, str) and active.lower() in {"true", "false"}:
        return active.lower() == "true"
    if not isinstance(active, bool):
        raise PermanentFailure(UNEXPECTED)
    return active


def _email(user: Document) -> str:
    entries = _email_entries(user)
    chosen = next((e for e in entries if e.get("primary") is True), None)
    return _text((chosen or (entries[0] if entries else {})).get("value"))


def _emails(account: DesiredAccount, current: Document) -> JSON:
    """Return the e-mail addresses with the wanted one as the primary."""
    if not account.email:
        return None
    entries = _email_entries(current)
    primary = next((e for e in entries if e.get("primary") is True), None)
    primary = primary or (entries[0] if entries else None)
    wanted: JSON = {
        **(primary or {"type": "work"}),
        "value": account.email,
        "primary": True,
    }
    others: list[JSON] = [each for each in entries if each is not primary]
    return [wanted, *others]


def _email_entries(user: Document) -> list[Document]:
    return [
        {name: value for name, value in entry.items() if name != "display"}
        for entry in entries_of(user, "emails")
    ]


def _steps(path: str) -> list[str]:
    extension = _EXTENSION.fullmatch(path)
    if extension is None:
        return path.split(".")
    return [extension[1], *extension[2].split(".")]


def _place(document: Document, path: str) -> tuple[Document, str, str]:
    """Return the object that holds the attribute, its name and the extension's URN."""
    *above, name = _steps(path)
    place = document
    for step in above:
        inner = place.setdefault(step, {})
        place = as_object(inner)
    return place, name, above[0] if path.startswith("urn:") else ""


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""
