"""What a directory serves: its resource types, their attributes, its abilities.

`Attribute` is the plain form of RFC 7643 section 7 in which the read path,
the projection and the comparable form look attributes up, by lower-case name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ETag,
    Filter,
    Meta,
    Pagination,
    Patch,
    Reference,
    Resource,
    ResourceType,
    Schema,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
)
from scim2_models.resources.schema import Attribute as SchemaAttribute

from scim.protocol import cursors
from scim.protocol import user_schema as user_schemas
from scim.protocol.bulk import MAX_OPERATIONS
from scim.protocol.models import EnterpriseUser, Entitlement, Group, Role, User
from scim.protocol.types import Document
from scim.protocol.user_schema import UserAttribute

MAX_RESULTS: Final = 200
DEFAULT_RESULTS: Final = 100
COMMON_ATTRIBUTES: Final = ("schemas", "id", "externalId", "meta")

POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a schema. RFC 7643 section 7."""

    name: str
    type: str
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    sub_attributes: dict[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResourceSchema:
    """A resource type with its base schema and its extensions."""

    name: str
    endpoint: str
    urn: str
    attributes: dict[str, Attribute]
    extensions: dict[str, dict[str, Attribute]]
    """Attributes by the extension's URN, spelled as the schema spells it."""

    model: type[Resource[Any]]
    read_only: bool = False
    """Whether only the app decides what there is; every attribute says so."""

    @property
    def has_immutable(self) -> bool:
        """Whether the document holds anything that may be set once only.

        Members are rows, whose sub-attributes are immutable by themselves.
        """
        return any(
            _is_immutable(attribute)
            for attributes in (self.attributes, *self.extensions.values())
            for attribute in attributes.values()
            if attribute.name != "members"
        )

    @property
    def keeps_back(self) -> bool:
        """Whether an answer leaves some attributes out that nobody excluded."""
        own = self.extensions.get(self.own_urn or "", {})
        return any(a.returned in {"request", "never"} for a in own.values())

    @property
    def own_urn(self) -> str | None:
        """The URN of the directory's own user schema, None if it has none."""
        return next(
            (u for u in self.extensions if u.startswith(user_schemas.OWN)), None
        )

    def extension_urn(self, urn: str) -> str | None:
        """Return the URN as the schema spells it, None if it is no extension."""
        return next((u for u in self.extensions if u.lower() == urn.lower()), None)


def _is_immutable(attribute: Attribute) -> bool:
    return attribute.mutability == "immutable" or any(
        map(_is_immutable, attribute.sub_attributes.values())
    )


def _attribute(source: SchemaAttribute) -> Attribute:
    return Attribute(
        name=source.name or "",
        type=str(source.type.value if source.type else "string"),
        multi_valued=bool(source.multi_valued),
        required=bool(source.required),
        case_exact=bool(source.case_exact),
        mutability=str(source.mutability.value if source.mutability else "readWrite"),
        returned=str(source.returned.value if source.returned else "default"),
        sub_attributes=_by_name(source.sub_attributes),
    )


def _by_name(sources: list[SchemaAttribute] | None) -> dict[str, Attribute]:
    return {(source.name or "").lower(): _attribute(source) for source in sources or []}


_COMMON: Final = {
    attribute.name.lower(): attribute
    for attribute in (
        Attribute("schemas", "reference", multi_valued=True, case_exact=True),
        Attribute(
            "id", "string", case_exact=True, mutability="readOnly", returned="always"
        ),
        Attribute("externalId", "string", case_exact=True),
        Attribute(
            "meta",
            "complex",
            mutability="readOnly",
            sub_attributes={
                "resourcetype": Attribute("resourceType", "string", case_exact=True),
                "created": Attribute("created", "dateTime"),
                "lastmodified": Attribute("lastModified", "dateTime"),
                "location": Attribute("location", "reference", case_exact=True),
                "version": Attribute("version", "string", case_exact=True),
            },
        ),
    )
}


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """What one directory serves."""

    resource_types: dict[str, ResourceSchema]
    """By name: `User`, `Group`, `Role`, `Entitlement`."""

    library: ScimProvider

    def at(self, endpoint: str) -> ResourceSchema | None:
        """Return the resource type served at an endpoint such as `Users`."""
        for schema in self.resource_types.values():
            if schema.endpoint == endpoint:
                return schema
        return None


@lru_cache(maxsize=256)
def service_provider(
    extension_urn: str = "",
    user_schema: tuple[UserAttribute, ...] = (),
    *,
    with_entitlements: bool = True,
) -> ServiceProvider:
    """Return what a directory serves: resource types and their schemas.

    `user_schema` is the integration's own, served under `extension_urn`; roles
    and entitlements are those of the app behind a gateway.
    """
    models: list[Any] = [User, EnterpriseUser, Group]
    user: Any = EnterpriseUser
    if user_schema:
        own = user_schemas.extension(extension_urn, user_schema)
        models.insert(2, own)
        user = EnterpriseUser | own
    resource_types = [
        ResourceType.from_resource(User[user]),  # type: ignore[misc]
        ResourceType.from_resource(Group),
    ]
    if with_entitlements:
        models += [Role, Entitlement]
        resource_types += [
            ResourceType.from_resource(Role),
            ResourceType.from_resource(Entitlement),
        ]
    library = ScimProvider(
        models=models,
        resource_types=resource_types,
        config=_config(),
        policy=POLICY,
    )
    by_urn = {schema.id: schema for schema in library.schemas}
    return ServiceProvider(
        resource_types={
            (schema := _resource_schema(library, resource_type, by_urn)).name: schema
            for resource_type in library.resource_types
        },
        library=library,
    )


def _resource_schema(
    library: ScimProvider, resource_type: ResourceType, by_urn: dict[Any, Schema]
) -> ResourceSchema:
    model = library.model_for(resource_type)
    assert model is not None  # noqa: S101  built from the same resource type
    own = _by_name(by_urn[resource_type.schema_].attributes)
    return ResourceSchema(
        name=resource_type.name or "",
        endpoint=str(resource_type.endpoint).strip("/"),
        urn=str(resource_type.schema_),
        attributes={**_COMMON, **own},
        extensions={
            str(extension.schema_): _by_name(by_urn[extension.schema_].attributes)
            for extension in resource_type.schema_extensions or []
        },
        model=model,  # type: ignore[arg-type]
        read_only=all(a.mutability == "readOnly" for a in own.values()),
    )


def _config() -> ServiceProviderConfig:
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(
            supported=True,
            max_operations=MAX_OPERATIONS,
            max_payload_size=0,
        ),
        filter=Filter(supported=True, max_results=MAX_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        pagination=Pagination(
            cursor=True,
            index=True,
            default_pagination_method=Pagination.DefaultPaginationMethod.index,
            default_page_size=DEFAULT_RESULTS,
            max_page_size=MAX_RESULTS,
            cursor_timeout=cursors.TIMEOUT,
        ),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="The token of this SCIM gateway, made in the portal.",
                spec_uri=Reference("https://www.rfc-editor.org/rfc/rfc6750"),
                primary=True,
            )
        ],
    )


def discovery(
    provider: ServiceProvider, endpoint: str, base_url: str, *, max_body_bytes: int
) -> list[Document]:
    """Return the documents of a discovery endpoint. RFC 7644 section 4.

    `endpoint` is `ServiceProviderConfig`, `ResourceTypes` or `Schemas`.
    """
    resources: tuple[Resource[Any], ...]
    if endpoint == "ResourceTypes":
        resources = provider.library.resource_types
    elif endpoint == "Schemas":
        resources = provider.library.schemas
    else:
        config = provider.library.config
        assert config is not None  # noqa: S101  set in service_provider
        assert config.bulk is not None  # noqa: S101  likewise
        limit = {"max_payload_size": max_body_bytes}
        bulk = config.bulk.model_copy(update=limit)
        resources = (config.model_copy(update={"bulk": bulk}),)
    return [_located(resource, endpoint, base_url) for resource in resources]


def _located(resource: Resource[Any], endpoint: str, base_url: str) -> Document:
    path = f"{endpoint}/{resource.id}" if resource.id else endpoint
    meta = Meta(resource_type=type(resource).__name__, location=f"{base_url}/{path}")
    document: Document = resource.model_copy(update={"meta": meta}).model_dump()
    return document
