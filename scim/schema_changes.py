"""Change a directory's own user schema, and bring its users into line.

The next request of any web process sees the new schema: it reads it with its
token. Users are brought into line one by one, each in a transaction of its own:
at once where there are few, and in any case by a job, which also finds whom a
request stored that had begun before the change. Whoever gives custom roles their
meaning registers to follow, and is called by both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import transaction

from scim import json_sql, queries, services
from scim.audit import Action
from scim.json_sql import Sql
from scim.models import Resource
from scim.protocol import outgrown, user_schema
from scim.protocol.comparable import comparable_document
from scim.protocol.custom_roles import CustomRole
from scim.protocol.errors import NotFound
from scim.protocol.schema import ResourceSchema
from scim.protocol.types import Document
from scim.protocol.user_schema import UserAttribute, UserSchema
from scim.queries import Query
from scim.served import schema_of, user_schema_with
from workspaces import audit, jobs, leases
from workspaces.clock import database_now
from workspaces.models import Directory, Job, User

JOB = "scim.fit_users"
AT_ONCE = 200
"""How many users at most are brought into line before the service returns."""

_CHUNK = 500

Follow = Callable[[Directory, datetime], None]
_followers: list[Follow] = []


def register(follow: Follow) -> None:
    """Let `follow` bring what it keeps into line with a schema that has changed.

    It may be called twice for one change, also at once by two; the second time
    there must be nothing left to do.
    """
    if follow not in _followers:
        _followers.append(follow)


class StaleUserSchema(Exception):
    """Somebody else changed the schema since it was read."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody has changed the user schema since you opened it. "
            "Open it again, then repeat your change."
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change does, by the names of attributes and the values of roles."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    added_roles: tuple[str, ...] = ()
    changed_roles: tuple[str, ...] = ()
    removed_roles: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(self.named().values())

    def named(self) -> dict[str, str]:
        """Return it as an audit event shows it; roles only where any changed."""
        attributes = ("added", "changed", "removed")
        roles = [f"{name}_roles" for name in attributes]
        return {
            name: ", ".join(getattr(self, name))
            for name in (*attributes, *roles)
            if name in attributes or getattr(self, name)
        }


def attributes_of(directory: Directory) -> tuple[UserAttribute, ...]:
    """Return the attributes of a directory's own user schema."""
    return user_schema_of(directory).attributes


def user_schema_of(directory: Directory) -> UserSchema:
    """Return a directory's own user schema."""
    return user_schema.read(directory.user_schema)


def version_of(directory: Directory) -> str:
    """Return what stands for the present schema; it changes when that does."""
    text = orjson.dumps(user_schema.stored(user_schema_of(directory)))
    return hashlib.sha256(text).hexdigest()[:16]


def difference(old: UserSchema, new: UserSchema) -> Difference:
    """Return what distinguishes two schemas. Names differ even by case alone."""
    attributes = _difference(
        {a.name: a for a in old.attributes}, {a.name: a for a in new.attributes}
    )
    roles = _difference(
        {r.value: r for r in old.roles}, {r.value: r for r in new.roles}
    )
    return Difference(*attributes, *roles)


