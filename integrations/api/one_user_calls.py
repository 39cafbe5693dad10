"""One user of an integration: both sides, what comes next, what was done."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.activity_calls import CauseSerializer
from integrations.api.app_calls import StepSerializer
from integrations.api.base import ApiView
from integrations.api.integration_calls import integration_of
from integrations.api.user_calls import TAG, UserSerializer
from integrations.api.work_calls import JobSerializer
from integrations.reports import app_calls, causes, people
from integrations.syncing import comparing
from workspaces.permissions import Permission


class SideSerializer(serializers.Serializer):
    """One fact as each side has it; null where it says nothing of it."""

    name = serializers.CharField(source="label")
    idp = serializers.CharField(allow_null=True)
    app = serializers.CharField(allow_null=True)
    differs = serializers.BooleanField()


class DirectoryChangeSerializer(serializers.Serializer):
    """What happened to the user in the directory."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    version = serializers.IntegerField()
    attributes = serializers.ListField(child=serializers.CharField())
    requestId = serializers.CharField(source="request_id", allow_blank=True)


class UserStateSerializer(UserSerializer):
    """A user and how far they are on the way into the app."""

    desiredVersion = serializers.IntegerField(source="desired_version")
    appliedVersion = serializers.IntegerField(source="applied_version")
    nextAttemptAt = serializers.DateTimeField(source="next_attempt_at", allow_null=True)
    deleteAt = serializers.DateTimeField(source="delete_at", allow_null=True)
    undoneAt = serializers.DateTimeField(source="undone_at", allow_null=True)
    seenAt = serializers.DateTimeField(
        source="account.seen_at",
        default=None,
        allow_null=True,
        help_text="When the account was last read in the app.",
    )


class OneUserSerializer(serializers.Serializer):
    """A user with all that the portal tells of them. Confidential values are hidden."""

    user = UserStateSerializer()
    cause = CauseSerializer(allow_null=True, help_text="Of `error`.")
    sides = SideSerializer(many=True)
    nextSteps = serializers.ListField(
        child=serializers.CharField(), help_text="What is to be done in the app."
    )
    lastSteps = StepSerializer(many=True, help_text="Of the last attempt.")
    jobs = JobSerializer(many=True, help_text="The last five, newest first.")
    changes = DirectoryChangeSerializer(many=True, help_text="Newest first.")


class OneUser(ApiView):
    """One user of an integration."""

    permissions: ClassVar = {"GET": Permission.VIEW_INTEGRATIONS}

    @extend_schema(operation_id="loadUser", tags=TAG, responses=OneUserSerializer)
    def get(self, request: Request, key: str, userId: uuid.UUID) -> Response:
        """Return a user on both sides, with what is to be done and what was done."""
        integration = integration_of(self.workspace, key)
        row = get_object_or_404(
            people.of_workspace(self.workspace),
            integration=integration,
            resource_id_public=str(userId),
        )
        jobs = people.last_jobs(self.workspace, row)
        # What stands for an unmatched account is the app's word, not the IdP's.
        user = row.resource if row.is_matched else None
        found = {
            "user": row,
            "cause": causes.of_message(row.last_error),
            "sides": comparing.sides(user, row.account),
            "nextSteps": people.next_steps(row),
            "lastSteps": app_calls.steps_of(jobs[0], jobs[0].attempt) if jobs else [],
            "jobs": jobs,
            "changes": people.changes_of(integration, row),
        }
        return Response(OneUserSerializer(found).data)
