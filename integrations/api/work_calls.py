"""What is done and was done: syncs and other jobs."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import job_acts, services
from integrations.api import paging
from integrations.api.base import ApiView
from integrations.api.idempotency import idempotent
from integrations.api.integration_calls import integration_of
from integrations.reports.activity_filters import KINDS
from integrations.syncing import holding, sync
from workspaces.clock import database_now
from workspaces.models import Job, Workspace
from workspaces.permissions import Permission

JOBS = ["Jobs"]


class JobSerializer(serializers.Serializer):
    """A piece of background work. `subject` is a gateway's key or a user's id."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    subject = serializers.CharField()
    state = serializers.CharField()
    trigger = serializers.CharField()
    actor = serializers.CharField(allow_null=True, help_text="Null: Keyway by itself.")
    attempts = serializers.IntegerField(source="attempt")
    progress = serializers.JSONField()
    error = serializers.CharField(allow_blank=True)
    message = serializers.SerializerMethodField(help_text="What came of it.")
    skipped = serializers.SerializerMethodField(
        help_text="Why a sync could not take over some accounts: the first of them."
    )
    createdAt = serializers.DateTimeField(source="created_at")
    startedAt = serializers.DateTimeField(source="started_at", allow_null=True)
    endedAt = serializers.DateTimeField(source="ended_at", allow_null=True)

    def get_message(self, job: Job) -> str:
        """Return the sentence of its result, empty until it has one."""
        return str(job.result.get("message", ""))

    def get_skipped(self, job: Job) -> list[str]:
        """Return the sentences of its result."""
        return list(job.result.get("skipped", []))


class GoneSerializer(serializers.Serializer):
    """An account that the app has no more. `userId` is the SCIM id."""

    userId = serializers.CharField(
        source="provisioning.resource_id_public", default=None, allow_null=True
    )
    externalId = serializers.CharField(source="external_id")
    usernameInApp = serializers.CharField(source="username")
    email = serializers.CharField(allow_blank=True)
    displayName = serializers.CharField(source="display_name", allow_blank=True)


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
        rows = Job.objects.select_related("actor").filter(
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
        rows = Job.objects.select_related("actor").filter(
            workspace=self.workspace, kind__in=KINDS
        )
        return paging.page(request, rows, JobSerializer)


class JobById(ApiView):
    """One job."""

    permissions: ClassVar = {"GET": Permission.VIEW_ACTIVITY}

    @extend_schema(operation_id="loadJob", tags=JOBS, responses=JobSerializer)
    def get(self, request: Request, jobId: uuid.UUID) -> Response:
        """Return a job as it stands now."""
        return Response(JobSerializer(job_of(self.workspace, jobId)).data)


class Gone(ApiView):
    """Whom a held sync would remove."""

    permissions: ClassVar = {"GET": Permission.SYNC}

    @extend_schema(
        operation_id="listGoneAccounts",
        tags=JOBS,
        parameters=paging.PARAMETERS,
        responses=paging.paged(GoneSerializer),
    )
    def get(self, request: Request, jobId: uuid.UUID) -> Response:
        """List the accounts that a held sync found gone; none once it is decided."""
        rows = holding.accounts_gone(job_of(self.workspace, jobId))
        return paging.page(request, rows.select_related("provisioning"), GoneSerializer)


class Cancelling(ApiView):
    """The end of a sync before its end."""

    permissions: ClassVar = {"POST": Permission.SYNC}

    @extend_schema(
        operation_id="cancelJob", tags=JOBS, request=None, responses=JobSerializer
    )
    def post(self, request: Request, jobId: uuid.UUID) -> Response:
        """Cancel a sync that waits or runs."""
        job_acts.cancel(
            job_of(self.workspace, jobId), actor=self.person, now=database_now()
        )
        return Response(JobSerializer(job_of(self.workspace, jobId)).data)


@extend_schema_view(post=extend_schema(operation_id="approveSync"))
class Approval(ApiView):
    """The decision that a held sync is right."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}
    decide = staticmethod(job_acts.approve)

    @extend_schema(tags=JOBS, request=None, responses=JobSerializer)
    def post(self, request: Request, jobId: uuid.UUID) -> Response:
        """Decide on a sync that is held because it found too many users gone."""
        self.decide(
            job_of(self.workspace, jobId), actor=self.person, now=database_now()
        )
        return Response(JobSerializer(job_of(self.workspace, jobId)).data)


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
        job = job_of(self.workspace, jobId)
        again = job_acts.retry(job, actor=self.person, now=database_now())
        return Response(JobSerializer(again).data)


def job_of(workspace: Workspace, job_id: uuid.UUID) -> Job:
    """Return a job of the tenant, or 404."""
    return get_object_or_404(
        Job.objects.select_related("actor"),
        workspace=workspace,
        kind__in=KINDS,
        public_id=job_id,
    )
