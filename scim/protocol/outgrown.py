"""Stored users whose directory has changed its user schema since."""

from __future__ import annotations

import re
from typing import Final

from pydantic import ValidationError
from scim2_models import Context

from scim.protocol.schema import POLICY, Attribute, ResourceSchema
from scim.protocol.types import JSON, Document
from scim.protocol.user_schema import OWN

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT")


def fitted(schema: ResourceSchema, document: Document) -> Document:
    """Return a stored user without the values that its own schema has outgrown.

    A value stays if a client could send it now: `"3"` becomes an integer, one
    value becomes a list of one and a list of one becomes a value.
    """
    result = {n: value for n, value in document.items() if not n.startswith(OWN)}
    for urn, attributes in schema.extensions.items():
        values = document.get(urn)
        if urn.startswith(OWN) and isinstance(values, dict):
            kept = _kept(schema, urn, attributes, values)
            if kept:
                result[urn] = kept
    result["schemas"] = [schema.urn, *(u for u in schema.extensions if u in result)]
    return result


def _kept(
    schema: ResourceSchema,
    urn: str,
    attributes: dict[str, Attribute],
    values: Document,
) -> Document:
    kept: Document = {}
    for name, value in values.items():
        attribute = attributes.get(name.lower())
        if attribute is None or not _may_be(attribute, value):
            continue
        one = {attribute.name: _in_number(attribute, value)}
        try:
            loaded = schema.model.model_validate(
                {"userName": "-", urn: one}, scim_policy=POLICY
            )
        except ValidationError:
            continue
        dumped = loaded.model_dump(scim_ctx=Context.DEFAULT).get(urn)
        kept.update(dumped or {})
    return kept


def _may_be(attribute: Attribute, value: JSON) -> bool:
    """Say whether the library may read a value: it would take 3 for a time in 1970."""
    values = value if isinstance(value, list) else [value]
    if attribute.type == "dateTime":
        return all(isinstance(v, str) and _TIME.match(v) for v in values)
    is_truth = attribute.type == "boolean"
    return all(isinstance(v, str) or isinstance(v, bool) == is_truth for v in values)


def _in_number(attribute: Attribute, value: JSON) -> JSON:
    if attribute.multi_valued and not isinstance(value, list):
        return [value]
    if not attribute.multi_valued and isinstance(value, list) and len(value) == 1:
        return value[0]
    return value
