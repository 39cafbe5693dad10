"""What an app says of itself: RFC 7643 sections 5 to 7.

An app that has none of the three documents is taken for one that can PATCH and
filter, with `/Users` and `/Groups`: most that say nothing can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from integrations.desired import JSON

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@dataclass(frozen=True, slots=True)
class Features:
    """Which of SCIM's options the app has."""

    says_so: bool = False
    """Whether it has a ServiceProviderConfig at all."""

    patch: bool = True
    filter: bool = True
    cursor: bool = False
    etag: bool = False

    def missing(self) -> Iterator[str]:
        """Yield what the app lacks and what Keyway does instead."""
        if not self.says_so:
            yield (
                "The app has no ServiceProviderConfig. Keyway takes it that the app "
                "can PATCH and filter."
            )
        if not self.patch:
            yield "The app cannot PATCH: Keyway reads and replaces whole resources."
        if not self.filter:
            yield "The app cannot filter: Keyway reads the whole list to find a user."


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the app has what: paths behind its SCIM address, empty for none."""

    users: str = "/Users"
    groups: str = "/Groups"
    roles: str = ""

    def missing(self) -> Iterator[str]:
        """Yield what the app does not have."""
        if not self.groups:
            yield "The app has no groups."


@dataclass(frozen=True, slots=True)
class UserAttributes:
    """The attributes that users of the app have."""

    paths: Mapping[str, str] = field(default_factory=dict)
    """Path by lower-case name; of two with one name, that of the core schema."""

    role_values: tuple[str, ...] = ()
    """What `roles` can hold, where the app's schema says it."""


def read_features(document: JSON) -> Features:
    """Read a ServiceProviderConfig, None if the app has none."""
    if not isinstance(document, dict):
        return Features()
    return Features(
        says_so=True,
        patch=_supported(document.get("patch")),
        filter=_supported(document.get("filter")),
        cursor=_member(document.get("pagination"), "cursor") is True,
        etag=_supported(document.get("etag")),
    )


def read_endpoints(document: JSON) -> Endpoints:
    """Read the list of ResourceTypes, None if the app has none."""
    if document is None:
        return Endpoints()
    found = {
        str(entry.get("name", "")).lower(): _path(entry.get("endpoint"))
        for entry in _entries(document)
    }
    return Endpoints(
        users=found.get("user") or "/Users",
        groups=found.get("group", ""),
        roles=found.get("role", ""),
    )


def read_user_attributes(document: JSON) -> UserAttributes:
    """Read the list of Schemas, None if the app has none."""
    paths: dict[str, str] = {}
    role_values: tuple[str, ...] = ()
    of_users = [
        schema
        for schema in _entries(document)
        if str(schema.get("id")).endswith("User")
    ]
    for schema in sorted(of_users, key=lambda each: each.get("id") != USER):
        urn = str(schema["id"])
        for attribute in _dicts(schema.get("attributes")):
            name = str(attribute.get("name", ""))
            paths.setdefault(name.lower(), name if urn == USER else f"{urn}:{name}")
            if urn == USER and name == "roles":
                role_values = _canonical_values(attribute)
    return UserAttributes(paths, role_values)


def _canonical_values(roles: Mapping[str, JSON]) -> tuple[str, ...]:
    for attribute in _dicts(roles.get("subAttributes")):
        if attribute.get("name") == "value":
            values = attribute.get("canonicalValues")
            return tuple(map(str, values)) if isinstance(values, list) else ()
    return ()


def _entries(document: JSON) -> list[dict[str, JSON]]:
    """Return the resources of a ListResponse; some apps answer with a bare list."""
    if isinstance(document, dict):
        document = document.get("Resources")
    return _dicts(document)


def _dicts(values: JSON) -> list[dict[str, JSON]]:
    listed: Iterable[JSON] = values if isinstance(values, list) else ()
    return [each for each in listed if isinstance(each, dict)]


def _path(endpoint: JSON) -> str:
    """Return the last segment: some apps give the whole URL."""
    last = str(endpoint or "").rstrip("/").rpartition("/")[2]
    return f"/{last}" if last else ""


def _supported(feature: JSON) -> bool:
    return _member(feature, "supported") is True


def _member(feature: JSON, name: str) -> JSON:
    return feature.get(name) if isinstance(feature, dict) else None
