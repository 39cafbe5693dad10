"""Users of an integration: how provisioning stands, and another try for one of them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import paging
from integrations.api.base import ApiView
from integrations.api.idempotency import idempotent
from integrations.api.integration_calls import integration_of
from integrations.api.problems import Problem
from integrations.api.work_calls import JobSerializer
from integrations.models import Integration, Provisioning
from integrations.provisioning import wanted
from integrations.reports import people
from integrations.syncing import drifting, person
from workspaces.clock import database_now
from workspaces.pages import search_text
from workspaces.permissions import Permission

TAG = ["Provisioning"]
_STATES = [state for state in people.STATES if state not in {"", people.EVERYBODY}]


class UserSerializer(serializers.Serializer):
    """A user and their account in the app. `id` is the SCIM id."""

    id = serializers.UUIDField(source="resource_id_public")
    userName = serializers.CharField(source="user_name")
    displayName = serializers.CharField(source="resource.label", default="")
    upstreamId = serializers.CharField(
        source="resource.external_id",
        default=None,
        allow_null=True,
        help_text="That of the IdP.",
    )
    state = serializers.CharField()
    error = serializers.CharField(source="last_error", allow_blank=True)
    externalId = serializers.CharField(
        source="account.external_id",
        default=None,
        allow_null=True,
        help_text="That of the app.",
    )
    usernameInApp = serializers.CharField(
        source="account.username", default=None, allow_null=True
    )
    activeInApp = serializers.BooleanField(
        source="account.is_active", default=None, allow_null=True
    )
    appAccess = serializers.SerializerMethodField(help_text="What the account holds.")
    matched = serializers.BooleanField(source="is_matched")
    exemptedAt = serializers.DateTimeField(
        source="account.exempted_at", default=None, allow_null=True
    )
    exemptReason = serializers.CharField(
        source="account.exempt_reason", default="", allow_blank=True
    )
    driftedAt = serializers.DateTimeField(source="drifted_at", allow_null=True)
    changedAt = serializers.DateTimeField(source="changed_at")

    def get_appAccess(self, row: Provisioning) -> list[str]:
        """Return the names of what the account in the app holds."""
        held = row.account.entitlements.all() if row.account else []
        return sorted(each.name for each in held)


class UserView(ApiView):
    """What calls about one user share."""

    def user(self, key: str, user_id: uuid.UUID) -> Provisioning:
        """Return a user of an integration of the tenant, or answer 404."""
        rows = users_of(integration_of(self.workspace, key))
        return get_object_or_404(rows, resource_id_public=str(user_id))


class Users(ApiView):
    """The users of one integration."""

    permissions: ClassVar = {"GET": Permission.VIEW_INTEGRATIONS}

    @extend_schema(
        operation_id="listUsers",
        tags=TAG,
        parameters=[
            OpenApiParameter("state", str, enum=_STATES),
            OpenApiParameter(
                "q", str, description="Part of a name or email, on either side."
            ),
            OpenApiParameter("userName", str, description="The whole user name."),
            *paging.PARAMETERS,
        ],
        responses=paging.paged(UserSerializer),
    )
    def get(self, request: Request, key: str) -> Response:
        """List users with how their provisioning stands, newest first."""
        integration = integration_of(self.workspace, key)
        state = request.query_params.get("state") or people.EVERYBODY
        if state not in {people.EVERYBODY, *_STATES}:
            raise Problem(400, f"state must be one of: {', '.join(_STATES)}.")
        rows = people.search(
            integration, text=search_text(request._request), state=state
        )
        name = request.query_params.get("userName", "").replace("\x00", "")
        if name:
            rows = rows.filter(user_name__iexact=name)
        return paging.page(request, rows, UserSerializer)


class Retry(UserView):
    """Another try for one user."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}

    @extend_schema(
        operation_id="retryUser", tags=TAG, request=None, responses=UserSerializer
    )
    def post(self, request: Request, key: str, userId: uuid.UUID) -> Response:
        """Try a provisioning that failed again."""
        row = self.user(key, userId)
        if not row.last_error:
            raise Problem(409, "Nothing has failed for this user.")
        wanted.retry(row, actor=self.person, now=database_now())
        return Response(UserSerializer(self.user(key, userId)).data)


class Sync(UserView):
    """The account of one user, read from the app again."""

    permissions: ClassVar = {"POST": Permission.SYNC}

    @extend_schema(
        operation_id="syncUser",
        tags=TAG,
        request=None,
        responses={201: JobSerializer},
    )
    @idempotent()
    def post(self, request: Request, key: str, userId: uuid.UUID) -> Response:
        """Read one account again. A job that waits already is the answer."""
        row = self.user(key, userId)
        job = person.request(row, actor=self.person, now=database_now())
        return Response(JobSerializer(job).data, status=201)


class PutRight(UserView):
    """One account as the IdP wants it again."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}

    @extend_schema(
        operation_id="putUserRight", tags=TAG, request=None, responses=UserSerializer
    )
    def post(self, request: Request, key: str, userId: uuid.UUID) -> Response:
        """Undo what was changed in the app by hand for one user."""
        row = self.user(key, userId)
        chosen = Provisioning.objects.filter(pk=row.pk, resource__isnull=False)
        if not drifting.put_right(
            row.integration, chosen, actor=self.person, now=database_now()
        ):
            raise Problem(409, "The IdP has no such user any more.")
        return Response(UserSerializer(self.user(key, userId)).data)


def users_of(integration: Integration) -> QuerySet[Provisioning]:
    """Return the users of an integration with what is shown and acted on."""
    return people.search(integration, state=people.EVERYBODY).select_related(
        "integration__workspace",
        "integration__directory",
        "integration__app",
        "resource",
        "account",
    )
