"""How the connection of an IdP stands, and its usual use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.base import ApiView
from integrations.api.connection_calls import TAG, directory_of
from integrations.models import ConnectionWatch, SeenPlace
from integrations.watching import panel
from tokens import ways
from workspaces.models import Directory
from workspaces.permissions import Permission


class PlaceSerializer(serializers.Serializer):
    """A network or a client of the last 30 days, and what came in from it."""

    kind = serializers.ChoiceField(SeenPlace.Kind.choices)
    value = serializers.CharField(allow_blank=True)
    openerName = serializers.CharField(source="opener.name")
    firstUsedAt = serializers.DateTimeField(source="first_seen_at")
    lastUsedAt = serializers.DateTimeField(source="last_seen_at")


class ConnectionSerializer(serializers.Serializer):
    """The connection of an IdP. A gap is the time between two requests."""

    quarantinedAt = serializers.DateTimeField(allow_null=True)
    lastCallAt = serializers.DateTimeField(allow_null=True)
    silenceAlarm = serializers.BooleanField()
    silentSince = serializers.DateTimeField(allow_null=True)
    usualGapSeconds = serializers.IntegerField(
        allow_null=True, help_text="Null while there are too few requests to tell."
    )
    alarmAfterSeconds = serializers.IntegerField(allow_null=True)
    places = PlaceSerializer(many=True, help_text="The last used first, at most 50.")


@extend_schema_view(get=extend_schema(operation_id="loadConnection"))
class Connection(ApiView):
    """The connection of an integration's IdP."""

    permissions: ClassVar = {"GET": Permission.VIEW_INTEGRATIONS}

    @extend_schema(tags=TAG, responses=ConnectionSerializer)
    def get(self, request: Request, **of: str) -> Response:
        """Return how the connection stands, its rhythm, and from where it is used."""
        directory = directory_of(self.workspace, **of)
        return Response(ConnectionSerializer(_connection(directory)).data)


@extend_schema_view(get=extend_schema(operation_id="loadDirectorySyncConnection"))
class DirectorySyncConnection(Connection):
    """The connection of Directory Sync's IdP."""

    permissions: ClassVar = {"GET": Permission.MANAGE_DIRECTORY_SYNC}


def _connection(directory: Directory) -> dict[str, Any]:
    watch = ConnectionWatch.objects.filter(directory=directory).first()
    return {
        "quarantinedAt": directory.quarantined_at,
        "lastCallAt": ways.last_used([directory.pk]).get(directory.pk),
        "silenceAlarm": watch is None or watch.tells_silence,
        "silentSince": watch.silent_since if watch else None,
        "usualGapSeconds": _seconds(watch.usual_gap) if watch else None,
        "alarmAfterSeconds": _seconds(watch.alarm_after) if watch else None,
        "places": panel.last_places(directory),
    }


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else round(length.total_seconds())
