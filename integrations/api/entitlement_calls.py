"""What accounts of the app can hold, who holds it, and the groups of the IdP."""

from __future__ import annotations

from typing import ClassVar

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import paging
from integrations.api.base import ApiView
from integrations.api.integration_calls import integration_of
from integrations.models import AppAccount, AppEntitlement, Integration
from integrations.provisioning.entitlements import label_of, type_of
from integrations.reports import assignments, people
from scim.models import Resource
from workspaces.pages import search_text
from workspaces.permissions import Permission

TAG = ["Entitlements"]
_READ: dict[str, Permission | None] = {"GET": Permission.VIEW_INTEGRATIONS}


class GroupSerializer(serializers.Serializer):
    """A group of the directory, and the one of the app that it stands for."""

    id = serializers.CharField(source="public_id", help_text="The SCIM id.")
    name = serializers.CharField(source="label")
    memberCount = serializers.IntegerField(source="member_count")
    origin = serializers.ChoiceField(choices=Resource.Source.choices, source="source")
    appGroup = serializers.SerializerMethodField()

    def get_appGroup(self, group: Resource) -> str | None:
        """Return the name in the app; null if it stands for nothing there."""
        found = getattr(group, "app_entitlement", None)
        return found.name if found else None


class EntitlementSerializer(serializers.Serializer):
    """Something that accounts of the app can hold."""

    id = serializers.SerializerMethodField()
    name = serializers.CharField()
    externalId = serializers.CharField(source="external_id")
    kind = serializers.CharField()
    type = serializers.SerializerMethodField()
    scimType = serializers.SerializerMethodField()
    valueString = serializers.SerializerMethodField()
    holderCount = serializers.IntegerField(source="holder_count")
    seenAt = serializers.DateTimeField(source="seen_at")

    def get_id(self, row: AppEntitlement) -> str:
        """Return how its address names it."""
        return assignments.reference(row)

    def get_type(self, row: AppEntitlement) -> str:
        """Return its kind as the portal shows it."""
        return label_of(self.context["integration"], row.kind)

    def get_scimType(self, row: AppEntitlement) -> str:
        """Return what it is in SCIM."""
        return type_of(row.kind)

    def get_valueString(self, row: AppEntitlement) -> str:
        """Return what the IdP sends; empty if SCIM cannot give it."""
        return assignments.value_string(row)


class HolderSerializer(serializers.Serializer):
    """An account that holds an entitlement. `userId` is the SCIM id."""

    userId = serializers.CharField(
        source="provisioning.resource_id_public", default=None, allow_null=True
    )
    name = serializers.SerializerMethodField()
    usernameInApp = serializers.CharField(source="username")
    activeInApp = serializers.BooleanField(source="is_active")
    givenBy = serializers.SerializerMethodField()

    def get_name(self, account: AppAccount) -> str:
        """Return what people call whose account it is."""
        return account.resource.label if account.resource else account.username

    def get_givenBy(self, account: AppAccount) -> str:
        """Return who gave it: the IdP, or somebody in the app."""
        row = getattr(account, "provisioning", None)
        return assignments.given_by(row, self.context["entitlement"])


class Groups(ApiView):
    """The groups of one integration."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="listGroups",
        tags=TAG,
        parameters=[
            OpenApiParameter("q", str, description="Part of the name."),
            *paging.PARAMETERS,
        ],
        responses=paging.paged(GroupSerializer),
    )
    def get(self, request: Request, key: str) -> Response:
        """List the groups of the directory, newest first."""
        integration = integration_of(self.workspace, key)
        rows = people.groups_of(integration, text=search_text(request._request))
        return paging.page(request, rows, GroupSerializer)


class Entitlements(ApiView):
    """What accounts of the app can hold."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="listEntitlements",
        tags=TAG,
        parameters=[
            OpenApiParameter("q", str, description="Part of the name."),
            OpenApiParameter("kind", str, description="Only of this kind."),
            *paging.PARAMETERS,
        ],
        responses=paging.paged(EntitlementSerializer),
    )
    def get(self, request: Request, key: str) -> Response:
        """List entitlements, newest first, each with its Value string."""
        integration = integration_of(self.workspace, key)
        kind = request.query_params.get("kind", "").replace("\x00", "")
        rows = assignments.search(
            integration, text=search_text(request._request), kind=kind
        )
        return paging.page(
            request, rows, EntitlementSerializer, integration=integration
        )


class EntitlementById(ApiView):
    """One entitlement."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="loadEntitlement", tags=TAG, responses=EntitlementSerializer
    )
    def get(self, request: Request, key: str, entitlementId: str) -> Response:
        """Return an entitlement with its Value string."""
        integration = integration_of(self.workspace, key)
        found = _entitlement(integration, entitlementId)
        context = {"integration": integration}
        return Response(EntitlementSerializer(found, context=context).data)


class Holders(ApiView):
    """Who holds an entitlement."""

    permissions: ClassVar = _READ

    @extend_schema(
        operation_id="listHolders",
        tags=TAG,
        parameters=[
            OpenApiParameter("q", str, description="Part of the user name in the app."),
            *paging.PARAMETERS,
        ],
        responses=paging.paged(HolderSerializer),
    )
    def get(self, request: Request, key: str, entitlementId: str) -> Response:
        """List the accounts that hold it, newest first, and who gave it."""
        integration = integration_of(self.workspace, key)
        found = _entitlement(integration, entitlementId)
        rows = assignments.holders(found, text=search_text(request._request))
        return paging.page(request, rows, HolderSerializer, entitlement=found)


def _entitlement(integration: Integration, ref: str) -> AppEntitlement:
    """Return an entitlement by the id of its address, or 404."""
    try:
        return assignments.find(integration, ref)
    except AppEntitlement.DoesNotExist:
        raise Http404 from None
