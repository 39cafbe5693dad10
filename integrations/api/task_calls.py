"""Tasks: what people do by hand in an app that Keyway cannot reach."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input, paging
from integrations.api.base import ApiView
from integrations.api.problems import Problem
from integrations.models import Task
from integrations.tasks import services
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["Tasks"]


class TaskSerializer(serializers.Serializer):
    """What has to be done for one user. `version` changes with the steps."""

    id = serializers.UUIDField(source="public_id")
    integration = serializers.CharField(source="integration.directory.key")
    userName = serializers.CharField(source="user_name")
    state = serializers.CharField()
    steps = serializers.JSONField(help_text="Each with words and values.")
    version = serializers.SerializerMethodField()
    finding = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    createdAt = serializers.DateTimeField(source="created_at")
    closedAt = serializers.DateTimeField(source="closed_at", allow_null=True)

    def get_version(self, task: Task) -> str:
        """Return what a decision on the task names."""
        return services.version_of(task)


class DoneSerializer(serializers.Serializer):
    """The version of the steps that were done."""

    version = serializers.CharField()


class NotPossibleSerializer(DoneSerializer):
    """Why it cannot be done."""

    reason = serializers.CharField(max_length=500)


class TaskView(ApiView):
    """What calls about one task share."""

    def task(self, task_id: uuid.UUID) -> Task:
        """Return a task of the tenant, or answer 404."""
        rows = Task.objects.in_workspace(self.workspace)
        return get_object_or_404(
            rows.select_related("integration__directory"), public_id=task_id
        )


class Tasks(ApiView):
    """The tasks of the workspace."""

    permissions: ClassVar = {"GET": Permission.VIEW_INTEGRATIONS}

    @extend_schema(
        operation_id="listTasks",
        tags=TAG,
        parameters=[
            OpenApiParameter("state", str, enum=Task.State.values),
            *paging.PARAMETERS,
        ],
        responses=paging.paged(TaskSerializer),
    )
    def get(self, request: Request) -> Response:
        """List tasks, newest first."""
        rows = Task.objects.in_workspace(self.workspace)
        state = request.query_params.get("state", "")
        if state and state not in Task.State.values:
            raise Problem(400, f"state must be one of: {', '.join(Task.State.values)}.")
        if state:
            rows = rows.filter(state=state)
        rows = rows.select_related("integration__directory")
        return paging.page(request, rows, TaskSerializer)


class Done(TaskView):
    """The word of a person that a task is done."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}

    @extend_schema(
        operation_id="markTaskDone",
        tags=TAG,
        request=DoneSerializer,
        responses=TaskSerializer,
    )
    def post(self, request: Request, taskId: uuid.UUID) -> Response:
        """Say that a task is done as its steps said in this version."""
        task = self.task(taskId)
        given = form_input.body_of(request, DoneSerializer)
        services.done(task, **given, actor=self.person, now=database_now())
        return Response(TaskSerializer(self.task(taskId)).data)


class NotPossible(TaskView):
    """The word of a person that a task cannot be done."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}

    @extend_schema(
        operation_id="markTaskNotPossible",
        tags=TAG,
        request=NotPossibleSerializer,
        responses=TaskSerializer,
    )
    def post(self, request: Request, taskId: uuid.UUID) -> Response:
        """Say why a task cannot be done. The user is shown as failed, with the reason."""
        task = self.task(taskId)
        given = form_input.body_of(request, NotPossibleSerializer)
        services.cannot_be_done(task, **given, actor=self.person, now=database_now())
        return Response(TaskSerializer(self.task(taskId)).data)
