"""The shapes in which Entra sends `roles` and `entitlements`.

`AssertiveAppRoleAssignmentsComplex` puts a role as JSON text inside `value`;
others name it by `displayName`. Everything comes back as `value` and `display`.
"""

from __future__ import annotations

import json
import re
from typing import Final

from scim.protocol.types import JSON, Document

NAMES: Final = {"roles", "entitlements"}
MAX_TEXT: Final = 4_096
_AT_PATH: Final = re.compile(
    r"(?:roles|entitlements)\[.*\]\.(value|displayName)", re.IGNORECASE | re.DOTALL
)


def normal(values: JSON) -> JSON:
    """Return a list of objects with `value` and `display`, if that can be read."""
    if isinstance(values, str):
        values = [{"value": values}]
    if isinstance(values, dict):
        values = [values]
    if not isinstance(values, list):
        return values
    return [_one(value) if isinstance(value, dict) else value for value in values]


def normal_at(path: str, value: JSON) -> tuple[str, JSON]:
    """Return path and value of an operation on a part of one role."""
    found = _AT_PATH.fullmatch(path)
    if found is None:
        return path, value
    if found[1].lower() == "value":
        return path, _described(value).get("value", value)
    return f"{path[: found.start(1)]}display", value


def by_value(values: JSON) -> JSON:
    """Return which values to remove: `value` says it, a name may have changed."""
    if not isinstance(values, list):
        return values
    return [
        {"value": v["value"]} if isinstance(v, dict) and "value" in v else v
        for v in values
    ]


def _one(given: Document) -> Document:
    names = {name.lower(): name for name in given}
    inner = _described(given.get(names.get("value", "")))
    replaced = {"displayname", *(["value"] if inner else [])}
    rest = {name: v for name, v in given.items() if name.lower() not in replaced}
    display = given.get(names.get("displayname", ""))
    if display and "display" not in names:
        rest["display"] = display
    return {**rest, **inner}


def _described(text: JSON) -> Document:
    """Return the role that JSON text describes, empty if it is no such text."""
    if not isinstance(text, str) or not text.lstrip().startswith("{"):
        return {}
    try:
        role = json.loads(text) if len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(role, dict):
        return {}
    value = role.get("value") or role.get("id")
    if not isinstance(value, str):
        return {}
    display = role.get("displayName") or role.get("display")
    return {"value": value, **({"display": display} if display else {})}
