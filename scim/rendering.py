"""Turn rows into answers: the stored text with its envelope, or a projection.

An answer without a projection is put together as text: the stored document is
never parsed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import orjson

from scim import queries
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
    start_index: int,
    base_url: str,
    projection: Projection,
) -> bytes:
    """Return a ListResponse of one or several types. RFC 7644 section 3.4.2."""
    rendered: dict[int, bytes] = {}
    for schema in schemas:
        rows = [row for row in found.rows if row.resource_type == schema.name]
        answers = many(schema, rows, base_url, projection)
        rendered.update(zip((row.id for row in rows), answers, strict=True))
    resources = [rendered[row.id] for row in found.rows]
    head = (
        f'{{"schemas":["{LIST_URN}"],"totalResults":{found.total},'
        f'"startIndex":{start_index},"itemsPerPage":{len(resources)},"Resources":['
    )
    return b"".join([head.encode(), b",".join(resources), b"]}"])


def many(
    schema: ResourceSchema, rows: list[Row], base_url: str, projection: Projection
) -> list[bytes]:
    """Return the answers for resources of one type, in the order given."""
    related = _related(schema, rows, projection)
    with_display = projection.names(schema, "members", "display")
    result = []
    for row in rows:
        values = [
            _value(m, base_url, with_display=with_display) for m in related[row.id]
        ]
        text = _whole(schema, row, base_url, values)
        if projection:
            document: Document = orjson.loads(text)
            result.append(orjson.dumps(projection.apply(schema, document)))
        else:
            result.append(text.encode())
    return result


def _related(
    schema: ResourceSchema, rows: Iterable[Row], projection: Projection
) -> defaultdict[int, list[Membership]]:
    """Return each row's `members` or `groups`, read at once and only if wanted."""
    related: defaultdict[int, list[Membership]] = defaultdict(list)
    is_group = "members" in schema.attributes
    if not projection.wants(schema, "members" if is_group else "groups"):
        return related
    read = queries.members_of if is_group else queries.groups_of
    for membership in read(row.id for row in rows):
        related[membership.owner].append(membership)
    return related


def _whole(
    schema: ResourceSchema, row: Row, base_url: str, values: list[Document]
) -> str:
    parts = [
        f'{{"id":"{row.public_id}",',
        row.document[1:-1],
        f',"meta":{{"resourceType":"{row.resource_type}","created":"{row.created_at}",'
        f'"lastModified":"{row.modified_at}","version":"W/\\"{row.version}\\"",'
        f'"location":"{base_url}/{schema.endpoint}/{row.public_id}"}}',
    ]
    if values:
        name = "members" if "members" in schema.attributes else "groups"
        parts.append(f',"{name}":{orjson.dumps(values).decode()}')
    parts.append("}")
    return "".join(parts)


def _value(other: Membership, base_url: str, *, with_display: bool) -> Document:
    value: Document = {
        "value": other.public_id,
        "$ref": f"{base_url}/{other.resource_type}s/{other.public_id}",
        "type": other.type,
    }
    if with_display or other.type == "direct":
        value["display"] = other.label
    return value
