"""What the driver sends. The standard library only, like all of the driver."""

from __future__ import annotations

import json
from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEQUENCE = "__SEQ___"
"""In a body: replaced by a number of as many digits, new for each request."""

Body = dict[str, Any]


def user_name(name: str) -> str:
    return f"{name}@example.com"


def user(name: str, display_name: str = "Bench User") -> Body:
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": user_name(name),
        "externalId": f"ext-{name}",
        "name": {"givenName": "Bench", "familyName": name},
        "displayName": display_name,
        "emails": [{"value": user_name(name), "type": "work", "primary": True}],
        "phoneNumbers": [{"value": "+1 555 0100", "type": "work"}],
        "title": "Engineer",
        "active": True,
        ENTERPRISE: {"employeeNumber": name[-6:], "department": "Research"},
    }


def group(name: str, members: list[str]) -> Body:
    return {
        "schemas": [GROUP],
        "displayName": name,
        "externalId": name,
        "members": [{"value": member} for member in members],
    }


def patch(op: str, path: str, value: object) -> Body:
    return {
        "schemas": [PATCH_OP],
        "Operations": [{"op": op, "path": path, "value": value}],
    }


def add_members(members: list[str]) -> Body:
    return patch("add", "members", [{"value": member} for member in members])


def encode(body: Body) -> bytes:
    return json.dumps(body).encode()
