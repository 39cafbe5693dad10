"""Write resources. The only module that changes their table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson
from django.db import IntegrityError, connection, transaction

from scim.models import Resource
from scim.protocol.comparable import comparable_document, string_key, user_name_key
from scim.protocol.errors import InvalidValue, NotFound, Uniqueness
from scim.protocol.schema import ResourceSchema
from scim.protocol.types import Document
from workspaces import rows
from workspaces.clock import as_time
from workspaces.models import Directory

MAX_TEXT_COLUMN = 500
_LOADED = (
    "id",
    "directory_id",
    "public_id",
    "resource_type",
    "document",
    "label",
    "user_name_key",
    "group_name_key",
    "external_id",
    "active",
    "version",
    "source",
    "created_at",
    "modified_at",
)
"""In the order of the model's fields, as `from_db` reads them."""

_SAVED = (
    "document",
    "comparable",
    "label",
    "user_name_key",
    "group_name_key",
    "external_id",
    "active",
    "version",
    "modified_at",
)


def load_for_update(
    directory: Directory, schema: ResourceSchema, public_id: str
) -> Resource:
    """Return the resource with its row locked. Raises NotFound."""
    resource = _locked(
        directory, "resource_type = %s AND public_id = %s", [schema.name, public_id]
    )
    if resource is None:
        raise NotFound(f"There is no {schema.name} with this id in this directory.")
    return resource


def find_user(directory: Directory, document: Document) -> Resource | None:
    """Return the user of the same `userName` or `externalId`, locked.

    Of several an active one, or else the one of the same `userName`.
    """
    key = user_name_key(str(document["userName"]))
    external_id = _key(document, "externalId", case_exact=True)
    # Each look-up in its own index; together they are planned as a scan of everybody.
    same = (
        "SELECT id FROM scim_resource"
        " WHERE directory_id = %s AND resource_type = 'User' AND"
    )
    return _locked(
        directory,
        f"id IN ({same} user_name_key = %s UNION ALL {same} external_id = %s)"
        " ORDER BY active DESC, user_name_key = %s DESC, id",
        [directory.pk, key, directory.pk, external_id, key],
    )


def keep_external_id(directory: Directory, document: Document) -> None:
    """Let nobody else create a user of this `externalId` before the transaction ends.

    No index decides here: RFC 7643 section 3.1 leaves its uniqueness to the client, so
    that a PUT or a PATCH may repeat one. SQLite has one writer at a time as it is.
    """
    external_id = _key(document, "externalId", case_exact=True)
    if external_id is None or connection.vendor == "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))",
            [external_id, directory.pk],
        )


def _locked(
    directory: Directory, condition: str, params: list[str | int | None]
) -> Resource | None:
    """Return one resource of the directory with its row locked, without `comparable`."""
    lock = "" if connection.vendor == "sqlite" else " FOR UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(_LOADED)} FROM scim_resource"
            f" WHERE directory_id = %s AND {condition} LIMIT 1{lock}",
            [directory.pk, *params],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    *values, active, version, source, created_at, modified_at = row
    active = None if active is None else bool(active)
    times = (as_time(created_at), as_time(modified_at))
    resource = Resource.from_db(
        None, _LOADED, [*values, active, version, source, *times]
    )
    resource.directory = directory
    return resource


def read(resource: Resource) -> Document:
    """Return the stored document."""
    document: Document = orjson.loads(resource.document)
    return document


def insert(
    directory: Directory,
    schema: ResourceSchema,
    document: Document,
    *,
    source: Resource.Source = Resource.Source.IDP,
    now: datetime,
) -> Resource:
    """Store a new resource at version 1.

    Raises Uniqueness; unlike that of `save`, it leaves the transaction usable.
    """
    resource = Resource(
        directory=directory,
        resource_type=schema.name,
        source=source,
        created_at=now,
        modified_at=now,
    )
    _fill(resource, schema, document)
    if not rows.insert(resource):
        raise _taken(schema)
    return resource


def insert_all(
    directory: Directory,
    schema: ResourceSchema,
    documents: Sequence[Document],
    *,
    source: Resource.Source,
    now: datetime,
) -> list[Resource]:
    """Store new resources at version 1, all or none. Raises Uniqueness like `insert`."""
    resources = [
        Resource(
            directory=directory,
            resource_type=schema.name,
            source=source,
            created_at=now,
            modified_at=now,
        )
        for _ in documents
    ]
    for resource, document in zip(resources, documents, strict=True):
        _fill(resource, schema, document)
    try:
        with transaction.atomic():
            return Resource.objects.bulk_create(resources)
    except IntegrityError:
        raise _taken(schema) from None


def save(
    resource: Resource, schema: ResourceSchema, document: Document, *, now: datetime
) -> None:
    """Store the next version of a locked resource.

    Raises Uniqueness. PostgreSQL then takes nothing more of the transaction.
    """
    _fill(resource, schema, document)
    resource.version += 1
    resource.modified_at = now
    try:
        rows.update(resource, _SAVED)
    except IntegrityError:
        raise _taken(schema) from None


def compare_anew(
    resource: Resource, schema: ResourceSchema, document: Document
) -> None:
    """Renew what filters see of a locked resource that stays as it is."""
    resource.comparable = comparable_document(schema, document)
    rows.update(resource, ("comparable",))


def touch(resource: Resource, *, now: datetime) -> None:
    """Count the version of a group up whose members changed."""
    resource.version += 1
    resource.modified_at = now
    rows.update(resource, ("version", "modified_at"))


def delete(resource: Resource) -> None:
    """Remove a resource and its memberships."""
    resource.delete()


def _taken(schema: ResourceSchema) -> Uniqueness:
    name = "userName" if schema.name == "User" else "displayName"
    return Uniqueness(f"This {name} is taken in this directory.")


def _fill(resource: Resource, schema: ResourceSchema, document: Document) -> None:
    resource.document = orjson.dumps(document).decode()
    resource.comparable = comparable_document(schema, document)
    resource.external_id = _key(document, "externalId", case_exact=True)
    resource.label = _label(document)
    if schema.name == "User":
        resource.user_name_key = user_name_key(str(document["userName"]))
        active = document.get("active")
        if isinstance(active, bool):
            resource.active = active
        elif resource.active is None:
            # Who says nothing wants an active user; unsetting changes nothing.
            resource.active = True
    elif schema.name == "Group":
        resource.group_name_key = _key(document, "displayName", case_exact=False)


def _key(document: Document, name: str, *, case_exact: bool) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    key = string_key(str(value), case_exact=case_exact)
    if max(len(str(value)), len(key)) > MAX_TEXT_COLUMN:
        raise InvalidValue(f"{name} is longer than {MAX_TEXT_COLUMN} characters.")
    return key


def _label(document: Document) -> str:
    name = document.get("name")
    formatted = name.get("formatted") if isinstance(name, dict) else None
    label = document.get("displayName") or formatted or document.get("userName") or ""
    return str(label)[:MAX_TEXT_COLUMN]
