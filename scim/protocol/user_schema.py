"""The user schema of one directory: custom attributes and custom roles.

The attributes are an extension of User made at run time, RFC 7643 section 3.3; the
library builds the model. Both are described as in a manifest's `user_schema`.
`parse` is for what a person or a manifest submits and says all that is wrong;
`read` is for what is stored and never fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from scim2_models import (
    CaseExact,
    Extension,
    Mutability,
    Required,
    Returned,
    Schema,
)
from scim2_models.resources.schema import Attribute

from scim.protocol import custom_roles
from scim.protocol.custom_roles import CustomRole, is_text, shown
from scim.protocol.models import User
from scim.protocol.types import JSON, Document

OWN: Final = "urn:keyway:scim:schemas:extension:"
TYPES: Final = ("string", "boolean", "integer", "decimal", "dateTime", "reference")
MUTABILITIES: Final = ("readWrite", "immutable")
RETURNED: Final = ("always", "default", "request", "never")
CLASSIFICATIONS: Final = ("plain", "confidential")
MAX_ATTRIBUTES: Final = 100
MAX_LABEL: Final = 100
MAX_DESCRIPTION: Final = 500
MAX_CANONICAL_VALUES: Final = 100
MAX_CANONICAL_VALUE: Final = 200

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""ATTRNAME of RFC 7643 section 2.1 without `$`, which no filter can name."""

_RESERVED: Final = {"schemas", "id", "externalid", "meta"}
_OF_LIBRARY: Final = ("modeldump", "modelvalidate")
"""How the library's own methods begin; it warns of attributes that do so too."""

_CORE: Final = {str(a.name).lower() for a in User.to_schema().attributes or []}
_CASE_FITS: Final = ("string", "reference")
_IDENTIFIERS: Final = ("string", "integer", "reference")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a definition, where, and what would be right."""

    place: str
    """Such as `attributes[2].type`."""

    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class InvalidUserSchema(ValueError):
    """The definition is no user schema; `problems` holds all that is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class UserAttribute:
    """One attribute: RFC 7643 section 7, and what Keyway alone knows of it."""

    name: str
    type: str = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    data_classification: str = "plain"
    """`confidential`: no page, record or log shows the value."""

    primary_identifier: bool = False
    """Whether it tells whose account it is, before the user name does."""

    allow_empty_in_sync: bool = False
    """Whether a sync takes the value away once the app has none."""

    canonical_values: tuple[str, ...] = ()
    label: str = ""
    description: str = ""

    @property
    def described(self) -> Document:
        """The attribute as it is stored: what goes without saying is left out."""
        values: Document = {
            "label": self.label,
            "multiValued": self.multi_valued,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": self.mutability,
            "returned": self.returned,
            "dataClassification": self.data_classification,
            "primaryIdentifier": self.primary_identifier,
            "allowEmptyInSync": self.allow_empty_in_sync,
            "canonicalValues": list(self.canonical_values),
            "description": self.description,
        }
        unsaid: Document = {
            **dict.fromkeys(values, None),
            "caseExact": self.type == "reference",
            "mutability": "readWrite",
            "returned": "default",
            "dataClassification": "plain",
        }
        said = {
            name: value
            for name, value in values.items()
            if value != unsaid[name] and (value or name == "caseExact")
        }
        return {"name": self.name, "type": self.type, **said}


@dataclass(frozen=True, slots=True)
class UserSchema:
    """What a directory knows of users beyond SCIM."""

    attributes: tuple[UserAttribute, ...] = ()
    roles: tuple[CustomRole, ...] = ()

    @property
    def primary_identifier(self) -> UserAttribute | None:
        """The attribute that tells whose account it is, if one does."""
        return next((a for a in self.attributes if a.primary_identifier), None)

    @property
    def confidential(self) -> frozenset[str]:
        """The names of the attributes whose values nobody should see."""
        return frozenset(
            a.name for a in self.attributes if a.data_classification != "plain"
        )


def urn_of(directory_key: str) -> str:
    """Return the URN of a directory's extension."""
    return f"{OWN}{directory_key}:2.0:User"


