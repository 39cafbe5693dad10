"""Changes to a group's members, taken out of a body or a PATCH.

Members are rows, not part of the document, so that the cost of a change
follows the change and not the group.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    ValuePath,
)

from scim.protocol import paths
from scim.protocol.errors import InvalidValue, Mutability
from scim.protocol.schema import ResourceSchema
from scim.protocol.types import JSON, Document

MAX_MEMBERS: Final = 10_000
"""The most members that one request may name."""

MAX_CHANGES: Final = 200
"""The most steps in which one request may change members."""

_TOO_MANY: Final = f"One request can name {MAX_MEMBERS} members at most."
_ALL: Final = AttrPath("members", None)
"""What nearly every path to the members says: the grammar is not needed."""


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One step. `ids` are public ids; None with no filter means every member."""

    op: Literal["add", "remove", "replace"]
    ids: tuple[str, ...] | None = None
    where: FilterNode | None = None


def from_body(body: Document) -> MemberChange | None:
    """Return the members that a POST or PUT sets, None if it leaves them out."""
    for name, value in body.items():
        if name.lower() == "members":
            return MemberChange("replace", _ids(value))
    return None


def added_by(body: Document) -> list[MemberChange]:
    """Return the members that a POST gives to a group that has none yet."""
    named = from_body(body)
    return [MemberChange("add", named.ids)] if named else []


def split(
    schema: ResourceSchema, operations: list[Document]
) -> tuple[list[Document], list[MemberChange]]:
    """Return the operations on the document and those on the members, in order."""
    if "members" not in schema.attributes:
        return operations, []
    others: list[Document] = []
    changes: list[MemberChange] = []
    for operation in operations:
        path = str(operation.get("path", ""))
        if "members" not in path.lower():
            others.append(operation)
            continue
        node = _ALL if path == "members" else paths.parse(schema, path).ast
        if isinstance(node, AttrPath) and node.attr.lower() == "members":
            changes.append(_whole(operation, node))
        elif isinstance(node, ValuePath) and node.attr_path.attr.lower() == "members":
            changes.append(_selected(operation, node))
        else:
            others.append(operation)
    return others, _joined(changes)


def _joined(changes: list[MemberChange]) -> list[MemberChange]:
    """Make one of changes in a row that all add, or all remove, by ids.

    Raises InvalidValue if that leaves too many, or too many members.
    """
    result: list[MemberChange] = []
    for (op, by_ids), run in groupby(changes, lambda c: (c.op, c.ids is not None)):
        if not by_ids or op == "replace":
            result += run
        else:
            ids = dict.fromkeys(i for change in run for i in change.ids or ())
            result.append(MemberChange(op, tuple(ids)))
    if len(result) > MAX_CHANGES:
        raise InvalidValue(
            f"One request can change members {MAX_CHANGES} times at most; those that "
            "are added, or removed by their ids, one after another count as one."
        )
    if sum(len(change.ids or ()) for change in result) > MAX_MEMBERS:
        raise InvalidValue(_TOO_MANY)
    return result


def _whole(operation: Document, node: AttrPath) -> MemberChange:
    op = str(operation["op"])
    if node.sub_attr is not None:
        raise Mutability("The sub-attributes of members cannot be changed one by one.")
    if op == "remove":
        ids = _ids(operation["value"]) if "value" in operation else None
        return MemberChange("remove", ids)
    if "value" not in operation:
        raise InvalidValue(f"To {op} members takes a value: who they are.")
    return MemberChange("add" if op == "add" else "replace", _ids(operation["value"]))


def _selected(operation: Document, node: ValuePath) -> MemberChange:
    if operation["op"] != "remove" or node.sub_attr is not None:
        raise Mutability(
            "A member can be added or removed; its sub-attributes cannot be changed."
        )
    where = node.val_filter
    if (
        isinstance(where, Comparison)
        and where.op == CompareOperator.eq
        and where.attr_path.attr.lower() == "value"
        and isinstance(where.value, str)
    ):
        return MemberChange("remove", (where.value,))
    return MemberChange("remove", where=where)


def _ids(value: JSON) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_MEMBERS:
        raise InvalidValue(_TOO_MANY)
    return tuple(dict.fromkeys(_id(item) for item in items if item is not None))


def _id(item: JSON) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        found = next((v for k, v in item.items() if k.lower() == "value"), None)
        if isinstance(found, str) and found:
            return found
    raise InvalidValue('A member must look like {"value": "the id of a resource"}.')
