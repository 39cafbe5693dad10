"""Files that the portal offers: the same content, checks and records in the audit log."""

from __future__ import annotations

from typing import ClassVar

from django.http import JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import activity_calls, entitlement_calls, people_calls, plan_calls
from integrations.api.base import ApiView
from integrations.api.integration_calls import integration_of
from integrations.api.problems import Problem
from integrations.models import AssignmentExport, Integration
from integrations.reports import app_roles, assignment_exports
from integrations.reports import plan as plans
from integrations.views import activity_export
from workspaces import audit_files
from workspaces.clock import database_now
from workspaces.csv_export import csv_file, csv_response
from workspaces.permissions import Permission

AUDIT = ["Audit"]
CSV = {(200, "text/csv"): OpenApiTypes.BINARY}
_AUDIT: dict[str, Permission | None] = {"GET": Permission.VIEW_AUDIT}
_READ: dict[str, Permission | None] = {"GET": Permission.VIEW_INTEGRATIONS}


class AssignmentsSerializer(serializers.Serializer):
    """How far the file of all assignments is. It is kept for a day."""

    preparing = serializers.BooleanField(source="is_preparing")
    error = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField()
    askedAt = serializers.DateTimeField(source="asked_at")
    readyAt = serializers.DateTimeField(source="ready_at", allow_null=True)
    expiresAt = serializers.DateTimeField(source="expires_at")


class AuditTable(ApiView):
    """The audit log as a table."""

    permissions: ClassVar = _AUDIT

    @extend_schema(
        operation_id="exportAuditLog",
        tags=AUDIT,
        parameters=people_calls.AUDIT_FILTERS,
        responses=CSV,
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Export the audit log as CSV, newest first. That is recorded."""
        query = people_calls.audit_query(request)
        return audit_files.table(self.workspace, query, actor=self.person)


class AuditLines(ApiView):
    """The audit log as JSON lines."""

    permissions: ClassVar = _AUDIT

    @extend_schema(
        operation_id="exportAuditLines",
        tags=AUDIT,
        parameters=people_calls.AUDIT_FILTERS,
        responses={(200, "application/jsonl"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Export the audit log as JSON lines with their digests. That is recorded."""
        query = people_calls.audit_query(request)
        return audit_files.lines(self.workspace, query, actor=self.person)


class AuditCheckpoint(ApiView):
    """A signed checkpoint of the audit log."""

    permissions: ClassVar = _AUDIT

    @extend_schema(
        operation_id="loadAuditCheckpoint", tags=AUDIT, responses=OpenApiTypes.OBJECT
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return a checkpoint to keep elsewhere. That is recorded."""
        return audit_files.checkpoint(self.workspace, actor=self.person)


class ActivityTable(ApiView):
    """The activity as a table."""

    permissions: ClassVar = {"GET": Permission.VIEW_ACTIVITY}

    @extend_schema(
        operation_id="exportActivity",
        tags=activity_calls.TAG,
        parameters=activity_calls.FILTERS,
        responses=CSV,
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Export the activity as CSV, newest first. That is recorded."""
        activity_calls.filters_of(request)
        query = request.query_params
        return activity_export.file(self.workspace, query, actor=self.person)


class PlanTable(ApiView):
    """The plan of an integration as a table."""

    permissions: ClassVar = _READ

    @extend_schema(operation_id="exportPlan", tags=plan_calls.TAG, responses=CSV)
    def get(self, request: Request, key: str) -> StreamingHttpResponse:
        """Export the whole plan as CSV. That is recorded."""
        integration = integration_of(self.workspace, key)
        rows = plans.export(integration, actor=self.person)
        return csv_response(f"plan-{key}", plans.COLUMNS, rows)


class AppRoles(ApiView):
    """The roles of an integration for Entra ID."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="loadEntraAppRoles",
        tags=entitlement_calls.TAG,
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, key: str) -> JsonResponse:
        """Return `appRoles` for the manifest of an app of Entra ID."""
        return app_roles.file(integration_of(self.workspace, key))


class Assignments(ApiView):
    """The file of all assignments: it is prepared in the background."""

    permissions: ClassVar = dict.fromkeys(("GET", "POST"), Permission.VIEW_INTEGRATIONS)

    @extend_schema(
        operation_id="loadAssignmentsExport",
        tags=entitlement_calls.TAG,
        responses=AssignmentsSerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        """Return how far the file is; 404 if nobody asked for one."""
        found = _export(integration_of(self.workspace, key))
        return Response(AssignmentsSerializer(found).data)

    @extend_schema(
        operation_id="exportAssignments",
        tags=entitlement_calls.TAG,
        request=None,
        responses={202: AssignmentsSerializer},
    )
    def post(self, request: Request, key: str) -> Response:
        """Ask for a new file. One that is being prepared is the answer."""
        integration = integration_of(self.workspace, key)
        assignment_exports.request(integration, actor=self.person, now=database_now())
        return Response(AssignmentsSerializer(_export(integration)).data, status=202)


class AssignmentsTable(ApiView):
    """All assignments of an integration as a table."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="loadAssignments", tags=entitlement_calls.TAG, responses=CSV
    )
    def get(self, request: Request, key: str) -> StreamingHttpResponse:
        """Return the file once it is ready; 409 before. That is recorded."""
        integration = integration_of(self.workspace, key)
        found = _export(integration)
        pieces = assignment_exports.open_file(
            integration, actor=self.person, now=database_now()
        )
        if pieces is None:
            why = found.error or "The file is being prepared. Ask again shortly."
            raise Problem(409, why)
        return csv_file(f"assignments-{key}", pieces)


def _export(integration: Integration) -> AssignmentExport:
    found = assignment_exports.find(integration, now=database_now())
    if found is None:
        raise Problem(404, "There is no file. Ask for one: POST …/assignments.")
    return found