def parse(submitted: object) -> UserSchema:
    """Return `{"attributes": […], "roles": […]}`. Raises InvalidUserSchema.

    `roles` may be left out; then there are none.
    """
    if submitted in ({}, None):
        return UserSchema()
    described = submitted if isinstance(submitted, dict) else {}
    listed, roles = described.get("attributes"), described.get("roles", [])
    problems = [*_attribute_problems(listed)]
    problems += [Problem(*found) for found in custom_roles.problems_in(roles)]
    if problems:
        raise InvalidUserSchema(tuple(problems))
    return UserSchema(
        tuple(map(_attribute, described["attributes"])),
        custom_roles.roles_from(roles),
    )


def read(stored: object) -> UserSchema:
    """Return a stored schema; what is malformed is left out.

    Never fails: a request must not, whatever somebody wrote into the table.
    """
    described = stored if isinstance(stored, dict) else {}
    listed = described.get("attributes")
    found: dict[str, UserAttribute] = {}
    for attribute in listed if isinstance(listed, list) else []:
        if next(_misshapen(attribute), None) is None:
            found.setdefault(_key(attribute["name"]), _attribute(attribute))
    return UserSchema(
        tuple(found.values())[:MAX_ATTRIBUTES],
        custom_roles.roles_from(described.get("roles")),
    )


def stored(schema: UserSchema) -> Document:
    """Return what a directory keeps; `read` gives the schema back."""
    attributes: list[JSON] = [attribute.described for attribute in schema.attributes]
    roles: list[JSON] = [role.described for role in schema.roles]
    if roles:
        return {"attributes": attributes, "roles": roles}
    return {"attributes": attributes} if attributes else {}


def extension(urn: str, attributes: tuple[UserAttribute, ...]) -> type[Extension]:
    """Return the library's model of the extension."""
    return Extension.from_schema(
        Schema(
            id=urn,
            name="AppUser",
            description="What the app of this integration knows of its users.",
            attributes=[_library_attribute(attribute) for attribute in attributes],
        )
    )


def _library_attribute(attribute: UserAttribute) -> Attribute:
    return Attribute(
        name=attribute.name,
        type=Attribute.Type(attribute.type),
        multi_valued=attribute.multi_valued,
        required=Required(attribute.required),
        case_exact=CaseExact(attribute.case_exact),
        mutability=Mutability(attribute.mutability),
        returned=Returned(attribute.returned),
        canonical_values=list(attribute.canonical_values) or None,
        reference_types=["uri"] if attribute.type == "reference" else None,
        description=attribute.description or attribute.label or attribute.name,
    )


def _attribute_problems(listed: Any) -> Iterator[Problem]:
    if not isinstance(listed, list) or len(listed) > MAX_ATTRIBUTES:
        message = f"This must be a list of at most {MAX_ATTRIBUTES} attributes."
        yield Problem("attributes", message)
        return
    for i, described in enumerate(listed):
        for name, message in (*_misshapen(described), *_unfit(described)):
            place = f"attributes[{i}].{name}" if name else f"attributes[{i}]"
            yield Problem(place, message)
    yield from _alike(listed)
    yield from _rivals(listed)


def _attribute(described: dict[str, Any]) -> UserAttribute:
    kind = described.get("type", "string")
    return UserAttribute(
        name=described["name"],
        type=kind,
        multi_valued=described.get("multiValued", False),
        required=described.get("required", False),
        case_exact=described.get("caseExact", kind == "reference"),
        mutability=described.get("mutability", "readWrite"),
        returned=described.get("returned", "default"),
        data_classification=described.get("dataClassification", "plain"),
        primary_identifier=described.get("primaryIdentifier", False),
        allow_empty_in_sync=described.get("allowEmptyInSync", False),
        canonical_values=tuple(described.get("canonicalValues", ())),
        label=described.get("label", ""),
        description=described.get("description", ""),
    )


def _key(name: str) -> str:
    """Return what no two names may share.

    More than the case that RFC 7643 section 2.1 asks for: `cost_code` beside
    `costCode` could be told apart by no person, and not by the library.
    """
    return re.sub("[_-]", "", name).lower()


def _is_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and _NAME.fullmatch(value) is not None
        and value.lower() not in _RESERVED
        and not _key(value).startswith(_OF_LIBRARY)
    )


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _are_canonical_values(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_CANONICAL_VALUES
        and all(is_text(v, MAX_CANONICAL_VALUE, empty=False) for v in value)
        and len(set(value)) == len(value)
    )


