"""Roles and entitlements of the app as SCIM resources, and who was given which.

An AppEntitlement of the kind `group` stands behind a SCIM group, of the kind
`role` behind a Role, of any other kind behind an Entitlement. Users get the first
by membership, the others by the values of their `roles` and `entitlements`; those of
`roles` can also name custom roles of the user schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson
from django.db.models import QuerySet

from integrations.models import AppEntitlement, Integration
from integrations.provisioning import custom_roles, mapping, wanted
from scim import queries, services
from scim.models import GroupMember, Resource
from scim.protocol import user_schema
from scim.protocol.comparable import string_key
from scim.protocol.custom_roles import key_of
from scim.protocol.types import Document
from scim.queries import Query
from scim.served import schema_of
from workspaces.models import Job

GROUP_KIND = "group"
ROLE_KIND = custom_roles.ROLE_KIND
_ORIGIN = services.Origin(source=Resource.Source.APP)
_PAGE = 200


def type_of(kind: str) -> str:
    """Return the SCIM resource type that stands for a kind of entitlement."""
    return {GROUP_KIND: "Group", ROLE_KIND: "Role"}.get(kind, "Entitlement")


def show(integration: Integration, row: AppEntitlement, *, now: datetime) -> bool:
    """Make or rename the Role or Entitlement of `row`. Say whether it is new."""
    directory = integration.directory
    schema = schema_of(directory, type_of(row.kind))
    body = body_of(integration, row)
    resource = row.resource
    if resource is not None:
        if not _is_of_schema(resource):
            services.replace(
                directory, schema, resource.public_id, body, origin=_ORIGIN, now=now
            )
        return False
    row.resource = _published(integration, row) or services.create(
        directory, schema, body, origin=_ORIGIN, now=now
    )
    row.save(update_fields=["resource"])
    _give_to_holders(integration, row, now)
    return True


def body_of(integration: Integration, row: AppEntitlement) -> Document:
    """Return the Role or Entitlement that stands for `row` alone."""
    return {
        "displayName": row.name,
        "type": type_of(row.kind),
        "description": label_of(integration, row.kind),
    }


def _is_of_schema(resource: Resource) -> bool:
    """Say whether a Role stands for a custom role, which `role_publishing` keeps."""
    return resource.resource_type == "Role" and resource.external_id is not None


def _published(integration: Integration, row: AppEntitlement) -> Resource | None:
    """Return the Role of a custom role that has the name of this role of the app."""
    if row.kind != ROLE_KIND:
        return None
    free = Resource.objects.filter(
        directory=integration.directory_id,
        resource_type="Role",
        external_id__isnull=False,
        app_entitlement=None,
    )
    name = key_of(row.name)
    return next((r for r in free if key_of(str(r.external_id)) == name), None)


def hide(integration: Integration, row: AppEntitlement, *, now: datetime) -> None:
    """Remove the Role or Entitlement of what the app no longer has.

    One that stands for a custom role stays: the schema has it.
    """
    resource = row.resource
    if row.kind == GROUP_KIND or resource is None or _is_of_schema(resource):
        return
    services.delete(
        integration.directory,
        schema_of(integration.directory, resource.resource_type),
        resource.public_id,
        origin=_ORIGIN,
        now=now,
    )


@dataclass(frozen=True, slots=True)
class Wishes:
    """What users should hold, looked up for all of them at once."""

    groups: Mapping[int, list[AppEntitlement]]
    """By the database id of the user, through groups."""

    book: custom_roles.Book | None
    by_value: Mapping[str, Mapping[str | tuple[str], AppEntitlement | None]]
    """By resource type, then by id or name."""

    rows: Mapping[tuple[str, str], AppEntitlement] = field(default_factory=dict)
    """What the app has, by (kind, external id)."""

    def of(self, user: Resource) -> dict[tuple[str, str], tuple[AppEntitlement, str]]:
        """Return what a user should hold, each with where that comes from."""
        if user.active is False:
            return {}
        found = {row.key: (row, "group") for row in self.groups.get(user.pk, [])}
        for type_name, values in mapping.assigned(user).items():
            if values and self.book is not None and type_name == "Role":
                for given in self.book.choose(values).given:
                    found.setdefault(given.key, (given, "role"))
            elif values:
                by_value = self.by_value.get(type_name, {})
                for value in values:
                    row = by_value.get(value) or by_value.get(_name_key(value))
                    if row is not None:
                        found.setdefault(row.key, (row, type_name.lower()))
        return found


def wishes_of(integration: Integration, users: Sequence[Resource]) -> Wishes:
    """Look up what users of one directory should hold. At most five queries."""
    rows = AppEntitlement.objects.filter(integration=integration)
    return replace(_wishes(integration, users), rows={row.key: row for row in rows})


def _wishes(integration: Integration, users: Sequence[Resource]) -> Wishes:
    rows = AppEntitlement.objects.filter(integration=integration)
    members = GroupMember.objects.filter(
        member__in=[user.pk for user in users if user.active is not False],
        group__app_entitlement__integration=integration,
    )
    groups: dict[int, list[AppEntitlement]] = {}
    for found in members.select_related("group__app_entitlement").order_by("id"):
        groups.setdefault(found.member_id, []).append(found.group.app_entitlement)
    asked = {
        type_name
        for user in users
        for type_name, values in mapping.assigned(user).items()
        if values
    }
    roles = user_schema.read(integration.directory.user_schema).roles
    with_book = bool(roles) and "Role" in asked
    return Wishes(
        groups=groups,
        book=custom_roles.book_of(integration, roles) if with_book else None,
        by_value={
            type_name: _by_value(rows, type_name)
            for type_name in sorted(asked)
            if not (with_book and type_name == "Role")
        },
    )


def wanted_by(
    integration: Integration, user: Resource
) -> dict[tuple[str, str], tuple[AppEntitlement, str]]:
    """Return what a user should hold, each with where that comes from.

    By (kind, external id); the source is `group`, `role` or `entitlement`. What a
    custom role stands for comes from the role, whatever kind it is. Who is inactive
    should hold nothing.
    """
    return _wishes(integration, [user]).of(user)


def _by_value(
    rows: QuerySet[AppEntitlement], type_name: str
) -> dict[str | tuple[str], AppEntitlement | None]:
    """Return the entitlements of a type by resource id and by name.

    A name that two of them have says nothing.
    """
    found: dict[str | tuple[str], AppEntitlement | None] = {}
    of_type = rows.filter(resource__resource_type=type_name)
    for row in of_type.select_related("resource"):
        assert row.resource is not None  # noqa: S101  filtered by it
        found[row.resource.public_id] = row
        name = _name_key(row.name)
        found[name] = None if name in found else row
    return found


def _name_key(name: str) -> tuple[str]:
    """Return a key that is never equal to an id."""
    return (string_key(name, case_exact=False),)


def _give_to_holders(
    integration: Integration, row: AppEntitlement, now: datetime
) -> None:
    """Provision whom the IdP had given the name before we knew what it is."""
    name = "roles" if row.kind == ROLE_KIND else "entitlements"
    directory = integration.directory
    filter_ = f"{name}.value eq {orjson.dumps(row.name).decode()}"
    start = 1
    while True:
        query = Query(filter=filter_, start_index=start, count=_PAGE)
        page = queries.search(directory, schema_of(directory, "User"), query)
        if not page.rows:
            return
        users = [found.id for found in page.rows]
        wanted.want(directory, users, trigger=Job.Trigger.SCHEDULE, now=now)
        start += len(users)


def label_of(integration: Integration, kind: str) -> str:
    """Return what the manifest calls a kind."""
    kinds = integration.app.manifest.get("capabilities", {}).get("entitlements", [])
    return next((k["label"] for k in kinds if k["kind"] == kind), kind)
