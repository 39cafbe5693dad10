"""The **User schema** drawer: rows of attributes to and from what a browser sends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scim.protocol import user_schema
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
_TEXTS = ("name", "label", "type", "mutability", "description")
_FLAGS = ("required", "multiValued", "caseExact")
_PLACE = re.compile(r"attributes\[(\d+)\](?:\.(.+))?")


@dataclass(slots=True)
class Row:
    """One attribute as the form shows it."""

    number: int
    values: dict[str, Any]
    errors: dict[str, list[str]] = field(default_factory=dict)
    is_open: bool = False
    is_new: bool = False

    @property
    def summary(self) -> str:
        """The attribute in short."""
        values = self.values
        parts = [TYPES.get(values["type"], values["type"])]
        parts += ["several"] if values["multiValued"] else []
        parts += ["required"] if values["required"] else []
        return " · ".join(parts)


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
                "canonicalValues": "\n".join(attribute.canonical_values),
            },
        )
        for number, attribute in enumerate(attributes)
    ]


def rows_from(sent: Mapping[str, str]) -> list[Row]:
    """Return the rows that were sent, as they were typed."""
    count = sent.get("count", "0")
    number_of_rows = int(count) if re.fullmatch(r"[0-9]{1,3}", count) else 0
    return [_row(sent, i) for i in range(min(number_of_rows, _MOST))]


_MOST = user_schema.MAX_ATTRIBUTES + 1


def _row(sent: Mapping[str, str], number: int) -> Row:
    def text(name: str) -> str:
        return sent.get(f"{number}-{name}", "").replace("\r\n", "\n").strip()

    values: dict[str, Any] = {name: text(name) for name in _TEXTS}
    values |= {name: bool(text(name)) for name in _FLAGS}
    values["canonicalValues"] = text("canonicalValues")
    values["type"] = values["type"] or "string"
    return Row(number, values, is_open=bool(text("open")))


def definition_of(rows: Iterable[Row]) -> dict[str, Any]:
    """Return what `scim.protocol.user_schema.parse` reads."""
    return {"attributes": [_described(row.values) for row in rows]}


def _described(values: Mapping[str, Any]) -> dict[str, Any]:
    described = {name: values[name] for name in _TEXTS if values[name]}
    described |= {name: True for name in _FLAGS if values[name]}
    if values["type"] == "reference":
        described["caseExact"] = bool(values["caseExact"])
    lines = [line.strip() for line in str(values["canonicalValues"]).split("\n")]
    allowed = [line for line in lines if line]
    if allowed:
        described["canonicalValues"] = allowed
    described["name"] = values["name"]
    return described


def place_problems(rows: list[Row], problems: Iterable[Problem]) -> list[str]:
    """Show each problem beside its field. Returns those that belong to none."""
    homeless = []
    for problem in problems:
        match = _PLACE.fullmatch(problem.place)
        if match is None or int(match[1]) >= len(rows):
            homeless.append(problem.message)
            continue
        row = rows[int(match[1])]
        row.errors.setdefault(match[2] or "name", []).append(problem.message)
        row.is_open = True
    return homeless


def without(rows: list[Row], number: int) -> list[Row]:
    """Return the rows but for one, numbered anew."""
    return _numbered(row for row in rows if row.number != number)


def with_another(rows: list[Row]) -> list[Row]:
    """Return the rows and an empty one."""
    values: dict[str, Any] = dict.fromkeys((*_TEXTS, "canonicalValues"), "")
    values |= dict.fromkeys(_FLAGS, False)
    values |= {"type": "string", "mutability": "readWrite"}
    return _numbered([*rows, Row(0, values, is_open=True, is_new=True)])


def _numbered(rows: Iterable[Row]) -> list[Row]:
    kept = list(rows)
    for number, row in enumerate(kept):
        row.number = number
    return kept
