"""Keep the Roles of a directory, and who holds what by them, in step with its schema.

A custom role is published as a Role whose `externalId` is its value, so that a
sync of the app knows it from the app's own and leaves it. Where the app has a role
of that name, one Role stands for both and shows the custom role's words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from integrations.models import AppEntitlement, Integration, Provisioning
from integrations.provisioning import custom_roles, entitlements, mapping, wanted
from integrations.provisioning.custom_roles import ROLE_KIND, Book
from scim import schema_changes, services
from scim.models import Resource
from scim.protocol.custom_roles import CustomRole, key_of
from scim.protocol.types import Document
from scim.served import schema_of
from workspaces.models import Directory, Job

_ORIGIN = services.Origin(source=Resource.Source.APP)
_CHUNK = 500


def follow(directory: Directory, now: datetime) -> None:
    """Bring Roles and accounts into line with a schema that has changed."""
    integration = (
        Integration.objects.filter(directory=directory)
        .select_related("app", "directory")
        .first()
    )
    if integration is not None:
        publish(integration, now=now)
        _provision_holders(integration, trigger=Job.Trigger.WEB, now=now)


def after_sync(integration: Integration, *, now: datetime) -> None:
    """Do the same for what a sync has found in the app, if there are custom roles."""
    if schema_changes.user_schema_of(integration.directory).roles:
        publish(integration, now=now)
        _provision_holders(integration, trigger=Job.Trigger.SCHEDULE, now=now)


@transaction.atomic
def publish(integration: Integration, *, now: datetime) -> None:
    """Make, change and delete Roles until they show the custom roles."""
    directory = Directory.objects.select_for_update(no_key=True).get(
        pk=integration.directory_id
    )
    roles = {r.key: r for r in schema_changes.user_schema_of(directory).roles}
    own = list(
        Resource.objects.filter(
            directory=directory, resource_type="Role", external_id__isnull=False
        )
        .defer("comparable")
        .order_by("id")
    )
    if not roles and not own:
        return
    rows = _roles_of_the_app(integration)
    shown = _show_those_of_the_app(integration, directory, rows, roles, now)
    of_app = {row.resource_id for row in rows}
    for resource in own:
        if resource.pk in of_app:
            continue
        role = roles.get(key_of(str(resource.external_id)))
        if role is None or role.key in shown:
            _delete(directory, resource, now)
        else:
            _replace(directory, resource, body_of(role), now)
            shown.add(role.key)
    for role in roles.values():
        if role.key not in shown:
            schema = schema_of(directory, "Role")
            services.create(directory, schema, body_of(role), origin=_ORIGIN, now=now)


def body_of(role: CustomRole) -> Document:
    """Return the Role that stands for a custom role."""
    return {
        "displayName": role.label,
        "type": "Role",
        "description": role.description or "Custom role",
        "externalId": role.value,
    }


def _roles_of_the_app(integration: Integration) -> list[AppEntitlement]:
    rows = AppEntitlement.objects.filter(
        integration=integration, kind=ROLE_KIND, resource__isnull=False
    )
    found = rows.select_related("resource").defer("resource__comparable")
    return list(found.order_by("id"))


def _show_those_of_the_app(
    integration: Integration,
    directory: Directory,
    rows: list[AppEntitlement],
    roles: dict[str, CustomRole],
    now: datetime,
) -> set[str]:
    """Let Roles of the app show the custom role of their name, or else themselves.

    Returns the keys of the custom roles that are shown so.
    """
    times = Counter(key_of(row.name) for row in rows)
    shown = set()
    for row in rows:
        resource, name = row.resource, key_of(row.name)
        assert resource is not None  # noqa: S101  filtered by it
        if name in roles and times[name] == 1:
            _replace(directory, resource, body_of(roles[name]), now)
            shown.add(name)
        elif resource.external_id is not None:
            _replace(directory, resource, entitlements.body_of(integration, row), now)
    return shown


def _replace(
    directory: Directory, resource: Resource, body: Document, now: datetime
) -> None:
    services.replace(
        directory,
        schema_of(directory, "Role"),
        resource.public_id,
        body,
        origin=_ORIGIN,
        now=now,
    )


def _delete(directory: Directory, resource: Resource, now: datetime) -> None:
    services.delete(
        directory,
        schema_of(directory, "Role"),
        resource.public_id,
        origin=_ORIGIN,
        now=now,
    )


def _provision_holders(
    integration: Integration, *, trigger: Job.Trigger, now: datetime
) -> None:
    """Provision whoever was not given what their roles stand for now."""
    directory = integration.directory
    roles = schema_changes.user_schema_of(directory).roles
    book = custom_roles.book_of(integration, roles)
    last = 0
    while users := _with_roles(directory, last):
        granted = dict(
            Provisioning.objects.filter(
                resource__in=[user.pk for user in users]
            ).values_list("resource", "granted")
        )
        late = [u.pk for u in users if not _is_given(u, granted.get(u.pk, []), book)]
        wanted.want(directory, late, trigger=trigger, now=now)
        last = users[-1].pk


def _with_roles(directory: Directory, last: int) -> list[Resource]:
    return list(
        Resource.objects.filter(
            directory=directory,
            resource_type="User",
            document__contains='"roles":',
            pk__gt=last,
        )
        .only("id", "document", "active")
        .order_by("id")[:_CHUNK]
    )


def _is_given(user: Resource, granted: Iterable[list[str]], book: Book) -> bool:
    """Say whether a user was given just what the roles stand for."""
    values = mapping.assigned(user)["Role"] if user.active is not False else []
    due = {row.key for row in book.choose(values).given}
    given = {(kind, external_id): source for kind, external_id, *source in granted}
    by_role = {key for key, source in given.items() if source == ["role"]}
    return due <= given.keys() and by_role <= due
