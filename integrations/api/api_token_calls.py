"""Tokens of this API: list and revoke. A token makes no token: that is for the browser."""

from __future__ import annotations

from typing import ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import openers, paging
from integrations.api.base import ApiView
from integrations.api.openers import WithStateSerializer
from tokens import api_tokens
from tokens.models import ApiToken
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["API tokens"]


class ApiTokenSerializer(WithStateSerializer):
    """An API token, without its value."""

    id = serializers.CharField(source="key")
    name = serializers.CharField()
    hint = serializers.CharField()
    memberId = serializers.IntegerField(
        source="membership_id", help_text="In whose name it acts."
    )
    scopes = serializers.ListField(child=serializers.CharField())
    createdAt = serializers.DateTimeField(source="created_at")
    expiresAt = serializers.DateTimeField(source="expires_at")
    lastUsedAt = serializers.DateTimeField(source="last_used_at", allow_null=True)


class ApiTokens(ApiView):
    """The API tokens of the workspace."""

    permissions: ClassVar = {"GET": Permission.MANAGE_TOKENS}

    @extend_schema(
        operation_id="listApiTokens",
        tags=TAG,
        parameters=[openers.LIVE, *paging.PARAMETERS],
        responses=paging.paged(ApiTokenSerializer),
    )
    def get(self, request: Request) -> Response:
        """List API tokens, newest first, without values."""
        now = database_now()
        rows = ApiToken.objects.in_workspace(self.workspace)
        if openers.wants_live(request):
            rows = rows.live(now)
        return paging.page(request, rows, ApiTokenSerializer, now=now)


class ApiTokenById(ApiView):
    """One API token."""

    permissions: ClassVar = {"DELETE": Permission.MANAGE_TOKENS}

    @extend_schema(operation_id="revokeApiToken", tags=TAG, responses={204: None})
    def delete(self, request: Request, tokenId: str) -> Response:
        """Revoke an API token: it stops at once, for good. It may be the one that asks."""
        rows = ApiToken.objects.in_workspace(self.workspace).select_related("workspace")
        found = get_object_or_404(rows, key=tokenId)
        api_tokens.revoke(found, actor=self.person, now=database_now())
        return Response(status=204)
