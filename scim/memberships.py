"""Write who is in a group. The only module that changes that table.

Whole sets in raw SQL: a change of 10,000 members is a few statements, and a change
of one costs no more in a group of 10,000.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from scim import json_sql
from scim.filter_sql import member_condition
from scim.json_sql import Sql
from scim.models import Resource
from scim.protocol.errors import InvalidValue
from scim.protocol.members import MemberChange
from scim.protocol.schema import ResourceSchema

LARGE_GROUP = 200

_FIND = (
    "SELECT r.id, (SELECT m.id FROM scim_groupmember m"
    " WHERE m.group_id = %s AND m.member_id = r.id) FROM scim_resource r"
    " WHERE r.directory_id = %s AND r.resource_type IN ('User', 'Group') AND "
)
_ADD = (
    "INSERT INTO scim_groupmember (directory_id, group_id, member_id, created_at)"
    " SELECT %s, %s, CAST(given.value AS bigint), %s FROM {given} WHERE TRUE"
    " ON CONFLICT (group_id, member_id) DO NOTHING"
)
_REMOVE = (
    "DELETE FROM scim_groupmember WHERE group_id = %s AND {condition}"
    " RETURNING member_id"
)
_SELECTED = (
    "(SELECT m.id FROM scim_groupmember m JOIN scim_resource x ON x.id = m.member_id"
    " WHERE m.group_id = %s AND ({condition}))"
)


@dataclass(slots=True)
class MembersChanged:
    """Whose memberships a write touched: database ids of the members."""

    added: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    unknown: bool = False
    """Whether somebody was left out who is no resource of the directory."""


def change(
    schema: ResourceSchema,
    group: Resource,
    changes: Iterable[MemberChange],
    *,
    now: datetime,
    leave_unknown_out: bool = False,
) -> MembersChanged:
    """Apply the changes in order, at a cost that follows them, not the group.

    Adding who is there and removing who is not succeeds, as RFC 7644 asks.
    Raises InvalidValue for an id that is no resource of this directory, unless it
    is to be added and may be left out.
    """
    changed = MembersChanged()
    for step in changes:
        added, removed = set[int](), set[int]()
        if step.op == "remove":
            removed = _remove(schema, group, step)
        else:
            ids = step.ids or ()
            found = _find(group, ids)
            if len(found) < len(ids):
                if step.op == "replace" or not leave_unknown_out:
                    raise InvalidValue(
                        "members.value must be the id of a user or group of this "
                        "directory."
                    )
                changed.unknown = True
            if step.op == "replace":
                removed = _remove_others(group, found)
            added = _add(
                group, [pk for pk, present in found.items() if not present], now
            )
        was_added, was_removed = changed.added, changed.removed
        changed.added = (was_added - removed) | (added - was_removed)
        changed.removed = (was_removed - added) | (removed - was_added)
    return changed


def is_large(resource: Resource) -> bool:
    """Say whether a group has more members than an answer to a PATCH should carry."""
    if resource.resource_type != "Group":
        return False
    sql = "SELECT 1 FROM scim_groupmember WHERE group_id = %s LIMIT 1 OFFSET %s"
    return bool(_rows(sql, [resource.pk, LARGE_GROUP]))


def _find(group: Resource, ids: tuple[str, ...]) -> dict[int, int | None]:
    """Return the database ids of resources by their public ids.

    Each with the id of its membership, None if it is not in the group.
    """
    if not ids:
        return {}
    named = json_sql.among("r.public_id", list(ids))
    found: dict[int, int | None] = dict(
        _rows(_FIND + named.text, [group.pk, group.directory_id, *named.params])
    )
    if group.pk in found:
        raise InvalidValue("A group cannot be a member of itself.")
    return found


def _add(group: Resource, members: list[int], now: datetime) -> set[int]:
    if members:
        at = connection.ops.adapt_datetimefield_value(now)
        with connection.cursor() as cursor:
            cursor.execute(
                _ADD.format(given=json_sql.given()),
                [
                    group.directory_id,
                    group.pk,
                    at,
                    orjson.dumps(sorted(members)).decode(),
                ],
            )
    return set(members)


def _remove(schema: ResourceSchema, group: Resource, step: MemberChange) -> set[int]:
    if step.where is not None:
        where = member_condition(schema, step.where, group.directory.base_url)
        selected = _SELECTED.format(condition=where.text)
        return _removed(group, Sql(f"id IN {selected}", [group.pk, *where.params]))
    if step.ids is None:
        return _removed(group, Sql("TRUE"))
    present = [pk for pk in _find(group, step.ids).values() if pk is not None]
    return _removed(group, json_sql.among("id", present)) if present else set()


def _remove_others(group: Resource, found: dict[int, int | None]) -> set[int]:
    kept = json_sql.among("member_id", list(found))
    return _removed(group, Sql(f"NOT ({kept.text})", kept.params))


def _removed(group: Resource, condition: Sql) -> set[int]:
    sql = _REMOVE.format(condition=condition.text)
    return {member for (member,) in _rows(sql, [group.pk, *condition.params])}


def _rows(sql: str, params: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
