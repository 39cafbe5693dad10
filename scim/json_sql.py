"""Reading JSON columns in SQL, on PostgreSQL and on SQLite.

`base` is a column or alias of ours; keys are names of a schema and travel as
parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
    """Return the value at `keys` as a number, NULL if there is none."""
    value = text(base, keys)
    if _is_sqlite():
        return value
    return Sql(f"{value.text}::numeric", value.params)


def exists(base: str, keys: tuple[str, ...]) -> Sql:
    """Return the condition that there is a value at `keys`."""
    value = text(base, keys)
    return Sql(f"{value.text} IS NOT NULL", value.params)


def elements(base: str, keys: tuple[str, ...]) -> Sql:
    """Return the values of a list as a table `e` with the column `value`."""
    if _is_sqlite():
        return Sql(f"json_each({base}, %s) AS e", [_sqlite_path(keys)])
    return Sql(f"jsonb_array_elements({base} #> %s::text[]) AS e(value)", [list(keys)])


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
        f"(SELECT {value.text} FROM jsonb_array_elements({base} #> %s::text[]) "
        "WITH ORDINALITY AS e(value, place) ORDER BY "
        "COALESCE(e.value ->> 'primary', '') = 'true' DESC, e.place LIMIT 1)",
        [*value.params, list(keys)],
    )


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
