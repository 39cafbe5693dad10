"""Custom roles of the user schema: what they stand for in the app, and who holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from integrations.models import AppEntitlement, Integration
from scim.models import Resource
from scim.protocol import custom_roles
from scim.protocol.custom_roles import CustomRole, Grant, key_of

ROLE_KIND = "role"

Named = CustomRole | AppEntitlement
"""What a value of a user's `roles` can name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of the values of one user's `roles`."""

    roles: tuple[CustomRole, ...]
    """Custom roles that are held, the strongest first."""

    of_app: tuple[AppEntitlement, ...]
    """Roles of the app that were named themselves."""

    left_out: tuple[tuple[CustomRole, CustomRole], ...]
    """Custom roles that are not held, each with the stronger that excludes it."""

    unknown: tuple[str, ...]
    """Values that name nothing."""

    given: tuple[AppEntitlement, ...]
    """What all of it stands for in the app."""


@dataclass(frozen=True, slots=True)
class Book:
    """What values of `roles` can name in one integration."""

    by_id: Mapping[str, Named]
    by_value: Mapping[str, CustomRole]
    by_name: Mapping[str, Named | None]
    rows: Mapping[tuple[str, str], AppEntitlement | None]
    """By kind and name; None for a name that the app has twice."""

    def find(self, value: str) -> Named | None:
        """Return what a value names: by id, by value, or by a name that one has."""
        key = key_of(value)
        return self.by_id.get(value) or self.by_value.get(key) or self.by_name.get(key)

    def stands_for(self, role: CustomRole) -> list[AppEntitlement]:
        """Return what a custom role gives, as far as the app is known to have it."""
        found = (self.rows.get(_key_of_grant(grant)) for grant in grants_of(role))
        return [row for row in found if row is not None]

    def missing(self, role: CustomRole) -> list[Grant]:
        """Return what a role should give and the app is not known to have, or twice."""
        return [g for g in grants_of(role) if self.rows.get(_key_of_grant(g)) is None]

    def choose(self, values: Iterable[str]) -> Choice:
        """Return what a user holds whose `roles` have these values."""
        asked: list[CustomRole] = []
        of_app: dict[tuple[str, str], AppEntitlement] = {}
        unknown = []
        for value in values:
            named = self.find(value)
            if isinstance(named, CustomRole):
                asked.append(named)
            elif named is not None:
                of_app[named.key] = named
            else:
                unknown.append(value)
        held, left_out = custom_roles.choose(asked)
        given = dict(of_app)
        for role in held:
            given |= {row.key: row for row in self.stands_for(role)}
        return Choice(
            roles=tuple(held),
            of_app=tuple(of_app.values()),
            left_out=tuple(left_out),
            unknown=tuple(unknown),
            given=tuple(given.values()),
        )


def book_of(integration: Integration, roles: tuple[CustomRole, ...]) -> Book:
    """Return what can be named, with these custom roles. Two queries.

    `roles` need not be the stored ones. Where a role has the value that is the name
    of a role of the app, that name and its id mean the custom role.
    """
    kinds = {ROLE_KIND} | {grant.kind for role in roles for grant in role.grants}
    rows = list(
        AppEntitlement.objects.filter(integration=integration, kind__in=kinds)
        .select_related("resource")
        .only("kind", "external_id", "name", "integration", "resource__public_id")
        .order_by("id")
    )
    by_row: dict[tuple[str, str], AppEntitlement | None] = {}
    for row in rows:
        key = (row.kind, key_of(row.name))
        by_row[key] = None if key in by_row else row
    by_value = {role.key: role for role in roles}
    by_id: dict[str, Named] = {}
    names: list[tuple[str, Named]] = [(key_of(r.label), r) for r in roles]
    for row in rows:
        if row.kind != ROLE_KIND or row.resource is None:
            continue
        name = key_of(row.name)
        role = by_value.get(name) if by_row[ROLE_KIND, name] is not None else None
        by_id[row.resource.public_id] = role or row
        if role is None:
            names.append((name, row))
    by_id |= {
        public_id: by_value[key_of(value)]
        for value, public_id in published(integration)
        if key_of(value) in by_value
    }
    by_name: dict[str, Named | None] = {}
    for name, named in names:
        by_name[name] = None if name in by_name else named
    return Book(by_id, by_value, by_name, by_row)


def published(integration: Integration) -> list[tuple[str, str]]:
    """Return (value, public id) of the Roles that stand for custom roles.

    Their `externalId` is the value; a Role that is the app's alone has none.
    """
    found = Resource.objects.filter(
        directory=integration.directory_id,
        resource_type="Role",
        external_id__isnull=False,
    )
    return [
        (str(value), public_id)
        for value, public_id in found.order_by("id").values_list(
            "external_id", "public_id"
        )
    ]


def grants_of(role: CustomRole) -> tuple[Grant, ...]:
    """Return what a role stands for: itself in the app where it says nothing."""
    return role.grants or (Grant(ROLE_KIND, role.value),)


def _key_of_grant(grant: Grant) -> tuple[str, str]:
    return grant.kind, key_of(grant.name)
