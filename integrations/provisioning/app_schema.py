"""A user schema for one app: what it grants must be what the app can give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim.protocol import user_schema
from scim.protocol.user_schema import InvalidUserSchema, Problem, UserSchema


def parse(manifest: Mapping[str, Any], definition: object) -> UserSchema:
    """Return a user schema for an app. Raises InvalidUserSchema.

    Beyond its form every grant must be of a kind that the app can be given, and what
    a sync does with an attribute needs an app that tells its attributes.
    """
    schema = user_schema.parse(definition)
    known = kinds_of(manifest)
    named = ", ".join(known) or "none, for Keyway can give this app's users nothing"
    problems = [
        Problem(f"roles[{i}].grants[{j}].kind", f"The app's kinds are: {named}.")
        for i, role in enumerate(schema.roles)
        for j, grant in enumerate(role.grants)
        if grant.kind not in known
    ]
    if not reads_attributes(manifest):
        problems += _unread(schema)
    if problems:
        raise InvalidUserSchema(tuple(problems))
    return schema


def reads_attributes(manifest: Mapping[str, Any]) -> bool:
    """Say whether Keyway reads attributes of the user schema from the app's accounts."""
    return "attributes" in manifest.get("http", {}).get("account", {})


def _unread(schema: UserSchema) -> list[Problem]:
    message = "Keyway cannot read this app's own fields, so this would do nothing."
    return [
        Problem(f"attributes[{i}].{name}", message)
        for i, attribute in enumerate(schema.attributes)
        for name, is_on in (
            ("primaryIdentifier", attribute.primary_identifier),
            ("allowEmptyInSync", attribute.allow_empty_in_sync),
        )
        if is_on
    ]


def kinds_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return what the app can be told to give: the kinds and what they are called."""
    listed = manifest.get("capabilities", {}).get("entitlements", [])
    return {kind["kind"]: kind["label"] for kind in listed if kind["assignable"]}
