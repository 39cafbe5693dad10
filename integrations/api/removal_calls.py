"""Held removals: what the IdP takes away at once waits for a decision."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input, paging
from integrations.api.base import ApiView
from integrations.api.integration_calls import integration_of
from integrations.provisioning import removals
from workspaces.clock import database_now
from workspaces.permissions import Permission

TAG = ["Held removals"]
_MOST_CHOSEN = 1000


class RemovalSerializer(serializers.Serializer):
    """A user whose account would be deactivated or deleted. `id` is the SCIM id."""

    id = serializers.UUIDField(source="resource_id_public")
    userName = serializers.CharField(source="user_name")
    isDeleted = serializers.SerializerMethodField()
    changedAt = serializers.DateTimeField(source="changed_at")

    def get_isDeleted(self, row: Any) -> bool:
        """Say whether the IdP deleted the user; else it deactivated them."""
        return row.resource_id is None


class DecisionSerializer(serializers.Serializer):
    """Whom the decision is about: the users that are named, or all that wait."""

    users = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=_MOST_CHOSEN
    )
    all = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse neither and both."""
        if bool(attrs.get("users")) == bool(attrs.get("all")):
            raise serializers.ValidationError("Give users, or all as true.")
        return attrs


class DecidedSerializer(serializers.Serializer):
    """How many removals were decided on."""

    count = serializers.IntegerField()


class Removals(ApiView):
    """The held removals of one integration."""

    permissions: ClassVar = {"GET": Permission.VIEW_INTEGRATIONS}

    @extend_schema(
        operation_id="listHeldRemovals",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=paging.paged(RemovalSerializer),
    )
    def get(self, request: Request, key: str) -> Response:
        """List whose removal waits for a decision, newest first."""
        rows = removals.held(integration_of(self.workspace, key))
        return paging.page(request, rows, RemovalSerializer)


@extend_schema_view(post=extend_schema(operation_id="approveRemovals"))
class Approval(ApiView):
    """The decision that removals are right."""

    permissions: ClassVar = {"POST": Permission.MANAGE_INTEGRATIONS}
    decide = staticmethod(removals.approve)

    @extend_schema(tags=TAG, request=DecisionSerializer, responses=DecidedSerializer)
    def post(self, request: Request, key: str) -> Response:
        """Decide on held removals. One that does not wait any more is left out."""
        integration = integration_of(self.workspace, key)
        given = form_input.body_of(request, DecisionSerializer)
        chosen = {str(user) for user in given.get("users", [])}
        count = self.decide(
            integration, chosen or None, actor=self.person, now=database_now()
        )
        return Response({"count": count})


@extend_schema_view(post=extend_schema(operation_id="discardRemovals"))
class Discard(Approval):
    """The decision that the accounts stay."""

    decide = staticmethod(removals.discard)
