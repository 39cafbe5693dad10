"""The user schema of one integration: an extension of User made at run time.

RFC 7643 section 3.3. Described as in a manifest's `user_schema.attributes`; the
library builds the model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from scim2_models import CaseExact, Extension, Required, Schema
from scim2_models.resources.schema import Attribute

OWN: Final = "urn:keyway:scim:schemas:extension:"
TYPES: Final = ("string", "boolean", "integer", "decimal", "dateTime")
MAX_ATTRIBUTES: Final = 100
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_RESERVED: Final = {"schemas", "id", "externalid", "meta"}


class InvalidUserSchema(ValueError):
    """The description is no user schema; the message says what is wrong where."""


@dataclass(frozen=True, slots=True)
class UserAttribute:
    """One attribute. RFC 7643 section 7."""

    name: str
    type: str = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    description: str = ""


def urn_of(directory_key: str) -> str:
    """Return the URN of a directory's extension."""
    return f"{OWN}{directory_key}:2.0:User"


def read(user_schema: object) -> tuple[UserAttribute, ...]:
    """Return the attributes of `{"attributes": […]}`. Raises InvalidUserSchema."""
    if user_schema in ({}, None):
        return ()
    listed = user_schema.get("attributes") if isinstance(user_schema, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_ATTRIBUTES:
        raise InvalidUserSchema(
            f"attributes must be a list of at most {MAX_ATTRIBUTES} attributes."
        )
    attributes = tuple(_attribute(f"attributes[{i}]", a) for i, a in enumerate(listed))
    names = [attribute.name.lower() for attribute in attributes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidUserSchema(f"Two attributes have the name {twice}.")
    return attributes


def extension(urn: str, attributes: tuple[UserAttribute, ...]) -> type[Extension]:
    """Return the library's model of the extension."""
    return Extension.from_schema(
        Schema(
            id=urn,
            name="AppUser",
            description="What the app of this integration knows of its users.",
            attributes=[
                Attribute(
                    name=attribute.name,
                    type=Attribute.Type(attribute.type),
                    multi_valued=attribute.multi_valued,
                    required=Required(attribute.required),
                    case_exact=CaseExact(attribute.case_exact),
                    description=attribute.description or attribute.name,
                )
                for attribute in attributes
            ],
        )
    )


def _attribute(place: str, described: Any) -> UserAttribute:
    if not isinstance(described, dict):
        raise InvalidUserSchema(f"{place} must be an object.")
    name = described.get("name")
    if (
        not isinstance(name, str)
        or not _NAME.fullmatch(name)
        or name.lower() in _RESERVED
    ):
        raise InvalidUserSchema(f"{place}.name is no name of an attribute.")
    kind = described.get("type", "string")
    if kind not in TYPES:
        raise InvalidUserSchema(f"{place}.type must be one of: {', '.join(TYPES)}.")
    flags = {
        ours: described.get(theirs, False)
        for ours, theirs in (
            ("multi_valued", "multiValued"),
            ("required", "required"),
            ("case_exact", "caseExact"),
        )
    }
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise InvalidUserSchema(
            f"{place}: multiValued, required and caseExact are true or false."
        )
    text = described.get("description") or described.get("label") or ""
    return UserAttribute(name=name, type=kind, description=str(text), **flags)
