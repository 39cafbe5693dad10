"""What a comparison reads, and the comparison itself as SQL.

Values are brought into the form in which they are kept: see
`scim.protocol.comparable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from scim import json_sql
from scim.json_sql import Sql
from scim.protocol.comparable import string_key, time_key, user_name_key
from scim.protocol.errors import InvalidFilter, InvalidValue
from scim.protocol.paths import CompareOperator, Comparison
from scim.protocol.schema import Attribute

_FRAGMENTS = {CompareOperator.co, CompareOperator.sw, CompareOperator.ew}
_COMPARISONS = {
    CompareOperator.eq: "=",
    CompareOperator.gt: ">",
    CompareOperator.ge: ">=",
    CompareOperator.lt: "<",
    CompareOperator.le: "<=",
}


@dataclass(frozen=True, slots=True)
class Operand:
    """What a comparison reads: its SQL, its attribute, and how it is kept."""

    sql: Sql
    attribute: Attribute
    kept_as: str = "text"
    """`text`, `json`, `boolean` or `time`."""


def member_operand(leaf: Attribute, base_url: str, *, groups: bool) -> Operand:
    """Return what a sub-attribute of `members` or `groups` reads."""
    if leaf.name == "value":
        return Operand(Sql("x.public_id"), leaf)
    if leaf.name == "display":
        name = json_sql.text("x.comparable", ("displayName",))
        formatted = json_sql.text("x.comparable", ("name", "formatted"))
        return Operand(
            Sql(
                f"COALESCE(x.group_name_key, {name.text}, {formatted.text}, "
                "x.user_name_key)",
                name.params + formatted.params,
            ),
            leaf,
        )
    if leaf.name == "type":
        kind = (
            "'direct'"
            if groups
            else "CASE x.resource_type WHEN 'User' THEN 'user' ELSE 'group' END"
        )
        return Operand(Sql(kind), leaf)
    return Operand(
        Sql("(%s || x.resource_type || 's/' || x.public_id)", [f"{base_url}/"]), leaf
    )


def compare(operand: Operand, node: Comparison) -> Sql:
    """Return one comparison. `ne` and null are the callers' business."""
    attribute, sql = operand.attribute, operand.sql
    if attribute.type == "complex":
        raise InvalidFilter(f"{attribute.name} needs a sub-attribute to compare.")
    if node.op in _FRAGMENTS:
        return _fragment(operand, node)
    try:
        value = _comparable(operand, node.value)
    except InvalidValue as error:
        if attribute.name == "userName":
            return Sql("1 = 0")
        raise InvalidFilter(error.detail) from None
    ordered = node.op != CompareOperator.eq
    if attribute.type == "boolean" and ordered:
        raise InvalidFilter(f"{attribute.name} can be compared with eq and ne only.")
    left = sql.text
    if ordered and isinstance(value, str):
        left = f"{left} {json_sql.collation()}"
    return Sql(f"{left} {_COMPARISONS[node.op]} %s", [*sql.params, value])


def _fragment(operand: Operand, node: Comparison) -> Sql:
    attribute, sql = operand.attribute, operand.sql
    if attribute.type not in {"string", "reference"} or not isinstance(node.value, str):
        raise InvalidFilter(f"{attribute.name} cannot be searched for a part.")
    part = string_key(node.value, case_exact=attribute.case_exact)
    if not part:
        return Sql(f"{sql.text} IS NOT NULL", sql.params)
    return json_sql.fragment(node.op.value, sql, part)


def _comparable(operand: Operand, value: Any) -> Any:
    """Return the parameter to compare with. Raises InvalidValue."""
    attribute = operand.attribute
    match attribute.type:
        case "boolean":
            truth = value if isinstance(value, bool) else str(value).lower() == "true"
            as_column = operand.kept_as == "boolean"
            return truth if as_column else json_sql.boolean(truth=truth)
        case "integer" | "decimal":
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidValue(f"{attribute.name} is compared with a number.")
            return value
        case "dateTime":
            return _time(operand, str(value))
    if not isinstance(value, str):
        raise InvalidValue(f"{attribute.name} is compared with a string.")
    return _text(attribute, value)


def _time(operand: Operand, value: str) -> Any:
    key = time_key(value)
    if operand.kept_as != "time":
        return key
    return connection.ops.adapt_datetimefield_value(datetime.fromisoformat(key))


def _text(attribute: Attribute, value: str) -> str:
    if attribute.name == "userName":
        return user_name_key(value)
    if attribute.type == "binary":
        return value
    return string_key(value, case_exact=attribute.case_exact)


def json_operand(base: str, keys: tuple[str, ...], attribute: Attribute) -> Operand:
    """Return what reads an attribute out of a JSON column."""
    if attribute.type in {"integer", "decimal"}:
        return Operand(json_sql.number(base, keys), attribute, "json")
    return Operand(json_sql.text(base, keys), attribute)
