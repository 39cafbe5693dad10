"""A user schema for one app: what it grants must be what the app can give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim.protocol import user_schema
from scim.protocol.user_schema import InvalidUserSchema, Problem, UserSchema


def parse(manifest: Mapping[str, Any], definition: object) -> UserSchema:
    """Return a user schema for an app. Raises InvalidUserSchema.

    Beyond its form every grant must be of a kind that the app can be given.
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
    if problems:
        raise InvalidUserSchema(tuple(problems))
    return schema


def kinds_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return what the app can be told to give: the kinds and what they are called."""
    listed = manifest.get("capabilities", {}).get("entitlements", [])
    return {kind["kind"]: kind["label"] for kind in listed if kind["assignable"]}