def _difference(
    before: dict[str, Any], after: dict[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the names that were added, changed and removed."""
    return (
        tuple(name for name in after if name not in before),
        tuple(n for n, a in after.items() if n in before and before[n] != a),
        tuple(name for name in before if name not in after),
    )


def change_user_schema(
    directory: Directory,
    definition: object,
    *,
    expected_version: str,
    actor: User | None,
    now: datetime,
) -> Difference:
    """Give a directory another user schema: `{"attributes": […], "roles": […]}`.

    `expected_version` is the `version_of` what the person saw. The order of the
    attributes and of the roles may change without anything else. Raises
    InvalidUserSchema and StaleUserSchema; then nothing is changed.
    """
    schema = user_schema.parse(definition)
    with transaction.atomic():
        locked = Directory.objects.select_for_update(no_key=True).get(pk=directory.pk)
        if version_of(locked) != expected_version:
            raise StaleUserSchema
        change = difference(user_schema_of(locked), schema)
        directory.user_schema = user_schema.stored(schema)
        directory.save(update_fields=["user_schema"])
        if change:
            _note(locked, change, actor=actor, now=now)
    if change and _users(directory)[AT_ONCE:].first() is None:
        fit_users(directory, now=now)
    if change and not _is_large(directory):
        _call_followers(directory, now)
    return change


def _is_large(directory: Directory) -> bool:
    users = Resource.objects.filter(directory=directory, resource_type="User")
    return users.order_by("id")[AT_ONCE:].exists()


def _call_followers(directory: Directory, now: datetime) -> None:
    for follow in _followers:
        follow(directory, now)


def _note(
    directory: Directory, change: Difference, *, actor: User | None, now: datetime
) -> None:
    audit.record(
        Action.USER_SCHEMA_CHANGED,
        workspace=directory.workspace,
        actor=actor,
        target=directory,
        data={**change.named()},
    )
    jobs.enqueue(
        JOB,
        workspace=directory.workspace,
        subject=directory.key,
        trigger=Job.Trigger.WEB,
        actor=actor,
        now=now,
    )


@dataclass(frozen=True, slots=True)
class Losses:
    """How many users lose a value with each attribute that goes, and with each role.

    By name and by label; where nobody loses anything it is not named.
    """

    attributes: dict[str, int]
    roles: dict[str, int]

    def __bool__(self) -> bool:
        return bool(self.attributes or self.roles)


def losses(
    directory: Directory, *, kept: Collection[str], kept_roles: Collection[str]
) -> Losses:
    """Return who loses something if only attributes of the names `kept` stay.

    `kept_roles` are keys of roles, as `custom_roles.key_of` makes them.
    """
    schema = user_schema_of(directory)
    gone = [a.name for a in schema.attributes if a.name not in kept]
    attributes = {name: holders(directory, name) for name in gone}
    roles = {
        role.label: role_holders(directory, role)
        for role in schema.roles
        if role.key not in kept_roles
    }
    return Losses(
        {name: users for name, users in attributes.items() if users},
        {name: users for name, users in roles.items() if users},
    )


def holders(directory: Directory, name: str) -> int:
    """Return how many users have a value of an attribute of the own schema."""
    keys = (user_schema.urn_of(directory.key), name)
    there = json_sql.exists("r.comparable", keys)
    params = [directory.pk, *there.params]
    where = f"r.directory_id = %s AND r.resource_type = 'User' AND {there.text}"
    return queries.count_of(Sql(where, params))


def role_holders(directory: Directory, role: CustomRole) -> int:
    """Return how many users were given a role, by its value, its name or its id."""
    published = Resource.objects.filter(
        directory=directory, resource_type="Role", external_id=role.value
    )
    names = {role.value, role.label, *published.values_list("public_id", flat=True)}
    query = Query(
        filter=" or ".join(
            f"roles.value eq {orjson.dumps(name).decode()}" for name in sorted(names)
        )
    )
    return queries.count_of(
        queries.where_of(directory, schema_of(directory, "User"), query)
    )


def document_with(
    resource: Resource, attributes: tuple[UserAttribute, ...]
) -> Document:
    """Return a user's document as it would be with another user schema."""
    schema = user_schema_with(resource.directory, attributes)
    document: Document = orjson.loads(resource.document)
    return outgrown.fitted(schema, document)


def carry_out(job: Job) -> dict[str, Any] | None:
    """Bring the users of a directory into line, chunk by chunk."""
    directory = Directory.objects.filter(
        key=job.subject, workspace=job.workspace_id
    ).first()
    if directory is None:
        return None
    done = fit_users(directory, now=database_now(), job=job)
    _call_followers(directory, database_now())
    return {"users": done}


def fit_users(directory: Directory, *, now: datetime, job: Job | None = None) -> int:
    """Bring into line whoever is not, and return how many that were."""
    schema = schema_of(directory, "User")
    done, last = 0, 0
    while rows := list(_users(directory).filter(pk__gt=last)[:_CHUNK]):
        for row in rows:
            if _is_in_line(schema, row):
                continue
            with suppress(NotFound):
                services.fit(directory, schema, row.public_id, now=now)
                done += 1
        last = rows[-1].pk
        if job is not None:
            leases.report_progress(job, users=done)
    return done


def _users(directory: Directory) -> Any:
    """Return the users with values of the own schema, whatever it is now."""
    return (
        Resource.objects.filter(
            directory=directory,
            resource_type="User",
            document__contains=user_schema.urn_of(directory.key),
        )
        .only("id", "public_id", "document", "comparable")
        .order_by("id")
    )


def _is_in_line(schema: ResourceSchema, row: Resource) -> bool:
    document: Document = orjson.loads(row.document)
    return (
        outgrown.fitted(schema, document) == document
        and comparable_document(schema, document) == row.comparable
    )
