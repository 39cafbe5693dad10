"""Members, and what everybody did: the audit log."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import paging
from integrations.api.base import ApiView
from workspaces import audit_log
from workspaces.models import Membership
from workspaces.permissions import Permission


class MemberSerializer(serializers.Serializer):
    """A member. `id` is the org membership id."""

    id = serializers.IntegerField()
    userId = serializers.IntegerField(source="user_id")
    email = serializers.CharField(source="user.email")
    name = serializers.CharField(source="user.name")
    role = serializers.CharField()
    active = serializers.BooleanField(source="is_active")


class AuditEventSerializer(serializers.Serializer):
    """One event of the audit log."""

    id = serializers.UUIDField(source="public_id")
    at = serializers.DateTimeField()
    action = serializers.CharField()
    actor = serializers.CharField(source="actor_label")
    targetType = serializers.CharField(source="target_type", allow_blank=True)
    targetId = serializers.CharField(source="target_id", allow_blank=True)
    target = serializers.CharField(source="target_label", allow_blank=True)
    address = serializers.CharField(allow_null=True)
    details = serializers.JSONField(source="data")


class Members(ApiView):
    """The members of the workspace."""

    permissions: ClassVar = {"GET": Permission.VIEW_MEMBERS}

    @extend_schema(
        operation_id="listMembers",
        tags=["Members"],
        parameters=[
            OpenApiParameter("email", str, description="The whole email address."),
            *paging.PARAMETERS,
        ],
        responses=paging.paged(MemberSerializer),
    )
    def get(self, request: Request) -> Response:
        """List members, the newest first. `email` finds the ids of one user."""
        rows = Membership.objects.in_workspace(self.workspace)
        email = request.query_params.get("email", "").replace("\x00", "").strip()
        if email:
            rows = rows.filter(user__email__iexact=email)
        return paging.page(request, rows, MemberSerializer)


class Audit(ApiView):
    """The audit log of the workspace."""

    permissions: ClassVar = {"GET": Permission.VIEW_AUDIT}

    @extend_schema(
        operation_id="listAuditEvents",
        tags=["Audit"],
        parameters=[
            OpenApiParameter("who", str, description="Part of a name or an email."),
            OpenApiParameter("what", str, description="An action."),
            OpenApiParameter("object", str, description="Part of a name, or an id."),
            OpenApiParameter("from", str, description="The first day, 2026-01-31."),
            OpenApiParameter("to", str, description="The last day."),
            *paging.PARAMETERS,
        ],
        responses=paging.paged(AuditEventSerializer),
    )
    def get(self, request: Request) -> Response:
        """List events, newest first."""
        filters = audit_log.Filters.read(request._request.GET)
        rows = audit_log.events(self.workspace, filters)
        return paging.page(request, rows, AuditEventSerializer)
