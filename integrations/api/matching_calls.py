"""Accounts of the app that belong to no user of the IdP: match them, or exempt them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input, paging
from integrations.api.base import ApiView
from integrations.api.integration_calls import integration_of
from integrations.api.problems import Problem
from integrations.models import Integration, Provisioning
from integrations.syncing import matching
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["Unmatched accounts"]


class UnmatchedSerializer(serializers.Serializer):
    """An account without a user of the IdP. `id` is that of its SCIM user."""

    id = serializers.UUIDField(source="resource_id_public")
    userName = serializers.CharField(source="account.username")
    email = serializers.CharField(source="account.email", allow_blank=True)
    displayName = serializers.CharField(source="account.display_name", allow_blank=True)
    externalId = serializers.CharField(source="account.external_id")
    active = serializers.BooleanField(source="account.is_active")
    exemptedAt = serializers.DateTimeField(
        source="account.exempted_at", allow_null=True
    )
    exemptReason = serializers.CharField(
        source="account.exempt_reason", allow_blank=True
    )


class MatchSerializer(serializers.Serializer):
    """Whose account it is."""

    user = serializers.UUIDField(
        help_text="SCIM id of a user of the IdP who has no account in the app."
    )


class ExemptionSerializer(serializers.Serializer):
    """Why an account needs no user."""

    reason = serializers.CharField(max_length=500)


class Unmatched(ApiView):
    """The unmatched accounts of one integration."""

    permissions: ClassVar = {"GET": Permission.VIEW_INTEGRATIONS}

    @extend_schema(
        operation_id="listUnmatchedAccounts",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=paging.paged(UnmatchedSerializer),
    )
    def get(self, request: Request, key: str) -> Response:
        """List unmatched and exempt accounts, newest first."""
        integration = integration_of(self.workspace, key)
        found = _accounts(integration).filter(matching.UNMATCHED | matching.EXEMPT)
        return paging.page(request, found, UnmatchedSerializer)


class UnmatchedById(ApiView):
    """One unmatched account."""

    permissions: ClassVar = {"DELETE": Permission.MANAGE_INTEGRATIONS}

    @extend_schema(
        operation_id="removeAccount",
        tags=TAG,
        parameters=[
            OpenApiParameter(
                "userName", str, required=True, description="In the app, to be sure."
            )
        ],
        responses={204: None},
    )
    def delete(self, request: Request, key: str, userId: uuid.UUID) -> Response:
        """Delete the account in the app, in the background."""
        row = _account(integration_of(self.workspace, key), userId)
        try:
            matching.remove(
                row,
                typed_name=request.query_params.get("userName", ""),
                actor=self.person,
                now=database_now(),
            )
        except matching.WrongName:
            raise Problem(
                422, "Give the user name in the app as ?userName=, to be sure."
            ) from None
        return Response(status=204)


class Match(ApiView):
    """The user of one account."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}

    @extend_schema(
        operation_id="matchAccount",
        tags=TAG,
        request=MatchSerializer,
        responses={204: None},
    )
    def post(self, request: Request, key: str, userId: uuid.UUID) -> Response:
        """Let the account be that of a user. It is brought up to date with the user."""
        integration = integration_of(self.workspace, key)
        row = _account(integration, userId)
        given = form_input.body_of(request, MatchSerializer)
        candidates = matching.candidates(integration)
        wanted_id = str(given["user"])
        target = candidates.filter(resource_id_public=wanted_id).first()
        if target is None:
            text = "The IdP has no such user without an account in the app."
            raise Problem(422, text, fields={"user": text})
        matching.match(row, target, actor=self.person, now=database_now())
        return Response(status=204)


class Exemption(ApiView):
    """The exemption of one account."""

    permissions: ClassVar = dict.fromkeys(
        ("PUT", "DELETE"), Permission.MANAGE_INTEGRATIONS
    )

    @extend_schema(
        operation_id="exemptAccount",
        tags=TAG,
        request=ExemptionSerializer,
        responses=UnmatchedSerializer,
    )
    def put(self, request: Request, key: str, userId: uuid.UUID) -> Response:
        """Say that the account needs no user, and why. Nothing deletes it then."""
        integration = integration_of(self.workspace, key)
        row = _account(integration, userId)
        given = form_input.body_of(request, ExemptionSerializer)
        reason = given["reason"]
        matching.exempt(row, reason=reason, actor=self.person, now=database_now())
        return Response(UnmatchedSerializer(_account(integration, userId)).data)

    @extend_schema(operation_id="endExemption", tags=TAG, responses={204: None})
    def delete(self, request: Request, key: str, userId: uuid.UUID) -> Response:
        """End the exemption. Done before, it changes nothing."""
        integration = integration_of(self.workspace, key)
        matching.end_exemption(_account(integration, userId), actor=self.person)
        return Response(status=204)


def _accounts(integration: Integration) -> QuerySet[Provisioning]:
    return Provisioning.objects.filter(
        integration=integration, account__isnull=False
    ).select_related(
        "integration__workspace",
        "integration__app",
        "integration__directory__workspace",
        "integration__service_account",
        "account",
        "resource",
    )


def _account(integration: Integration, user_id: uuid.UUID) -> Provisioning:
    return get_object_or_404(_accounts(integration), resource_id_public=str(user_id))
