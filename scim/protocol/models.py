"""The resource models, from scim2-models, with what real IdPs need changed.

Nothing outside `scim.protocol` and `scim.store` may import the library.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from scim2_models import (
    URN,
    CaseExact,
    Mutability,
    Reference,
    Required,
    Resource,
    Returned,
)
from scim2_models import EnterpriseUser as LibraryEnterpriseUser
from scim2_models import Group as LibraryGroup
from scim2_models import User as LibraryUser
from scim2_models.attributes import ComplexAttribute
from scim2_models.resources.enterprise_user import Manager as LibraryManager
from scim2_models.resources.group import GroupMember as LibraryGroupMember
from scim2_models.resources.user import Email as LibraryEmail

__all__ = ["EnterpriseUser", "Entitlement", "Group", "Role", "User"]


class Email(LibraryEmail):
    """An e-mail address as text.

    The library's type refuses addresses in reserved domains (`.test`, `.local`),
    in which whole companies provision.
    """

    value: str | None = None


class User(LibraryUser):
    """A user whose e-mail addresses are text."""

    Emails: ClassVar[type[ComplexAttribute]] = Email

    emails: list[Email] | None = None  # type: ignore[assignment]


class GroupMember(LibraryGroupMember):
    """A member whose `display` is derived from the resource that it names.

    It comes only on request (`attributes=members.display`): RFC 7643 section 8.7.1
    has no such sub-attribute, and a large group is half as long without it.
    """

    display: Annotated[str | None, Mutability.read_only, Returned.request] = None


class Group(LibraryGroup):
    """A group of such members."""

    Members: ClassVar[type[ComplexAttribute]] = GroupMember

    members: list[GroupMember] | None = None  # type: ignore[assignment]


class Manager(LibraryManager):
    """A manager named by `value` alone: Entra and Okta send no `$ref`."""

    value: Annotated[str | None, Required.true, CaseExact.true] = None
    ref: Annotated[Reference[User] | None, Mutability.read_write] = Field(  # type: ignore[assignment]
        None, serialization_alias="$ref", validation_alias="$ref"
    )


class EnterpriseUser(LibraryEnterpriseUser):
    """The enterprise extension with that manager."""

    manager: Manager | None = None


class Role(Resource):
    """A role of the app, as Okta reads it. The app decides what there is."""

    __schema__ = URN("urn:okta:scim:schemas:core:1.0:Role")

    display_name: Annotated[str | None, Mutability.read_only] = None
    type: Annotated[str | None, Mutability.read_only] = None
    """The name of the resource type."""

    description: Annotated[str | None, Mutability.read_only] = None


class Entitlement(Resource):
    """A right of the app that is neither a group nor a role, as Okta reads it."""

    __schema__ = URN("urn:okta:scim:schemas:core:1.0:Entitlement")

    display_name: Annotated[str | None, Mutability.read_only] = None
    type: Annotated[str | None, Mutability.read_only] = None
    """The name of the resource type."""

    description: Annotated[str | None, Mutability.read_only] = None
