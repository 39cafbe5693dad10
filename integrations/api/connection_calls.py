"""A connection of an IdP: its quarantine and its silence alarm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.base import ApiView
from integrations.api.integration_calls import integration_of
from integrations.watching import silence
from tokens import quarantine
from workspaces import directory_sync
from workspaces.clock import database_now
from workspaces.models import Directory, Workspace
from workspaces.permissions import Permission

TAG = ["Connections"]
_OF_DIRECTORY_SYNC: dict[str, Permission | None] = dict.fromkeys(
    ("PUT", "DELETE"), Permission.MANAGE_DIRECTORY_SYNC
)


def directory_of(workspace: Workspace, *, key: str = "") -> Directory:
    """Return the directory of an integration, or 404; without a key, Directory Sync's."""
    if key:
        return integration_of(workspace, key).directory
    return directory_sync.directory_of(workspace)


class Switch(ApiView, ABC):
    """Something about a connection that is on or off."""

    permissions: ClassVar = dict.fromkeys(("PUT", "DELETE"), Permission.MANAGE_TOKENS)

    @extend_schema(tags=TAG, request=None, responses={204: None})
    def put(self, request: Request, **of: str) -> Response:
        """Switch it on. Done before, it changes nothing."""
        self.turn(directory_of(self.workspace, **of), on=True)
        return Response(status=204)

    @extend_schema(tags=TAG, responses={204: None})
    def delete(self, request: Request, **of: str) -> Response:
        """Switch it off. Done before, it changes nothing."""
        self.turn(directory_of(self.workspace, **of), on=False)
        return Response(status=204)

    @abstractmethod
    def turn(self, directory: Directory, *, on: bool) -> None:
        """Switch it."""


@extend_schema_view(
    put=extend_schema(operation_id="startQuarantine"),
    delete=extend_schema(operation_id="endQuarantine"),
)
class Quarantine(Switch):
    """Quarantine of an integration: reads go on, writes of the IdP wait."""

    def turn(self, directory: Directory, *, on: bool) -> None:
        """Let writes wait, or through again."""
        if on:
            quarantine.begin(directory, actor=self.person, now=database_now())
        else:
            quarantine.end(directory, actor=self.person)


@extend_schema_view(
    put=extend_schema(operation_id="startDirectorySyncQuarantine"),
    delete=extend_schema(operation_id="endDirectorySyncQuarantine"),
)
class DirectorySyncQuarantine(Quarantine):
    """Quarantine of Directory Sync."""

    permissions: ClassVar = _OF_DIRECTORY_SYNC


@extend_schema_view(
    put=extend_schema(operation_id="turnOnSilenceAlarm"),
    delete=extend_schema(operation_id="turnOffSilenceAlarm"),
)
class SilenceAlarm(Switch):
    """Whether people are told that the IdP of an integration is silent."""

    def turn(self, directory: Directory, *, on: bool) -> None:
        """Tell of it, or do not."""
        silence.switch(directory, on=on, actor=self.person, now=database_now())


@extend_schema_view(
    put=extend_schema(operation_id="turnOnDirectorySyncSilenceAlarm"),
    delete=extend_schema(operation_id="turnOffDirectorySyncSilenceAlarm"),
)
class DirectorySyncSilenceAlarm(SilenceAlarm):
    """Whether people are told that the IdP of Directory Sync is silent."""

    permissions: ClassVar = _OF_DIRECTORY_SYNC
