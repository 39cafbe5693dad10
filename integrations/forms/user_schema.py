"""The **User schema** drawer: rows of fields and of roles to and from the browser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from scim.protocol import custom_roles, user_schema
from scim.protocol.custom_roles import CustomRole
from scim.protocol.user_schema import Problem, UserAttribute

TYPES = {
    "string": "Text",
    "boolean": "True or false",
    "integer": "Whole number",
    "decimal": "Number",
    "dateTime": "Date and time",
    "reference": "Link",
}
MUTABILITIES = {
    "readWrite": "Can be changed",
    "immutable": "Is set once",
}
RETURNED = {
    "default": "Unless your IdP leaves it out",
    "always": "Always",
    "request": "Only when your IdP asks for it",
    "never": "Never",
}
CLASSIFICATIONS = {
    "plain": "Plain",
    "confidential": "Confidential",
}
_CHOICES = {
    "type": "string",
    "mutability": "readWrite",
    "returned": "default",
    "dataClassification": "plain",
}
"""The lists to choose from, each with what it begins with."""

_TEXTS = ("name", "label", *_CHOICES, "description")
_FLAGS = (
    "required",
    "multiValued",
    "caseExact",
    "primaryIdentifier",
    "allowEmptyInSync",
)
_PLACE = re.compile(r"(attributes|roles)\[(\d+)\](?:\.(\w+)(?:\[(\d+)\])?.*)?")
_ROLE_TEXTS = ("value", "displayName", "description", "ranking")
_ROLE_LINES = ("incompatibleRoles", "grants")
_PARTS = {
    "value": "Value",
    "displayName": "Display name",
    "description": "Description",
    "ranking": "Rank",
    "incompatibleRoles": "Incompatible roles",
    "grants": "Stands for",
    "dataClassification": "Data classification",
    "primaryIdentifier": "Primary identifier",
    "allowEmptyInSync": "Allow empty in sync",
}


@dataclass(slots=True)
class Row:
    """One attribute as the form shows it."""

    number: int
    values: dict[str, Any]
    errors: dict[str, list[str]] = field(default_factory=dict)
    is_open: bool = False
    is_new: bool = False

    @property
    def id(self) -> str:
        """What the ids of its fields begin with."""
        return f"schema-{self.number}"

    @property
    def name(self) -> str:
        """What stands for it in a list of problems."""
        return self.values["name"] or "New field"

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        """Its errors as (id of the field, name of the part, what is wrong)."""
        return [
            (f"{self.id}-{part}", _PARTS.get(part, part), " ".join(errors))
            for part, errors in self.errors.items()
        ]

    @property
    def is_confidential(self) -> bool:
        """Whether nobody should see its values."""
        return bool(self.values["dataClassification"] == "confidential")

    @property
    def summary(self) -> str:
        """The attribute in short."""
        values = self.values
        parts = [TYPES.get(values["type"], values["type"])]
        parts += ["several"] if values["multiValued"] else []
        parts += ["required"] if values["required"] else []
        parts += ["primary identifier"] if values["primaryIdentifier"] else []
        parts += ["confidential"] if self.is_confidential else []
        return " · ".join(parts)


@dataclass(slots=True)
class RoleRow(Row):
    """One custom role as the form shows it."""

    missing: list[str] = field(default_factory=list)
    """What it should give and the app is not known to have."""

    @property
    def id(self) -> str:
        """What the ids of its fields begin with."""
        return f"role-{self.number}"

    @property
    def name(self) -> str:
        """What people call the role."""
        return self.values["displayName"] or self.values["value"] or "New role"

    @property
    def summary(self) -> str:
        """The role in short."""
        gives, excluded = (_lines(self.values[n]) for n in ("grants", _ROLE_LINES[0]))
        parts = [f"rank {self.values['ranking']}"]
        parts += [f"gives {len(gives)}"] if gives else []
        parts += [f"excludes {len(excluded)}"] if excluded else []
        return " · ".join(parts)


AnyRow = TypeVar("AnyRow", bound=Row)


def rows_of(attributes: Iterable[UserAttribute]) -> list[Row]:
    """Return the rows for a schema as it is."""
    return [
        Row(
            number,
            {
                "name": attribute.name,
                "label": attribute.label,
                "type": attribute.type,
                "mutability": attribute.mutability,
                "description": attribute.description,
                "required": attribute.required,
                "multiValued": attribute.multi_valued,
                "caseExact": attribute.case_exact,
                "returned": attribute.returned,
                "dataClassification": attribute.data_classification,
                "primaryIdentifier": attribute.primary_identifier,
                "allowEmptyInSync": attribute.allow_empty_in_sync,
                "canonicalValues": "\n".join(attribute.canonical_values),
            },
        )
        for number, attribute in enumerate(attributes)
    ]


def role_rows_of(roles: Iterable[CustomRole]) -> list[RoleRow]:
    """Return the rows for the roles of a schema as it is."""
    return [
        RoleRow(
            number,
            {
                "value": role.value,
                "displayName": role.display_name,
                "description": role.description,
                "ranking": str(role.ranking),
                "incompatibleRoles": "\n".join(role.incompatible_roles),
                "grants": "\n".join(f"{g.kind}: {g.name}" for g in role.grants),
            },
        )
        for number, role in enumerate(roles)
    ]


def rows_from(sent: Mapping[str, str]) -> list[Row]:
    """Return the rows that were sent, as they were typed."""
    return [_row(sent, i) for i in range(_count(sent, "count", _MOST))]


def role_rows_from(sent: Mapping[str, str]) -> list[RoleRow]:
    """Return the rows of roles that were sent, as they were typed."""
    return [_role_row(sent, i) for i in range(_count(sent, "roles", _MOST_ROLES))]


_MOST = user_schema.MAX_ATTRIBUTES + 1
_MOST_ROLES = custom_roles.MAX_ROLES + 1


def _count(sent: Mapping[str, str], name: str, most: int) -> int:
    count = sent.get(name, "0")
    return min(int(count), most) if re.fullmatch(r"[0-9]{1,3}", count) else 0


def _role_row(sent: Mapping[str, str], number: int) -> RoleRow:
    values = {
        name: sent.get(f"role-{number}-{name}", "").replace("\r\n", "\n").strip()
        for name in (*_ROLE_TEXTS, *_ROLE_LINES)
    }
    return RoleRow(number, values)


def _row(sent: Mapping[str, str], number: int) -> Row:
    def text(name: str) -> str:
        return sent.get(f"{number}-{name}", "").replace("\r\n", "\n").strip()

    values: dict[str, Any] = {name: text(name) for name in _TEXTS}
    values |= {name: bool(text(name)) for name in _FLAGS}
    values["canonicalValues"] = text("canonicalValues")
    values |= {name: values[name] or usual for name, usual in _CHOICES.items()}
    return Row(number, values, is_open=bool(text("open")))


def definition_of(
    rows: Iterable[Row], role_rows: Iterable[Row], kinds: Iterable[str]
) -> dict[str, Any]:
    """Return what `integrations.app_schema.parse` reads.

    `kinds` are those of the app; where there is one, a grant need not name it.
    """
    known = list(kinds)
    return {
        "attributes": [_described(row.values) for row in rows],
        "roles": [_described_role(row.values, known) for row in role_rows],
    }


def _described_role(values: Mapping[str, str], kinds: list[str]) -> dict[str, Any]:
    ranking = values["ranking"]
    is_number = re.fullmatch(r"[0-9]{1,9}", ranking) is not None
    described: dict[str, Any] = {name: values[name] for name in _ROLE_TEXTS}
    described["ranking"] = int(ranking) if is_number else ranking
    described["incompatibleRoles"] = _lines(values["incompatibleRoles"])
    described["grants"] = [_grant(line, kinds) for line in _lines(values["grants"])]
    return described


def _grant(line: str, kinds: list[str]) -> dict[str, str]:
    kind, _, name = (part.strip() for part in line.partition(":"))
    if kind.lower() not in kinds and len(kinds) == 1:
        return {"kind": kinds[0], "name": line}
    return {"kind": kind.lower(), "name": name}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in str(text).split("\n") if line.strip()]


def _described(values: Mapping[str, Any]) -> dict[str, Any]:
    described = {name: values[name] for name in _TEXTS if values[name]}
    described |= {name: True for name in _FLAGS if values[name]}
    if values["type"] == "reference":
        described["caseExact"] = bool(values["caseExact"])
    allowed = _lines(values["canonicalValues"])
    if allowed:
        described["canonicalValues"] = allowed
    described["name"] = values["name"]
    return described


NAME_MISSING = "Enter a name, such as costCenter."


def place_problems(
    rows: list[Row], role_rows: list[RoleRow], problems: Iterable[Problem]
) -> list[str]:
    """Show each problem beside its field. Returns those that belong to none."""
    homeless = []
    for problem in problems:
        match = _PLACE.fullmatch(problem.place)
        listed: list[Any] = role_rows if match and match[1] == "roles" else rows
        if match is None or int(match[2]) >= len(listed):
            homeless.append(problem.message)
            continue
        row = listed[int(match[2])]
        first = "value" if match[1] == "roles" else "name"
        part = match[3] or first
        entry = f"Entry {int(match[4]) + 1}: " if match[4] else ""
        is_missing = part == "name" and not row.values["name"]
        message = NAME_MISSING if is_missing else entry + problem.message
        row.errors.setdefault(part, []).append(message)
        row.is_open = True
    return homeless


def without(rows: list[AnyRow], number: int) -> list[AnyRow]:
    """Return the rows but for one, numbered anew."""
    return _numbered(row for row in rows if row.number != number)


def with_another(rows: list[Row]) -> list[Row]:
    """Return the rows and an empty one."""
    values: dict[str, Any] = dict.fromkeys((*_TEXTS, "canonicalValues"), "")
    values |= dict.fromkeys(_FLAGS, False)
    values |= _CHOICES
    return _numbered([*rows, Row(0, values, is_open=True, is_new=True)])


def with_another_role(rows: list[RoleRow]) -> list[RoleRow]:
    """Return the rows and an empty one, weaker than all others."""
    ranks = [int(r.values["ranking"]) for r in rows if r.values["ranking"].isdecimal()]
    values: dict[str, Any] = dict.fromkeys((*_ROLE_TEXTS, *_ROLE_LINES), "")
    values["ranking"] = str(min(max(ranks, default=0) + 1, custom_roles.MAX_RANKING))
    return _numbered([*rows, RoleRow(0, values, is_open=True, is_new=True)])


def _numbered(rows: Iterable[AnyRow]) -> list[AnyRow]:
    kept = list(rows)
    for number, row in enumerate(kept):
        row.number = number
    return kept
