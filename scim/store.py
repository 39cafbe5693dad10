"""Write resources and memberships. The only module that changes their tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from django.db import IntegrityError, connection
from django.db.models import QuerySet

from scim import queries
from scim.models import GroupMember, Resource
from scim.protocol.comparable import comparable_document, string_key, user_name_key
from scim.protocol.errors import InvalidValue, NotFound, Uniqueness
from scim.protocol.members import MemberChange
from scim.protocol.schema import ResourceSchema
from scim.protocol.types import Document
from workspaces import rows
from workspaces.clock import as_time
from workspaces.models import Directory

MAX_TEXT_COLUMN = 500
LARGE_GROUP = 200
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


@dataclass(slots=True)
class MembersChanged:
    """Whose memberships a write touched: database ids of the members."""

    added: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


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
    """Return the user of the same `userName`, locked.

    Or else an inactive one of the same `externalId`.
    """
    key = user_name_key(str(document["userName"]))
    found = _locked(directory, "resource_type = 'User' AND user_name_key = %s", [key])
    if found is None and document.get("externalId"):
        external_id = _key(document, "externalId", case_exact=True)
        found = _locked(
            directory,
            "resource_type = 'User' AND external_id = %s AND NOT active",
            [external_id],
        )
    return found


def _locked(
    directory: Directory, condition: str, params: list[str | None]
) -> Resource | None:
    """Return one resource of the directory with its row locked, without `comparable`."""
    lock = "" if connection.vendor == "sqlite" else " FOR UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(_LOADED)} FROM scim_resource"
            f" WHERE directory_id = %s AND {condition} ORDER BY id LIMIT 1{lock}",
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
    """Store a new resource at version 1. Raises Uniqueness; see `taken_is_409`."""
    resource = Resource(
        directory=directory,
        resource_type=schema.name,
        source=source,
        created_at=now,
        modified_at=now,
    )
    _fill(resource, schema, document)
    with taken_is_409(schema):
        rows.insert(resource)
    return resource


def save(
    resource: Resource, schema: ResourceSchema, document: Document, *, now: datetime
) -> None:
    """Store the next version of a locked resource. Raises Uniqueness."""
    _fill(resource, schema, document)
    resource.version += 1
    resource.modified_at = now
    with taken_is_409(schema):
        rows.update(resource, _SAVED)


def touch(resource: Resource, *, now: datetime) -> None:
    """Count the version of a group up whose members changed."""
    resource.version += 1
    resource.modified_at = now
    rows.update(resource, ("version", "modified_at"))


def delete(resource: Resource) -> None:
    """Remove a resource and its memberships."""
    resource.delete()


@contextmanager
def taken_is_409(schema: ResourceSchema) -> Iterator[None]:
    """Turn the unique indexes' refusal into Uniqueness.

    The transaction is broken afterwards on PostgreSQL: whoever wants to go on
    must leave its `atomic` block first.
    """
    try:
        yield
    except IntegrityError:
        name = "userName" if schema.name == "User" else "displayName"
        raise Uniqueness(f"This {name} is taken in this directory.") from None


def change_members(
    schema: ResourceSchema,
    group: Resource,
    changes: Iterable[MemberChange],
    *,
    now: datetime,
) -> MembersChanged:
    """Apply the changes in order, at a cost that follows them, not the group.

    Adding who is there and removing who is not succeeds, as RFC 7644 asks.
    Raises InvalidValue for an id that is no resource of this directory.
    """
    changed = MembersChanged()
    for change in changes:
        added, removed = _change(schema, group, change, now)
        was_added, was_removed = changed.added, changed.removed
        changed.added = (was_added - removed) | (added - was_removed)
        changed.removed = (was_removed - added) | (removed - was_added)
    return changed


def is_large(resource: Resource) -> bool:
    """Say whether a group has more members than an answer to a PATCH should carry."""
    if resource.resource_type != "Group":
        return False
    return GroupMember.objects.filter(group=resource)[LARGE_GROUP:].exists()


def _change(
    schema: ResourceSchema, group: Resource, change: MemberChange, now: datetime
) -> tuple[set[int], set[int]]:
    if change.op == "add":
        return _add(group, _members(group, change.ids or (), strict=True), now), set()
    memberships = GroupMember.objects.filter(group=group)
    if change.op == "replace":
        wanted = _members(group, change.ids or (), strict=True)
        removed = _remove(memberships.exclude(member__in=wanted))
        return _add(group, wanted, now), removed
    if change.where is not None:
        memberships = memberships.filter(
            pk__in=queries.select_members(schema, group, change.where)
        )
    elif change.ids is not None:
        memberships = memberships.filter(
            member__in=_members(group, change.ids, strict=False)
        )
    return set(), _remove(memberships)


def _members(group: Resource, ids: tuple[str, ...], *, strict: bool) -> set[int]:
    """Return the database ids of members named by public ids."""
    found: dict[str, int] = {}
    for start in range(0, len(ids), 500):
        found.update(
            Resource.objects.filter(
                directory=group.directory_id,
                public_id__in=ids[start : start + 500],
                resource_type__in=("User", "Group"),
            ).values_list("public_id", "id")
        )
    if strict and len(found) < len(ids):
        raise InvalidValue(
            "members.value must be the id of a user or group of this directory."
        )
    if group.pk in found.values():
        raise InvalidValue("A group cannot be a member of itself.")
    return set(found.values())


def _add(group: Resource, members: set[int], now: datetime) -> set[int]:
    present = set(
        GroupMember.objects.filter(group=group, member__in=members).values_list(
            "member", flat=True
        )
    )
    missing = members - present
    GroupMember.objects.bulk_create(
        [
            GroupMember(
                directory_id=group.directory_id,
                group=group,
                member_id=member,
                created_at=now,
            )
            for member in sorted(missing)
        ],
        batch_size=500,
        ignore_conflicts=True,
    )
    return missing


def _remove(memberships: QuerySet[GroupMember]) -> set[int]:
    removed = set(memberships.values_list("member", flat=True))
    if removed:
        memberships.delete()
    return removed


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
