"""What one directory serves: the protocol's part, chosen by the directory's row."""

from __future__ import annotations

from functools import lru_cache

import orjson

from scim.protocol import user_schema
from scim.protocol.schema import ResourceSchema, ServiceProvider, service_provider
from scim.protocol.user_schema import UserAttribute
from workspaces.models import Directory


def provider_of(directory: Directory) -> ServiceProvider:
    """Return the resource types and schemas of a directory."""
    return _provider(
        # Without a schema of their own all directories share one provider.
        directory.key if directory.user_schema else "",
        orjson.dumps(directory.user_schema),
        is_gateway=directory.kind == Directory.Kind.GATEWAY,
    )


def schema_of(directory: Directory, name: str) -> ResourceSchema:
    """Return a resource type of a directory by its name, such as `User`."""
    return provider_of(directory).resource_types[name]


def user_schema_with(
    directory: Directory, attributes: tuple[UserAttribute, ...]
) -> ResourceSchema:
    """Return what User would be if the directory's own schema had these attributes."""
    provider = service_provider(
        user_schema.urn_of(directory.key),
        attributes,
        with_entitlements=directory.kind == Directory.Kind.GATEWAY,
    )
    return provider.resource_types["User"]


@lru_cache(maxsize=256)
def _provider(key: str, described: bytes, *, is_gateway: bool) -> ServiceProvider:
    return service_provider(
        user_schema.urn_of(key),
        user_schema.read(orjson.loads(described)).attributes,
        with_entitlements=is_gateway,
    )
