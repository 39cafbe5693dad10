"""Insert and update rows without building the statement through the ORM.

For the few writes that every SCIM request makes: the statement is built once a
model, the values are adapted by the model's own fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from django.db import connection, models


def insert(row: models.Model) -> bool:
    """Insert an unsaved row and give it its primary key.

    False if a unique index refuses it; then the transaction can go on.
    """
    meta = type(row)._meta
    fields = [f for f in meta.concrete_fields if not f.primary_key]
    with connection.cursor() as cursor:
        cursor.execute(_insert(type(row)), _values(row, fields))
        inserted = cursor.fetchone()
    if inserted is None:
        return False
    (row.pk,) = inserted
    row._state.adding = False
    row._state.db = connection.alias
    return True


def insert_many(model: type[models.Model], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows given as dictionaries from every column but the key to its value.

    They travel as one JSON text, however many they are. Defaults of the model do
    not apply.
    """
    given = orjson.dumps(
        rows, default=_time_as_text, option=orjson.OPT_PASSTHROUGH_DATETIME
    )
    with connection.cursor() as cursor:
        cursor.execute(_insert_many(model, connection.vendor), [given.decode()])


def update(row: models.Model, names: tuple[str, ...]) -> None:
    """Write the named fields of a row that exists."""
    fields = [type(row)._meta.get_field(name) for name in names]
    with connection.cursor() as cursor:
        cursor.execute(_update(type(row), names), [*_values(row, fields), row.pk])


def _values(row: models.Model, fields: list[Any]) -> list[Any]:
    return [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]


def _time_as_text(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is no value of a column.")
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


@cache
def _insert_many(model: type[models.Model], vendor: str) -> str:
    meta = model._meta
    names = [f.column for f in meta.concrete_fields if not f.primary_key]
    columns = ", ".join(f'"{name}"' for name in names)
    if vendor == "sqlite":
        values = ", ".join(f"json_extract(value, '$.{name}')" for name in names)
        given = "json_each(%s)"
    else:
        values = columns
        given = f'json_populate_recordset(NULL::"{meta.db_table}", %s::json)'
    return f'INSERT INTO "{meta.db_table}" ({columns}) SELECT {values} FROM {given}'


@cache
def _insert(model: type[models.Model]) -> str:
    meta = model._meta
    columns = [f'"{f.column}"' for f in meta.concrete_fields if not f.primary_key]
    marks = ", ".join(["%s"] * len(columns))
    return (
        f'INSERT INTO "{meta.db_table}" ({", ".join(columns)}) VALUES ({marks})'
        f' ON CONFLICT DO NOTHING RETURNING "{meta.pk.column}"'
    )


@cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> str:
    meta = model._meta
    fields: list[Any] = [meta.get_field(name) for name in names]
    columns = ", ".join(f'"{field.column}" = %s' for field in fields)
    return f'UPDATE "{meta.db_table}" SET {columns} WHERE "{meta.pk.column}" = %s'