_FLAG: Final = (_is_flag, "This must be true or false.")
_SHAPES: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "name": (
        _is_name,
        "This must be a letter and then at most 63 letters, digits, - or _, and "
        "none of schemas, id, externalId and meta, nor begin with modelDump or "
        "modelValidate.",
    ),
    "type": (TYPES.__contains__, f"This must be one of: {', '.join(TYPES)}."),
    "multiValued": _FLAG,
    "required": _FLAG,
    "caseExact": _FLAG,
    "mutability": (
        MUTABILITIES.__contains__,
        f"This must be one of: {', '.join(MUTABILITIES)}.",
    ),
    "returned": (
        RETURNED.__contains__,
        f"This must be one of: {', '.join(RETURNED)}.",
    ),
    "dataClassification": (
        CLASSIFICATIONS.__contains__,
        f"This must be one of: {', '.join(CLASSIFICATIONS)}.",
    ),
    "primaryIdentifier": _FLAG,
    "allowEmptyInSync": _FLAG,
    "uniqueness": (
        ("none",).__contains__,
        "This must be none: of users only userName is kept unique.",
    ),
    "canonicalValues": (
        _are_canonical_values,
        f"This must be a list of at most {MAX_CANONICAL_VALUES} different texts of "
        f"1 to {MAX_CANONICAL_VALUE} characters.",
    ),
    "label": (
        lambda value: is_text(value, MAX_LABEL),
        f"This must be one line of at most {MAX_LABEL} characters.",
    ),
    "description": (
        lambda value: is_text(value, MAX_DESCRIPTION),
        f"This must be one line of at most {MAX_DESCRIPTION} characters.",
    ),
}


def _misshapen(described: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, message) for every part of an attribute that has a wrong form."""
    if not isinstance(described, dict):
        yield "", "This must be an object."
        return
    for name, (is_right, message) in _SHAPES.items():
        if (name in described or name == "name") and not is_right(described.get(name)):
            yield name, message


def _unfit(described: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, message) for every part that has no place where it stands."""
    if not isinstance(described, dict):
        return
    for name in described.keys() - _SHAPES.keys():
        yield shown(name), f"This is not known. Known are: {', '.join(_SHAPES)}."
    name, kind = described.get("name"), described.get("type", "string")
    if isinstance(name, str) and name.lower() in _CORE:
        yield "name", "User has an attribute of this name already."
    if described.get("caseExact") is True and kind not in _CASE_FITS:
        yield "caseExact", f"Only a {' or a '.join(_CASE_FITS)} can be caseExact."
    if described.get("canonicalValues") and kind != "string":
        yield "canonicalValues", "Only a string can have canonicalValues."
    yield from _unfit_options(described, kind)


def _unfit_options(described: dict[str, Any], kind: Any) -> Iterator[tuple[str, str]]:
    if described.get("dataClassification") == "confidential" and kind == "boolean":
        yield (
            "dataClassification",
            "A boolean cannot be confidential: it has two values to guess.",
        )
    is_fit = kind in _IDENTIFIERS and described.get("multiValued") is not True
    if described.get("primaryIdentifier") is True and not is_fit:
        message = f"Only a {' or a '.join(_IDENTIFIERS)} of one value can identify."
        yield "primaryIdentifier", message
    if described.get("allowEmptyInSync") is True and described.get("required") is True:
        yield "allowEmptyInSync", "A required attribute cannot be taken away."


def _alike(listed: list[Any]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for i, described in enumerate(listed):
        name = described.get("name") if isinstance(described, dict) else None
        if not isinstance(name, str) or not _is_name(name):
            continue
        first = seen.setdefault(_key(name), f"attributes[{i}]")
        if first != f"attributes[{i}]":
            message = f"{first} has this name, but perhaps for case, - and _."
            yield Problem(f"attributes[{i}].name", message)


def _rivals(listed: list[Any]) -> Iterator[Problem]:
    """Yield a problem for each primary identifier beside the first."""
    claims = [
        i
        for i, described in enumerate(listed)
        if isinstance(described, dict) and described.get("primaryIdentifier") is True
    ]
    for i in claims[1:]:
        message = f"attributes[{claims[0]}] is the primary identifier already."
        yield Problem(f"attributes[{i}].primaryIdentifier", message)
