"""Reading JSON columns in SQL, on PostgreSQL and on SQLite.

`base` is a column or alias of ours; keys are names of a schema and travel as
parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and its parameters."""

    text: str
    params: list[Any] = field(default_factory=list)


def _is_sqlite() -> bool:
    return connection.vendor == "sqlite"


def _sqlite_path(keys: tuple[str, ...]) -> str:
    return "$" + "".join(f'."{key}"' for key in keys)


def text(base: str, keys: tuple[str, ...]) -> Sql:
    """Return the value at `keys` as text, NULL if there is none."""
    if _is_sqlite():
        if not keys:
            return Sql(base)
        return Sql(f"json_extract({base}, %s)", [_sqlite_path(keys)])
    return Sql(f"({base} #>> %s::text[])", [list(keys)])


def number(base: str, keys: tuple[str, ...]) -> Sql:
    """Return the value at `keys` as a number, NULL if there is none.

    Text there is none: it stands from before the schema said number.
    """
    value = text(base, keys)
    if _is_sqlite():
        kind = f"typeof({value.text}) IN ('integer', 'real')"
        return Sql(f"(CASE WHEN {kind} THEN {value.text} END)", value.params * 2)
    kind = f"jsonb_typeof({base} #> %s::text[]) = 'number'"
    return Sql(
        f"(CASE WHEN {kind} THEN {value.text}::numeric END)",
        [list(keys), *value.params],
    )


def exists(base: str, keys: tuple[str, ...]) -> Sql:
    """Return the condition that there is a value at `keys`."""
    value = text(base, keys)
    return Sql(f"{value.text} IS NOT NULL", value.params)


def elements(base: str, keys: tuple[str, ...]) -> Sql:
    """Return the values of a list as a table `e` with the column `value`."""
    if _is_sqlite():
        return Sql(f"json_each({base}, %s) AS e", [_sqlite_path(keys)])
    listed = _list_sql(base)
    params = [list(keys), list(keys)]
    return Sql(f"jsonb_array_elements({listed}) AS e(value)", params)


def given() -> str:
    """Return the values of a parameter, a JSON list, as a table `given`."""
    if _is_sqlite():
        return "json_each(%s) AS given"
    return "json_array_elements_text(%s::json) AS given(value)"


def among(column: str, values: list[Any]) -> Sql:
    """Return the condition that a column has one of the values."""
    if _is_sqlite():
        listed = orjson.dumps(values).decode()
        return Sql(f"{column} IN (SELECT value FROM json_each(%s))", [listed])
    return Sql(f"{column} = ANY(%s)", [values])


def primary(base: str, keys: tuple[str, ...], within: tuple[str, ...]) -> Sql:
    """Return the primary value of a list, or else its first, for sorting."""
    value = text("e.value", within)
    if _is_sqlite():
        return Sql(
            f"(SELECT {value.text} FROM json_each({base}, %s) AS e ORDER BY "
            "CASE WHEN e.type = 'object' AND json_extract(e.value, '$.primary') "
            "THEN 0 ELSE 1 END, e.key LIMIT 1)",
            [*value.params, _sqlite_path(keys)],
        )
    return Sql(
        f"(SELECT {value.text} FROM jsonb_array_elements({_list_sql(base)}) "
        "WITH ORDINALITY AS e(value, place) ORDER BY "
        "COALESCE(e.value ->> 'primary', '') = 'true' DESC, e.place LIMIT 1)",
        [*value.params, list(keys), list(keys)],
    )


def _list_sql(base: str) -> str:
    """Return the list at some keys (given twice), or else NULL, on PostgreSQL."""
    found = f"{base} #> %s::text[]"
    return f"CASE WHEN jsonb_typeof({found}) = 'array' THEN {found} END"


def fragment(operator: str, value: Sql, part: str) -> Sql:
    """Return `value` contains, starts or ends with (`co`, `sw`, `ew`) a part."""
    sqlite = _is_sqlite()
    if operator == "co":
        function = "instr" if sqlite else "strpos"
        return Sql(f"{function}({value.text}, %s) > 0", [*value.params, part])
    if operator == "sw":
        if sqlite:
            return Sql(
                f"substr({value.text}, 1, %s) = %s", [*value.params, len(part), part]
            )
        return Sql(f"starts_with({value.text}, %s)", [*value.params, part])
    if sqlite:
        return Sql(f"substr({value.text}, %s) = %s", [*value.params, -len(part), part])
    return Sql(f"right({value.text}, %s) = %s", [*value.params, len(part), part])


def boolean(*, truth: bool) -> str | int:
    """Return how `text` shows true and false."""
    return int(truth) if _is_sqlite() else str(truth).lower()


def collation() -> str:
    """Return the COLLATE clause that orders by code point."""
    return "" if _is_sqlite() else 'COLLATE "C"'
