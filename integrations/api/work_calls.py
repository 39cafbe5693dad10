"""What is done and was done: syncs, jobs, activity."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import job_acts, services
from integrations.api import paging
from integrations.api.base import ApiView
from integrations.api.idempotency import idempotent
from integrations.api.integration_calls import integration_of
from integrations.api.problems import Problem
from integrations.reports import activity
from integrations.reports.activity import Entry, Mark
from integrations.reports.activity_filters import KINDS, Filters
from integrations.syncing import sync
from workspaces.clock import database_now
from workspaces.models import Job
from workspaces.permissions import Permission

JOBS, ACTIVITY = ["Jobs"], ["Activity"]


class JobSerializer(serializers.Serializer):
    """A piece of background work. `subject` is a gateway's key or a user's id."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    subject = serializers.CharField()
    state = serializers.CharField()
    trigger = serializers.CharField()
    progress = serializers.JSONField()
    error = serializers.CharField(allow_blank=True)
    createdAt = serializers.DateTimeField(source="created_at")
    startedAt = serializers.DateTimeField(source="started_at", allow_null=True)
    endedAt = serializers.DateTimeField(source="ended_at", allow_null=True)


class EntrySerializer(serializers.Serializer):
    """One line of the activity: a SCIM request, a job or an event."""

    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=["request", "job", "event"])
    what = serializers.CharField()
    status = serializers.CharField()
    resourceId = serializers.CharField(allow_blank=True)


class Syncs(ApiView):
    """The syncs of one integration."""

    permissions: ClassVar = dict.fromkeys(("GET", "POST"), Permission.SYNC)

    @extend_schema(
        operation_id="listSyncs",
        tags=JOBS,
        parameters=paging.PARAMETERS,
        responses=paging.paged(JobSerializer),
    )
    def get(self, request: Request, key: str) -> Response:
        """List the syncs of an integration, newest first."""
        integration = integration_of(self.workspace, key)
        rows = Job.objects.filter(
            workspace=self.workspace, kind=sync.JOB, subject=integration.directory.key
        )
        return paging.page(request, rows, JobSerializer)

    @extend_schema(
        operation_id="startSync",
        tags=JOBS,
        request=None,
        responses={201: JobSerializer},
    )
    @idempotent()
    def post(self, request: Request, key: str) -> Response:
        """Ask for a sync. One that waits or runs already is the answer."""
        integration = integration_of(self.workspace, key)
        job = services.request_sync(integration, actor=self.person, now=database_now())
        return Response(JobSerializer(job).data, status=201)


class Jobs(ApiView):
    """Background work of the workspace."""

    permissions: ClassVar = {"GET": Permission.VIEW_ACTIVITY}

    @extend_schema(
        operation_id="listJobs",
        tags=JOBS,
        parameters=paging.PARAMETERS,
        responses=paging.paged(JobSerializer),
    )
    def get(self, request: Request) -> Response:
        """List jobs, newest first."""
        rows = Job.objects.filter(workspace=self.workspace, kind__in=KINDS)
        return paging.page(request, rows, JobSerializer)


class JobById(ApiView):
    """One job."""

    permissions: ClassVar = {"GET": Permission.VIEW_ACTIVITY}

    @extend_schema(operation_id="loadJob", tags=JOBS, responses=JobSerializer)
    def get(self, request: Request, jobId: uuid.UUID) -> Response:
        """Return a job as it stands now."""
        return Response(JobSerializer(_job(self, jobId)).data)


class Cancelling(ApiView):
    """The end of a sync before its end."""

    permissions: ClassVar = {"POST": Permission.SYNC}

    @extend_schema(
        operation_id="cancelJob", tags=JOBS, request=None, responses=JobSerializer
    )
    def post(self, request: Request, jobId: uuid.UUID) -> Response:
        """Cancel a sync that waits or runs."""
        job_acts.cancel(_job(self, jobId), actor=self.person, now=database_now())
        return Response(JobSerializer(_job(self, jobId)).data)


@extend_schema_view(post=extend_schema(operation_id="approveSync"))
class Approval(ApiView):
    """The decision that a held sync is right."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}
    decide = staticmethod(job_acts.approve)

    @extend_schema(tags=JOBS, request=None, responses=JobSerializer)
    def post(self, request: Request, jobId: uuid.UUID) -> Response:
        """Decide on a sync that is held because it found too many users gone."""
        self.decide(_job(self, jobId), actor=self.person, now=database_now())
        return Response(JobSerializer(_job(self, jobId)).data)


@extend_schema_view(post=extend_schema(operation_id="discardSync"))
class Discard(Approval):
    """The decision that nothing is changed."""

    decide = staticmethod(job_acts.discard)


class Retrying(ApiView):
    """Another try of what failed."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}

    @extend_schema(
        operation_id="retryJob", tags=JOBS, request=None, responses=JobSerializer
    )
    def post(self, request: Request, jobId: uuid.UUID) -> Response:
        """Try a failed provisioning or sync again. Answers with the job that does it."""
        job = _job(self, jobId)
        again = job_acts.retry(job, actor=self.person, now=database_now())
        return Response(JobSerializer(again).data)


class Activity(ApiView):
    """What the IdP asked, what was done about it, and how that ended."""

    permissions: ClassVar = {"GET": Permission.VIEW_ACTIVITY}

    @extend_schema(
        operation_id="listActivity",
        tags=ACTIVITY,
        parameters=paging.PARAMETERS,
        responses=inline_serializer(
            "ActivityPage",
            {
                "data": EntrySerializer(many=True),
                "nextCursor": serializers.CharField(allow_null=True),
            },
        ),
    )
    def get(self, request: Request) -> Response:
        """List the activity, newest first."""
        cursor = request.query_params.get("cursor", "")
        before = Mark.read(cursor)
        if cursor and before is None:
            raise Problem(400, "cursor must be the nextCursor of another page.")
        found = activity.page(
            self.workspace,
            Filters.read(request._request.GET),
            before=before,
            size=paging.limit_of(request),
            now=database_now(),
        )
        flat = [e for entry in found.entries for e in (entry, *entry.jobs)]
        return Response(
            {
                "data": [_entry(entry) for entry in flat],
                "nextCursor": str(found.older) if found.older else None,
            }
        )


def _entry(entry: Entry) -> dict[str, Any]:
    if entry.record is not None:
        kind = "request"
        what = f"{entry.record.method} {entry.record.path}"
        status = str(entry.record.status)
    elif entry.job is not None:
        kind, what, status = "job", entry.job.kind, str(entry.job.state)
    else:
        assert entry.audited is not None  # noqa: S101  one of the three
        kind, what, status = "event", entry.audited.action, "recorded"
    return {
        "at": entry.at,
        "kind": kind,
        "what": what,
        "status": status,
        "resourceId": entry.resource_id,
    }


def _job(view: ApiView, job_id: uuid.UUID) -> Job:
    return get_object_or_404(
        Job, workspace=view.workspace, kind__in=KINDS, public_id=job_id
    )
