"""Turn rows into answers: the stored text with its envelope, or a projection.

An answer without a projection is put together as text: the stored document is
never parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from zlib import crc32

import orjson

from scim.protocol.projection import Projection
from scim.protocol.schema import ResourceSchema
from scim.protocol.types import Document
from scim.queries import Page, Row
from scim.related_sql import Related

LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def etag(version: int, related: str | None = None) -> str:
    """Return the weak entity tag of a version, and of the memberships shown with it.

    Who joins or leaves a group changes what its users show, but not their version.
    """
    if related is None:
        return f'W/"{version}"'
    return f'W/"{version}-{crc32(related.encode()):08x}"'


def one(
    schema: ResourceSchema, row: Row, base_url: str, projection: Projection
) -> bytes:
    """Return the answer for one resource."""
    return _renderer(schema, base_url, projection)(row)


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
    render = {s.name: _renderer(s, base_url, projection) for s in schemas}
    resources = [render[row.resource_type](row) for row in found.rows]
    head = orjson.dumps(
        {
            "schemas": [LIST_URN],
            "totalResults": found.total,
            **place,
            "itemsPerPage": len(resources),
        }
    )
    return b"".join([head[:-1], b',"Resources":[', b",".join(resources), b"]}"])


def related(schema: ResourceSchema, projection: Projection) -> Related | None:
    """Return which memberships to read along with a resource, if any."""
    name = _related_name(schema)
    if name is None or not projection.wants(schema, name):
        return None
    if name == "members" and projection.names(schema, "members", "display"):
        return Related.MEMBERS_WITH_DISPLAY
    return Related(name)


def _related_name(schema: ResourceSchema) -> str | None:
    return next((n for n in ("members", "groups") if n in schema.attributes), None)


def _renderer(
    schema: ResourceSchema, base_url: str, projection: Projection
) -> Callable[[Row], bytes]:
    """Return what makes the answers for resources of one type."""
    location = f"{base_url}/{schema.endpoint}"
    name = _related_name(schema)

    def whole(row: Row) -> bytes:
        tag = etag(row.version, row.related).replace('"', '\\"')
        related = f',"{name}":{row.related}' if row.related else ""
        return (
            f'{{"id":"{row.public_id}",{row.document[1:-1]},"meta":{{'
            f'"resourceType":"{row.resource_type}","created":"{row.created_at}",'
            f'"lastModified":"{row.modified_at}","version":"{tag}",'
            f'"location":"{location}/{row.public_id}"}}{related}}}'
        ).encode()

    def projected(row: Row) -> bytes:
        return orjson.dumps(projection.apply(schema, orjson.loads(whole(row))))

    return projected if projection or schema.keeps_back else whole
