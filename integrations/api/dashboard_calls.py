"""The figures of the dashboard."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.base import ApiView
from integrations.reports import dashboard
from integrations.reports.standing import State
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["Dashboard"]


class HourSerializer(serializers.Serializer):
    """How many SCIM requests an hour had."""

    start = serializers.DateTimeField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()


class LineSerializer(serializers.Serializer):
    """An integration and its last day."""

    integration = serializers.CharField(source="integration.directory.key")
    name = serializers.CharField(source="integration.name")
    state = serializers.ChoiceField(State.choices, source="standing.state")
    since = serializers.DateTimeField(source="standing.since", allow_null=True)
    failedRequests = serializers.IntegerField(source="failed_requests")
    failedUsers = serializers.IntegerField(source="failed_people")
    unmatched = serializers.IntegerField()
    lastCallAt = serializers.DateTimeField(source="last_call_at", allow_null=True)
    silentSince = serializers.DateTimeField(source="silent_since", allow_null=True)


class DashboardSerializer(serializers.Serializer):
    """The state of a workspace. Requests are those of the last 24 hours."""

    integrations = serializers.IntegerField(source="integration_count")
    users = serializers.IntegerField(source="user_count")
    queued = serializers.IntegerField()
    troubles = serializers.IntegerField(source="trouble_count")
    requests = serializers.IntegerField()
    failedRequests = serializers.IntegerField(source="failed")
    okPercent = serializers.FloatField(
        source="ok_percent", allow_null=True, help_text="Null without requests."
    )
    hours = HourSerializer(many=True, help_text="Oldest first.")
    lines = LineSerializer(
        many=True,
        help_text=f"{dashboard.MOST_LINES} integrations at most, those with troubles "
        "first.",
    )


class Dashboard(ApiView):
    """The dashboard of the workspace."""

    permissions: ClassVar = {"GET": Permission.VIEW_INTEGRATIONS}

    @extend_schema(
        operation_id="loadDashboard", tags=TAG, responses=DashboardSerializer
    )
    def get(self, request: Request) -> Response:
        """Return the figures of the dashboard, and the integrations that it lists."""
        overview = dashboard.overview(self.workspace, now=database_now())
        return Response(DashboardSerializer(overview).data)
