"""Validate what a client sends and bring it into the canonical form we store.

A canonical document holds what the client may write: no `id`, no `meta`, no
`groups`, no `members`, no password, nothing empty.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError
from scim2_models import Context, PatchOp, Resource, SCIMException

from scim.protocol import outgrown, paths, simple_patch
from scim.protocol.comparable import user_name_key
from scim.protocol.errors import InvalidValue, from_library
from scim.protocol.schema import POLICY, ResourceSchema
from scim.protocol.types import JSON, Document

_NOT_STORED: Final = {"id", "meta", "groups", "members", "password"}
MAX_OPERATIONS: Final = 200
"""The most operations of a PATCH, members apart: their cost grows as the square."""

MAX_VALUES: Final = 1_000
"""The most values of one attribute."""

MAX_WORK: Final = 10_000
"""The most operations of a PATCH times values: each operation looks at all."""

_PATCH_URN: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def validate_new(schema: ResourceSchema, body: Document) -> Document:
    """Return the canonical document of a POST. Raises ScimError.

    Of a read-only type only the app makes resources, and says all there is.
    """
    if schema.read_only:
        return _canonical(schema, _load(schema, body))
    return _canonical(schema, _read(schema, body, Context.RESOURCE_CREATION_REQUEST))


def validate_replacement(
    schema: ResourceSchema, body: Document, current: Document
) -> Document:
    """Return the canonical document of a PUT over `current`. Raises ScimError.

    A PUT that leaves `active` out does not change it: omission never
    deactivates anybody, and never brings anybody back.
    """
    if schema.read_only:
        return _canonical(schema, _load(schema, body))
    replacement = _read(schema, body, Context.RESOURCE_REPLACEMENT_REQUEST)
    if schema.has_immutable:
        try:
            replacement.replace(_load(schema, current))
        except (SCIMException, ValidationError) as error:
            raise from_library(error) from None
    document = _canonical(schema, replacement)
    if "active" in current and "active" not in document:
        document["active"] = current["active"]
    return document


def patch(
    schema: ResourceSchema, current: Document, operations: list[Document]
) -> Document:
    """Return `current` after all operations, or raise and change nothing.

    RFC 7644 section 3.5.2.
    """
    if len(operations) > MAX_OPERATIONS:
        raise InvalidValue(
            f"One request can hold {MAX_OPERATIONS} operations on attributes at most."
        )
    simple = simple_patch.apply(schema, current, operations)
    if simple is not None:
        _check_required(schema, simple)
        return simple
    _check_work(current, operations)
    for operation in operations:
        paths.check(schema, str(operation.get("path", "")))
    resource = _load(schema, current)
    try:
        message = PatchOp[schema.model].model_validate(  # type: ignore[name-defined]
            {"schemas": [_PATCH_URN], "Operations": operations},
            scim_ctx=Context.RESOURCE_PATCH_REQUEST,
            scim_policy=POLICY,
        )
        message.patch(resource, scim_policy=POLICY)
    except (SCIMException, ValidationError) as error:
        raise from_library(error) from None
    return _canonical(schema, resource)


def _read(schema: ResourceSchema, body: Document, context: Context) -> Resource[Any]:
    # Members are read by `members.from_body`, in more shapes than the RFC's.
    rest = {name: body[name] for name in body if name.lower() != "members"}
    _check_values(rest)
    try:
        return schema.model.model_validate(rest, scim_ctx=context, scim_policy=POLICY)
    except ValidationError as error:
        raise from_library(error) from None


def _load(schema: ResourceSchema, document: Document) -> Resource[Any]:
    """Return what is stored, without the values that their schema has outgrown."""
    try:
        return schema.model.model_validate(document, scim_policy=POLICY)
    except ValidationError:
        rest = outgrown.fitted(schema, document)
        return schema.model.model_validate(rest, scim_policy=POLICY)


def _canonical(schema: ResourceSchema, resource: Resource[Any]) -> Document:
    dumped: Document = resource.model_dump(scim_ctx=Context.DEFAULT)
    document: Document = {
        name: kept
        for name, value in dumped.items()
        if name not in _NOT_STORED and (kept := _without_empty(value)) is not None
    }
    document["schemas"] = [
        schema.urn,
        *(urn for urn in schema.extensions if urn in document),
    ]
    _check_required(schema, document)
    _check_values(document)
    return document


def _check_work(current: Document, operations: list[Document]) -> None:
    for operation in operations:
        _check_values(operation)
    values = _values(current) + sum(_values(operation) for operation in operations)
    if len(operations) * values > MAX_WORK:
        raise InvalidValue(
            f"{len(operations)} operations among {values} values are too much for one "
            "request. Send fewer operations at once."
        )


def _values(value: JSON) -> int:
    """Return the length of the longest list inside."""
    if isinstance(value, dict):
        return max(map(_values, value.values()), default=0)
    return len(value) if isinstance(value, list) else 0


def _check_values(document: Document) -> None:
    """Raise InvalidValue for a list that is too long, also in an extension."""
    for name, value in document.items():
        if isinstance(value, dict):
            _check_values(value)
        elif isinstance(value, list) and len(value) > MAX_VALUES:
            raise InvalidValue(f"{name} can have {MAX_VALUES} values at most.")


def _without_empty(value: JSON) -> JSON:
    if isinstance(value, dict):
        kept: Document = {
            name: item
            for name, member in value.items()
            if (item := _without_empty(member)) is not None
        }
        return kept or None
    if isinstance(value, list):
        items: list[JSON] = [
            item for member in value if (item := _without_empty(member)) is not None
        ]
        return items or None
    return None if value == "" else value


def _check_required(schema: ResourceSchema, document: Document) -> None:
    for attribute in schema.attributes.values():
        if attribute.required and attribute.name not in document:
            raise InvalidValue(f"{attribute.name} is required and must not be empty.")
    if "userName" in document:
        user_name_key(str(document["userName"]))
