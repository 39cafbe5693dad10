"""The PATCH that nearly every IdP sends, without building models.

Setting single values, such as `active` or `name.familyName`, to values of the
right type needs no more than the schema says. Anything else is left to the
library; both give the same document, which a property test holds them to.
"""

from __future__ import annotations

from scim.protocol.schema import Attribute, ResourceSchema
from scim.protocol.types import JSON, Document

_BOOLEANS = {"true": True, "false": False}


def apply(
    schema: ResourceSchema, current: Document, operations: list[Document]
) -> Document | None:
    """Return `current` with all values set, None if one operation is not simple."""
    document = dict(current)
    for operation in operations:
        steps = _steps(schema, operation)
        value = _value(steps[-1], operation["value"]) if steps else None
        if value is None:
            return None
        place = document
        for step in steps[:-1]:
            inner = place.get(step.name)
            copy: Document = dict(inner) if isinstance(inner, dict) else {}
            place[step.name] = copy
            place = copy
        place[steps[-1].name] = value
    return document


def _steps(schema: ResourceSchema, operation: Document) -> list[Attribute]:
    """Return the attributes along the path, none if the operation is not simple."""
    path = operation.get("path")
    if operation.get("op") not in {"add", "replace"} or "value" not in operation:
        return []
    names = path.lower().split(".") if isinstance(path, str) else []
    attributes = schema.attributes
    steps: list[Attribute] = []
    for name in names:
        attribute = attributes.get(name)
        if attribute is None or attribute.multi_valued:
            return []
        if attribute.mutability != "readWrite":
            return []
        steps.append(attribute)
        attributes = attribute.sub_attributes
    return steps


def _value(attribute: Attribute, value: JSON) -> JSON:
    """Return the value to store, None if it is not plainly of the type."""
    if attribute.type == "boolean":
        if isinstance(value, bool):
            return value
        return _BOOLEANS.get(value.lower()) if isinstance(value, str) else None
    if attribute.type == "string" and isinstance(value, str) and value:
        return value
    return None
