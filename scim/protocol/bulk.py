"""Bulk requests: RFC 7644 section 3.7. Reads the message and plans the order.

An operation may refer to what another one creates, by `bulkId:` and the name it
was given, in its path or anywhere in its data; forwards and in circles too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from scim.protocol.errors import InvalidSyntax, InvalidValue, PayloadTooLarge
from scim.protocol.types import JSON, Document

MAX_OPERATIONS: Final = 1_000
REQUEST_URN: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE_URN: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_METHODS: Final = {"POST", "PUT", "PATCH", "DELETE"}
_PATH: Final = re.compile(r"/?(?P<endpoint>[A-Za-z]+)(?:/(?P<target>[^/]+))?/?")
_PREFIX: Final = "bulkid:"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `target` is the id of a resource, or a `bulkId:` reference."""

    index: int
    method: str
    path: str
    endpoint: str
    target: str | None
    bulk_id: str | None
    version: str | None
    data: Document


@dataclass(frozen=True, slots=True)
class Refused:
    """An operation that cannot even be tried."""

    index: int
    method: str
    path: str
    bulk_id: str | None
    error: InvalidValue


@dataclass(frozen=True, slots=True)
class Plan:
    """The operations of a request, in the order in which to carry them out."""

    operations: list[Operation | Refused]
    fail_on_errors: int | None
    names: frozenset[str] = field(default_factory=frozenset)
    """Every bulkId that an operation of the request gives to what it creates."""


def read(body: Document) -> Plan:
    """Return the plan of a request. Raises ScimError before anything is done."""
    named = {name.lower(): value for name, value in body.items()}
    operations = named.get("operations")
    if not isinstance(operations, list):
        raise InvalidSyntax("Operations must be a list.")
    if len(operations) > MAX_OPERATIONS:
        raise PayloadTooLarge(f"One request takes {MAX_OPERATIONS} operations at most.")
    limit = named.get("failonerrors")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
        raise InvalidSyntax("failOnErrors must be an integer.")
    read_all = [_operation(index, item) for index, item in enumerate(operations)]
    names = [
        o.bulk_id for o in read_all if isinstance(o, Operation) and o.method == "POST"
    ]
    given = [name for name in names if name is not None]
    if len(set(given)) < len(given):
        raise InvalidValue("Two operations have the same bulkId.")
    return Plan(_in_order(read_all), limit, frozenset(given))


def references(value: JSON) -> Iterator[str]:
    """Yield the name of every `bulkId:` reference inside a value."""
    if isinstance(value, str):
        if value.lower().startswith(_PREFIX):
            yield value[len(_PREFIX) :]
    elif isinstance(value, dict):
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolved(value: JSON, ids: dict[str, str]) -> JSON:
    """Return `value` with its references replaced by the ids that are known."""
    if isinstance(value, str):
        if value.lower().startswith(_PREFIX):
            return ids.get(value[len(_PREFIX) :], value)
        return value
    if isinstance(value, dict):
        return {name: resolved(member, ids) for name, member in value.items()}
    if isinstance(value, list):
        return [resolved(item, ids) for item in value]
    return value


def without_members(data: Document, waiting: set[str]) -> tuple[Document, list[str]]:
    """Take the members out who are still to be created, for circles of groups."""
    result: Document = {}
    later: list[str] = []
    for name, value in data.items():
        if name.lower() == "members" and isinstance(value, list):
            kept: list[JSON] = []
            for item in value:
                awaited = [n for n in references(item) if n in waiting]
                later += awaited
                if not awaited:
                    kept.append(item)
            result[name] = kept
        else:
            result[name] = value
    return result, later


def _operation(index: int, item: JSON) -> Operation | Refused:
    if not isinstance(item, dict):
        raise InvalidSyntax("An operation must be an object.")
    named = {name.lower(): value for name, value in item.items()}
    method, path = str(named.get("method", "")).upper(), str(named.get("path", ""))
    bulk_id = named.get("bulkid")
    if bulk_id is not None and not isinstance(bulk_id, str):
        raise InvalidSyntax("bulkId must be a string.")
    match = _PATH.fullmatch(path)
    data = named.get("data")
    if method == "PATCH" and isinstance(data, list):
        # The operations alone, as in the example of section 3.7.3.
        data = {"Operations": data}
    problem = _problem(method, match, bulk_id, data)
    if problem or match is None:
        return Refused(index, method, path, bulk_id, InvalidValue(problem))
    version = named.get("version")
    return Operation(
        index=index,
        method=method,
        path=path,
        endpoint=match["endpoint"],
        target=match["target"],
        bulk_id=bulk_id,
        version=version if isinstance(version, str) else None,
        data=data if isinstance(data, dict) else {},
    )


def _problem(
    method: str, match: re.Match[str] | None, bulk_id: str | None, data: JSON
) -> str:
    if method not in _METHODS:
        return "method must be POST, PUT, PATCH or DELETE."
    if match is None:
        return "path must look like /Users or /Users/an-id."
    if (method == "POST") is bool(match["target"]):
        return "A POST names an endpoint, every other method a resource."
    if method == "POST" and not bulk_id:
        return "A POST needs a bulkId."
    if method != "DELETE" and not isinstance(data, dict):
        return "data must be an object."
    return ""


def _in_order(operations: list[Operation | Refused]) -> list[Operation | Refused]:
    """Move what creates something before what refers to it; circles stay as sent."""
    creators = {
        o.bulk_id: o
        for o in operations
        if isinstance(o, Operation) and o.method == "POST"
    }
    ordered: dict[int, Operation | Refused] = {}
    entered: set[int] = set()
    for first in operations:
        stack = [first]
        while stack:
            operation = stack[-1]
            needed = [
                creator
                for name in _needed(operation)
                if (creator := creators.get(name)) and creator.index not in entered
            ]
            if needed and operation.index not in entered:
                stack += needed
            else:
                stack.pop()
                ordered.setdefault(operation.index, operation)
            entered.add(operation.index)
    return list(ordered.values())


def _needed(operation: Operation | Refused) -> Iterator[str]:
    if isinstance(operation, Operation):
        yield from references(operation.data)
        yield from references(operation.target or "")
