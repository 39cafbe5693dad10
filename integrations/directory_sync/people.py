"""From a SCIM user to the person whom a workspace knows."""

from __future__ import annotations

from typing import Any

import orjson

from scim.models import Resource
from workspaces.provisioned import Person


def person_of(user: Resource) -> Person:
    """Return whom a SCIM user stands for; the address is empty if there is none."""
    document: dict[str, Any] = orjson.loads(user.document)
    return Person(
        resource_id=user.public_id,
        email=_address(document),
        name=_name(document),
        is_active=user.active is not False,
    )


def _address(document: dict[str, Any]) -> str:
    """Return the primary address, else the first, else a userName that is one."""
    emails = document.get("emails")
    given = [
        entry
        for entry in (emails if isinstance(emails, list) else [])
        if isinstance(entry, dict) and str(entry.get("value") or "").strip()
    ]
    chosen = next((entry for entry in given if entry.get("primary") is True), None)
    if chosen is None and given:
        chosen = given[0]
    if chosen is not None:
        return str(chosen["value"]).strip()
    user_name = str(document.get("userName") or "").strip()
    return user_name if "@" in user_name else ""


def _name(document: dict[str, Any]) -> str:
    """Return the name to show: displayName, else the formatted or joined name."""
    parts = document.get("name")
    name = parts if isinstance(parts, dict) else {}
    joined = f"{name.get('givenName') or ''} {name.get('familyName') or ''}"
    shown = document.get("displayName") or name.get("formatted") or joined
    return " ".join(str(shown).split())
