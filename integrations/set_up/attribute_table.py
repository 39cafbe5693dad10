"""What to type into an IdP for every attribute: from the directory's live schema.

The IdPs write one attribute in different ways; `Idp.attribute_paths` says how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from integrations.models import AppEntitlement, Integration
from integrations.provisioning.entitlements import GROUP_KIND, type_of
from scim.protocol import user_schema
from scim.protocol.custom_roles import CustomRole, key_of
from scim.protocol.schema import Attribute, ResourceSchema
from scim.served import schema_of

MAX_VALUES = 50

_CORE = (
    ("User name", "userName"),
    ("Given name", "name.givenName"),
    ("Family name", "name.familyName"),
    ("Display name", "displayName"),
    ("Email", "emails.value"),
    ("Active", "active"),
    ("External ID", "externalId"),
)
_ASSIGNED = (
    ("Roles", "roles.value", "Role"),
    ("Entitlements", "entitlements.value", "Entitlement"),
)


@dataclass(frozen=True, slots=True)
class AllowedValue:
    """A value that the app knows, and what people call it."""

    display_name: str
    value: str


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute."""

    display_name: str
    external_name: str
    data_type: str
    is_required: bool
    values: tuple[AllowedValue, ...] = ()
    more_values: int = 0
    """How many allowed values there are beyond those listed."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The attributes of one namespace."""

    title: str
    namespace: str
    rows: tuple[Row, ...]


def tables(
    integration: Integration, *, paths: Mapping[str, str], full_names: bool
) -> list[Table]:
    """Return the attributes of a user, one table a namespace. At most two queries.

    `paths` spells some core attributes as the IdP does; `full_names` puts the
    namespace before the names of the own schema, as in Entra.
    """
    directory = integration.directory
    schema = schema_of(directory, "User")
    core = [_core_row(schema, label, path, paths) for label, path in _CORE]
    own_schema = user_schema.read(directory.user_schema)
    core += _assigned_rows(integration, schema, paths, own_schema.roles)
    found = [Table("Standard attributes", schema.urn, tuple(core))]
    own = own_schema.attributes
    if own and schema.own_urn:
        prefix = f"{schema.own_urn}:" if full_names else ""
        rows = tuple(
            Row(
                display_name=attribute.label or attribute.name,
                external_name=f"{prefix}{attribute.name}",
                data_type=_data_type(attribute.type, attribute.multi_valued),
                is_required=attribute.required,
                values=tuple(
                    AllowedValue(value, value)
                    for value in attribute.canonical_values[:MAX_VALUES]
                ),
                more_values=max(0, len(attribute.canonical_values) - MAX_VALUES),
                note=attribute.description,
            )
            for attribute in own
        )
        found.append(Table(f"Attributes of {integration.app}", schema.own_urn, rows))
    return found


def _core_row(
    schema: ResourceSchema, label: str, path: str, paths: Mapping[str, str]
) -> Row:
    attribute, outer = _attribute_at(schema, path)
    return Row(
        display_name=label,
        external_name=paths.get(path, path),
        data_type=_data_type(attribute.type, outer.multi_valued),
        is_required=attribute.required and outer.required,
    )


def _assigned_rows(
    integration: Integration,
    schema: ResourceSchema,
    paths: Mapping[str, str],
    roles: tuple[CustomRole, ...],
) -> list[Row]:
    """Return roles and entitlements, where there can be any, with their values."""
    declared = integration.app.manifest.get("capabilities", {}).get("entitlements", [])
    kinds = {type_of(kind["kind"]) for kind in declared if kind["kind"] != GROUP_KIND}
    kinds |= {"Role"} if roles else set()
    if not kinds:
        return []
    known = AppEntitlement.objects.filter(
        integration=integration, resource__resource_type__in=kinds
    ).order_by("name", "id")
    listed = known.values_list("resource__resource_type", "name", "resource__public_id")
    custom = {role.key for role in roles}
    rows = []
    for label, path, type_name in _ASSIGNED:
        if type_name not in kinds:
            continue
        values = [(name, key) for kind, name, key in listed if kind == type_name]
        first: tuple[AllowedValue, ...] = ()
        if type_name == "Role":
            values = [(name, key) for name, key in values if key_of(name) not in custom]
            strongest = sorted(roles, key=lambda role: role.strength)
            first = tuple(AllowedValue(role.label, role.value) for role in strongest)
        row = _core_row(schema, label, path, paths)
        allowed = (*first, *_allowed(values[:MAX_VALUES], values))
        rows.append(
            Row(
                display_name=label,
                external_name=row.external_name,
                data_type=row.data_type,
                is_required=False,
                values=allowed[:MAX_VALUES],
                more_values=max(0, len(first) + len(values) - MAX_VALUES),
                note="" if allowed else "Sync first: it reads the values of the app.",
            )
        )
    return rows


def _allowed(
    shown: list[tuple[str, str]], values: list[tuple[str, str]]
) -> tuple[AllowedValue, ...]:
    """Name each by its name, or by its id where two have the same name."""
    times = Counter(name.casefold() for name, _ in values)
    return tuple(
        AllowedValue(name, name if times[name.casefold()] == 1 else key)
        for name, key in shown
    )


def _attribute_at(schema: ResourceSchema, path: str) -> tuple[Attribute, Attribute]:
    """Return the attribute at a path, and the outermost that it is part of."""
    name, _, part = path.lower().partition(".")
    outer = schema.attributes[name]
    return (outer.sub_attributes[part] if part else outer), outer


def _data_type(name: str, multi_valued: bool) -> str:  # noqa: FBT001  two facts
    return f"{name}, several values" if multi_valued else name
