"""Members and invitations, and what everybody did: the audit log."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.http import QueryDict
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input, paging
from integrations.api.base import LARGEST_ID, ApiView
from integrations.api.idempotency import idempotent
from integrations.api.problems import Problem
from workspaces import audit_log, invitations, members
from workspaces.clock import database_now
from workspaces.confirmable import CHANGE_MEMBER, Subject
from workspaces.models import Invitation, Membership, Role
from workspaces.permissions import Permission

AUDIT_FILTERS = [
    OpenApiParameter("who", str, description="Part of a name or an email."),
    OpenApiParameter("what", str, description="An action."),
    OpenApiParameter("object", str, description="Part of a name, or an id."),
    OpenApiParameter("from", OpenApiTypes.DATE, description="The first day."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="The last day."),
]


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
    requestId = serializers.CharField(source="request_id", allow_blank=True)
    sequence = serializers.IntegerField(
        allow_null=True, help_text="Its place in the chain; null until it is sealed."
    )
    digest = serializers.CharField(allow_blank=True)


class RoleSerializer(serializers.Serializer):
    """A role to give."""

    role = serializers.ChoiceField(choices=Role.choices)


class NewInvitationSerializer(RoleSerializer):
    """Whom to invite, and as what."""

    email = serializers.EmailField(max_length=254)


class InvitationSerializer(serializers.Serializer):
    """An open invitation. Its link is nowhere but in the e-mail."""

    id = serializers.UUIDField(source="public_id")
    email = serializers.CharField()
    role = serializers.CharField()
    expiresAt = serializers.DateTimeField(source="expires_at")
    sentAt = serializers.DateTimeField(source="sent_at", allow_null=True)


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


class MemberById(ApiView):
    """One member."""

    permissions: ClassVar = dict.fromkeys(
        ("PATCH", "DELETE"), Permission.MANAGE_MEMBERS
    )

    @extend_schema(
        operation_id="changeMember",
        tags=["Members"],
        request=RoleSerializer,
        responses=MemberSerializer,
    )
    def patch(self, request: Request, membershipId: int) -> Response:
        """Give a member another role. Only a session of an Owner deals with Owners."""
        membership = self._membership(membershipId, request)
        given = form_input.body_of(request, RoleSerializer)
        role = Role(given["role"])
        require_for_owners(self, role, request)
        changed = members.change_role(membership, role=role, by=self.caller.membership)
        return Response(MemberSerializer(changed).data)

    @extend_schema(operation_id="removeMember", tags=["Members"], responses={204: None})
    def delete(self, request: Request, membershipId: int) -> Response:
        """End a membership, and with it the tokens in its name."""
        membership = self._membership(membershipId, request)
        members.remove(membership, by=self.caller.membership)
        return Response(status=204)

    def _membership(self, membership_id: int, request: Request) -> Membership:
        """Return what may be changed. Raises Problem or answers 404."""
        found = get_object_or_404(
            Membership.objects.in_workspace(self.workspace),
            pk=min(membership_id, LARGEST_ID),
        )
        require_for_owners(self, Role(found.role), request)
        subject = Subject(str(found.pk), str(found.user))
        self.refuse_unconfirmed(CHANGE_MEMBER, subject)
        return found


class WayIn(ApiView):
    """The way in of a member whom the IdP provisioned."""

    permissions: ClassVar = {"POST": Permission.MANAGE_MEMBERS}

    @extend_schema(
        operation_id="inviteProvisionedMember",
        tags=["Members"],
        request=None,
        responses={201: InvitationSerializer},
    )
    @idempotent()
    def post(self, request: Request, membershipId: int) -> Response:
        """Send a member who cannot sign in the link by which they make a way in."""
        members_of = Membership.objects.in_workspace(self.workspace)
        found = get_object_or_404(members_of, pk=min(membershipId, LARGEST_ID))
        if not invitations.lack_way_in([found]):
            raise Problem(409, "This member needs no invitation.")
        made = invitations.send_way_in(
            found, by=self.caller.membership, now=database_now()
        )
        return Response(InvitationSerializer(made).data, status=201)


class Invitations(ApiView):
    """The open invitations of the workspace."""

    permissions: ClassVar = {
        "GET": Permission.VIEW_MEMBERS,
        "POST": Permission.MANAGE_MEMBERS,
    }

    @extend_schema(
        operation_id="listInvitations",
        tags=["Members"],
        parameters=paging.PARAMETERS,
        responses=paging.paged(InvitationSerializer),
    )
    def get(self, request: Request) -> Response:
        """List invitations that nobody has accepted, newest first."""
        rows = Invitation.objects.in_workspace(self.workspace).open()
        return paging.page(request, rows, InvitationSerializer)

    @extend_schema(
        operation_id="inviteMember",
        tags=["Members"],
        request=NewInvitationSerializer,
        responses={201: InvitationSerializer},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        """Invite somebody by e-mail. An open invitation to the address is renewed."""
        given = form_input.body_of(request, NewInvitationSerializer)
        role = Role(given["role"])
        require_for_owners(self, role, request)
        made = invitations.invite(
            given["email"],
            role=role,
            by=self.caller.membership,
            now=database_now(),
        )
        return Response(InvitationSerializer(made).data, status=201)


class InvitationById(ApiView):
    """One invitation."""

    permissions: ClassVar = {"DELETE": Permission.MANAGE_MEMBERS}

    @extend_schema(
        operation_id="revokeInvitation", tags=["Members"], responses={204: None}
    )
    def delete(self, request: Request, invitationId: uuid.UUID) -> Response:
        """Revoke an invitation before it is accepted: its link opens nothing."""
        found = get_object_or_404(
            Invitation.objects.in_workspace(self.workspace), public_id=invitationId
        )
        require_for_owners(self, Role(found.role), request)
        invitations.revoke(found, by=self.caller.membership, now=database_now())
        return Response(status=204)


def require_for_owners(view: ApiView, role: Role, request: Request) -> None:
    """Refuse what is about Owners to who may not, and to every token. Raises Problem.

    No scope stands for it: a token that leaks makes nobody an Owner.
    """
    if role == Role.OWNER:
        view.require(Permission.MANAGE_OWNERS, request)


class Audit(ApiView):
    """The audit log of the workspace."""

    permissions: ClassVar = {"GET": Permission.VIEW_AUDIT}

    @extend_schema(
        operation_id="listAuditEvents",
        tags=["Audit"],
        parameters=[*AUDIT_FILTERS, *paging.PARAMETERS],
        responses=paging.paged(AuditEventSerializer),
    )
    def get(self, request: Request) -> Response:
        """List events, newest first."""
        filters = audit_log.Filters.read(audit_query(request))
        rows = audit_log.events(self.workspace, filters)
        return paging.page(request, rows, AuditEventSerializer)


def audit_query(request: Request) -> QueryDict:
    """Return what of the log is asked for. Raises Problem for a day that is none."""
    query: QueryDict = request.query_params
    filters = audit_log.Filters.read(query)
    for name, day in (("from", filters.start), ("to", filters.end)):
        if query.get(name) and day is None:
            raise Problem(400, f"{name} must be a day such as 2026-01-31.")
    return query
