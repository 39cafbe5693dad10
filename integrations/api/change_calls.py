"""What Keyway changed in an app, and the way back."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import paging
from integrations.api.base import ApiView
from integrations.api.integration_calls import integration_of
from integrations.api.problems import Problem
from integrations.models import RestorePoint
from integrations.provisioning import undoing
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["Changes"]
_ACTS: dict[str, Permission | None] = {"POST": Permission.MANAGE_INTEGRATIONS}


class ChangeSerializer(serializers.Serializer):
    """What was done to one account in a run. `userId` is the SCIM id."""

    id = serializers.UUIDField(source="public_id")
    run = serializers.UUIDField()
    userId = serializers.UUIDField(source="resource_id")
    userName = serializers.CharField(source="user_name")
    at = serializers.DateTimeField()
    steps = serializers.SerializerMethodField()
    isUndo = serializers.BooleanField(source="is_undo")
    undoneAt = serializers.DateTimeField(source="undone_at", allow_null=True)

    def get_steps(self, point: RestorePoint) -> list[str]:
        """Return what was done, in words."""
        return undoing.done(point)


class UndoneSerializer(serializers.Serializer):
    """For how many users a run is undone, and why not for the others."""

    count = serializers.IntegerField()
    refused = serializers.ListField(child=serializers.CharField())


class Changes(ApiView):
    """What was changed through one integration."""

    permissions: ClassVar = {"GET": Permission.VIEW_INTEGRATIONS}

    @extend_schema(
        operation_id="listChanges",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=paging.paged(ChangeSerializer),
    )
    def get(self, request: Request, key: str) -> Response:
        """List changes, newest first. What was done together has the same run."""
        integration = integration_of(self.workspace, key)
        rows = RestorePoint.objects.filter(integration=integration)
        return paging.page(request, rows, ChangeSerializer)


class Undo(ApiView):
    """The way back for one user."""

    permissions: ClassVar = _ACTS

    @extend_schema(
        operation_id="undoChange", tags=TAG, request=None, responses={204: None}
    )
    def post(self, request: Request, key: str, changeId: uuid.UUID) -> Response:
        """Put an account back to what it was before this change."""
        point = get_object_or_404(
            RestorePoint.objects.select_related("integration__workspace"),
            integration=integration_of(self.workspace, key),
            public_id=changeId,
            is_undo=False,
        )
        undoing.request(point, actor=self.person, now=database_now())
        return Response(status=204)


class UndoRun(ApiView):
    """The way back for everybody of a run."""

    permissions: ClassVar = _ACTS

    @extend_schema(
        operation_id="undoRun", tags=TAG, request=None, responses=UndoneSerializer
    )
    def post(self, request: Request, key: str, runId: uuid.UUID) -> Response:
        """Put each account of a run back to what it was before."""
        integration = integration_of(self.workspace, key)
        points = RestorePoint.objects.filter(integration=integration, run=runId)
        if not points.exists():
            raise Problem(404, "There is no such run.")
        count, refused = undoing.request_run(
            integration, runId, actor=self.person, now=database_now()
        )
        return Response({"count": count, "refused": refused})
