"""Turn rows into answers: the stored text with its envelope, or a projection.

An answer without a projection is put together as text: the stored document is
never parsed.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from scim.protocol.projection import Projection
from scim.protocol.schema import ResourceSchema
from scim.protocol.types import Document
from scim.queries import Membership, Page, Row

LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def etag(version: int) -> str:
    """Return the weak entity tag of a version."""
    return f'W/"{version}"'


def one(
    schema: ResourceSchema, row: Row, base_url: str, projection: Projection
) -> bytes:
    """Return the answer for one resource."""
    return many(schema, [row], base_url, projection)[0]


def page(
    schemas: Iterable[ResourceSchema],
    found: Page,
    place: Document,
    base_url: str,
    projection: Projection,
) -> bytes:
    """Return a ListResponse of one or several types. RFC 7644 section 3.4.2.

    `place` says where the page is: its `startIndex`, or its neighbours' cursors.
    """
    rendered: dict[int, bytes] = {}
    for schema in schemas:
        rows = [row for row in found.rows if row.resource_type == schema.name]
        answers = many(schema, rows, base_url, projection)
        rendered.update(zip((row.id for row in rows), answers, strict=True))
    resources = [rendered[row.id] for row in found.rows]
    head = orjson.dumps(
        {
            "schemas": [LIST_URN],
            "totalResults": found.total,
            **place,
            "itemsPerPage": len(resources),
        }
    )
    return b"".join([head[:-1], b',"Resources":[', b",".join(resources), b"]}"])


def related(schema: ResourceSchema, projection: Projection) -> str | None:
    """Return which memberships to read along with a resource, if any."""
    name = _related_name(schema)
    return name if name and projection.wants(schema, name) else None


def many(
    schema: ResourceSchema, rows: list[Row], base_url: str, projection: Projection
) -> list[bytes]:
    """Return the answers for resources of one type, in the order given."""
    with_display = projection.names(schema, "members", "display")
    result = []
    for row in rows:
        text = _whole(schema, row, base_url, with_display=with_display)
        if projection:
            document: Document = orjson.loads(text)
            result.append(orjson.dumps(projection.apply(schema, document)))
        else:
            result.append(text.encode())
    return result


def _related_name(schema: ResourceSchema) -> str | None:
    return next((n for n in ("members", "groups") if n in schema.attributes), None)


def _whole(
    schema: ResourceSchema, row: Row, base_url: str, *, with_display: bool
) -> str:
    parts = [
        f'{{"id":"{row.public_id}",',
        row.document[1:-1],
        f',"meta":{{"resourceType":"{row.resource_type}","created":"{row.created_at}",'
        f'"lastModified":"{row.modified_at}","version":"W/\\"{row.version}\\"",'
        f'"location":"{base_url}/{schema.endpoint}/{row.public_id}"}}',
    ]
    name = _related_name(schema)
    if row.related and name is not None:
        as_value = _group if name == "groups" else _member
        values = [as_value(m, base_url, with_display=with_display) for m in row.related]
        parts.append(f',"{name}":{orjson.dumps(values).decode()}')
    parts.append("}")
    return "".join(parts)


def _member(other: Membership, base_url: str, *, with_display: bool) -> Document:
    value: Document = {
        "value": other.public_id,
        "$ref": f"{base_url}/{other.resource_type}s/{other.public_id}",
        "type": other.resource_type,
    }
    if with_display:
        value["display"] = other.label
    return value


def _group(other: Membership, base_url: str, *, with_display: bool) -> Document:
    return {
        "value": other.public_id,
        "$ref": f"{base_url}/Groups/{other.public_id}",
        "display": other.label,
        "type": "direct",
    }
