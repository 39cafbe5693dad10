"""What a job did in the app: its calls, its steps, and pictures of the browser."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import paging
from integrations.api.base import LARGEST_ID, ApiView
from integrations.api.problems import Problem
from integrations.api.work_calls import JOBS, job_of
from integrations.models import AppCall
from integrations.reports import app_calls
from integrations.views import screenshots
from workspaces.models import Job
from workspaces.permissions import Permission

_READ: dict[str, Permission | None] = {"GET": Permission.VIEW_ACTIVITY}


class AppCallSerializer(serializers.Serializer):
    """One call to the app. Secrets are hidden in the path and in both bodies."""

    id = serializers.IntegerField()
    number = serializers.IntegerField(
        source="sequence", help_text="From 1. What lies between two was left out."
    )
    step = serializers.CharField(source="act", help_text="What it was made for.")
    changesApp = serializers.BooleanField(source="is_change")
    at = serializers.DateTimeField()
    method = serializers.CharField()
    path = serializers.CharField()
    status = serializers.IntegerField(allow_null=True, help_text="Null: no answer.")
    failed = serializers.BooleanField(source="is_failure")
    error = serializers.CharField(allow_blank=True)
    milliseconds = serializers.IntegerField()
    sent = serializers.CharField(source="request_body", allow_blank=True)
    answered = serializers.CharField(
        source="answer_body", allow_blank=True, help_text="Of errors only."
    )
    screenshot = serializers.SerializerMethodField()

    def get_screenshot(self, call: AppCall) -> str | None:
        """Return where the picture of the page is; null without one."""
        if not getattr(call, "has_picture", False):
            return None
        return reverse("api:screenshot", args=[call.pk])


class StepSerializer(serializers.Serializer):
    """What was changed in the app, and whether each call for it worked."""

    step = serializers.CharField(source="words")
    succeeded = serializers.BooleanField()


class Calls(ApiView):
    """The calls of one attempt of a job."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="listJobCalls",
        tags=JOBS,
        parameters=[
            OpenApiParameter("attempt", int, description="From 1; else the last one."),
            *paging.PARAMETERS,
        ],
        responses=inline_serializer(
            "AppCallPage",
            {
                "attempt": serializers.IntegerField(),
                "attempts": serializers.IntegerField(),
                "steps": StepSerializer(many=True),
                "data": AppCallSerializer(many=True),
                "nextCursor": serializers.CharField(allow_null=True),
            },
        ),
    )
    def get(self, request: Request, jobId: uuid.UUID) -> Response:
        """List the calls to the app, newest first, and the steps that changed it."""
        job = job_of(self.workspace, jobId)
        attempt = _attempt(request, job)
        calls = app_calls.of_attempt(job, attempt)
        shown, following = paging.window(request, calls)
        steps = app_calls.steps_of(job, attempt)
        return Response(
            {
                "attempt": attempt,
                "attempts": job.attempt,
                "steps": StepSerializer(steps, many=True).data,
                "data": AppCallSerializer(shown, many=True).data,
                "nextCursor": following,
            }
        )


class Screenshot(ApiView):
    """The page of the app after a step of the browser."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="loadScreenshot",
        tags=JOBS,
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, callId: int) -> HttpResponse:
        """Return the picture, in which what was typed is covered."""
        return screenshots.picture(self.workspace, min(callId, LARGEST_ID))


def _attempt(request: Request, job: Job) -> int:
    """Return the attempt that is asked for, else the last one. Raises Problem."""
    text = request.query_params.get("attempt", "")
    if not text:
        return job.attempt
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= job.attempt):
        if not job.attempt:
            raise Problem(400, "This job has not begun: it has no attempt yet.")
        raise Problem(400, f"attempt must be a number from 1 to {job.attempt}.")
    return int(text[:9])
