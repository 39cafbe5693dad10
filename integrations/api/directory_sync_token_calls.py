"""SCIM tokens of Directory Sync: the calls of an integration's tokens, one address for all."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view

from integrations.api import token_calls
from workspaces import directory_sync
from workspaces.models import Directory
from workspaces.permissions import Permission
from workspaces.refusals import SyncOff

MANAGES = Permission.MANAGE_DIRECTORY_SYNC


@extend_schema_view(
    get=extend_schema(operation_id="listDirectorySyncTokens"),
    post=extend_schema(operation_id="generateDirectorySyncToken"),
)
class Tokens(token_calls.Tokens):
    """The tokens of Directory Sync."""

    permissions: ClassVar = dict.fromkeys(("GET", "POST"), MANAGES)

    def let_in(self, of: dict[str, str]) -> Directory:
        """Return the directory that gets a token. Raises SyncOff."""
        if directory_sync.of(self.workspace) is None:
            raise SyncOff
        return super().let_in(of)


@extend_schema_view(
    patch=extend_schema(operation_id="changeDirectorySyncToken"),
    delete=extend_schema(operation_id="revokeDirectorySyncToken"),
)
class TokenById(token_calls.TokenById):
    """One token of Directory Sync."""

    permissions: ClassVar = dict.fromkeys(("PATCH", "DELETE"), MANAGES)


@extend_schema_view(
    get=extend_schema(operation_id="loadDirectorySyncTokenLimits"),
    put=extend_schema(operation_id="limitDirectorySyncToken"),
)
class TokenLimits(token_calls.TokenLimits):
    """How far one token of Directory Sync reaches."""

    permissions: ClassVar = dict.fromkeys(("GET", "PUT"), MANAGES)


@extend_schema_view(post=extend_schema(operation_id="retireDirectorySyncToken"))
class Retirement(token_calls.Retirement):
    """The end of an overlap before its time."""

    permissions: ClassVar = {"POST": MANAGES}


@extend_schema_view(post=extend_schema(operation_id="rotateDirectorySyncToken"))
class Rotation(token_calls.Rotation):
    """A new token of Directory Sync in the place of one."""

    permissions: ClassVar = {"POST": MANAGES}
