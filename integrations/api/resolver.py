"""Who am I, memberships and SCIM tokens, with numeric ids: the calls of Resolver."""

from __future__ import annotations

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.base import LARGEST_ID, ApiView
from integrations.api.idempotency import idempotent
from integrations.api.problems import Problem
from integrations.directory_sync import member_tokens
from tokens import confirmed, services
from tokens.models import ScimToken
from workspaces import directory_sync, domains
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.models import Membership, User
from workspaces.permissions import Permission

TEMPLATE_ID = 0
"""What the example in **Admin: Help** has in place of a membership's id."""


class OrgSerializer(serializers.Serializer):
    """The organization, which the portal calls the workspace."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class CallerSerializer(serializers.Serializer):
    """Who calls."""

    id = serializers.IntegerField()
    email = serializers.EmailField()
    name = serializers.CharField()
    currentOrg = OrgSerializer()


class OrgMembershipSerializer(serializers.Serializer):
    """A user's place in the organization; `id` is the org membership id."""

    id = serializers.IntegerField()
    orgId = serializers.IntegerField()
    userId = serializers.IntegerField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.CharField()
    active = serializers.BooleanField()


class NewScimTokenSerializer(serializers.Serializer):
    """What a SCIM token is made from."""

    orgMembershipId = serializers.IntegerField(
        max_value=LARGEST_ID,
        help_text="The org membership of an administrator, which the token belongs to.",
    )
    name = serializers.CharField(max_length=100, help_text="For people.")
    emailDomains = serializers.CharField(
        max_length=10_000,
        help_text="One domain or several separated by commas, without the @ sign.",
    )

    def validate_orgMembershipId(self, value: int) -> int:
        """Refuse what the template has."""
        if value == TEMPLATE_ID:
            raise serializers.ValidationError(
                "0 is the value of the example. Load the org membership of an "
                "administrator and put its id here."
            )
        return value

    def validate_emailDomains(self, value: str) -> list[str]:
        """Return the domains. An entry that is none is refused by name."""
        parts = [part.strip() for part in value.split(",")]
        if "" in parts:
            raise serializers.ValidationError(
                "An entry between the commas is empty. Write domains such as "
                "acme.com, acme.de."
            )
        if any(len(part.split()) > 1 for part in parts):
            raise serializers.ValidationError("Separate domains with commas.")
        try:
            return domains.read(value)
        except domains.NoDomain as error:
            raise serializers.ValidationError(error.reason) from None


class ScimTokenSerializer(serializers.Serializer):
    """A SCIM token, without its value."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    hint = serializers.CharField()
    orgMembershipId = serializers.IntegerField(allow_null=True)
    state = serializers.CharField()
    createdAt = serializers.DateTimeField()
    tokenExpiry = serializers.DateTimeField(allow_null=True)
    lastUsedAt = serializers.DateTimeField(allow_null=True)


class MadeScimTokenSerializer(ScimTokenSerializer):
    """A new SCIM token. `token` is its value, in this answer and in no other."""

    token = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())


class Me(ApiView):
    """The caller."""

    permissions: ClassVar = {"GET": None}

    @extend_schema(
        operation_id="whoAmI",
        summary="who am I?",
        tags=["User"],
        responses=CallerSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return the caller and the organization that the call is in."""
        person, workspace = self.person, self.workspace
        return Response(
            {
                "id": person.pk,
                "email": person.email,
                "name": person.name,
                "currentOrg": {"id": workspace.pk, "name": workspace.name},
            }
        )


class OrgMembership(ApiView):
    """A membership of the caller's organization."""

    permissions: ClassVar = {"GET": Permission.VIEW_MEMBERS}

    @extend_schema(
        operation_id="loadUserOrgMembership",
        summary="load a user org membership",
        tags=["Org"],
        responses=OrgMembershipSerializer,
    )
    def get(self, request: Request, orgId: int, userId: int) -> Response:
        """Return the membership of a user. Its `id` makes SCIM tokens."""
        if orgId != self.workspace.pk or userId > LARGEST_ID:
            raise Problem(404, "There is no such organization, or no such user in it.")
        found = get_object_or_404(
            Membership.objects.in_workspace(self.workspace), user_id=userId
        )
        return Response(membership_shape(found))


class ScimTokens(ApiView):
    """The SCIM tokens of the organization's Directory Sync."""

    permissions: ClassVar = dict.fromkeys(
        ("GET", "POST"), Permission.MANAGE_DIRECTORY_SYNC
    )

    @extend_schema(
        operation_id="listScimTokens",
        summary="list scim tokens",
        tags=["scimTokens"],
        responses=ScimTokenSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the tokens that are not deleted, newest first, without values."""
        now = database_now()
        tokens = member_tokens.listed(self.workspace)
        return Response([_shape(token, token.state(now).value) for token in tokens])

    @extend_schema(
        operation_id="addScimToken",
        summary="add a scim token",
        tags=["scimTokens"],
        request=NewScimTokenSerializer,
        responses={201: MadeScimTokenSerializer},
        examples=[
            OpenApiExample(
                "A token for two domains",
                value={
                    "orgMembershipId": TEMPLATE_ID,
                    "name": "Okta",
                    "emailDomains": "acme.com, acme.de",
                },
                request_only=True,
            )
        ],
    )
    @idempotent("token")
    def post(self, request: Request) -> Response:
        """Make a token, of two years unless the token policy says less. Its value is in this answer and in no other."""
        given = NewScimTokenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wish = given.validated_data
        directory = directory_sync.directory_of(self.workspace)
        self.refuse_unconfirmed(
            confirmed.GENERATE, Subject(directory.key, str(directory))
        )
        now = database_now()
        made = member_tokens.issue(
            self._owner(wish["orgMembershipId"]),
            name=wish["name"],
            domain_names=wish["emailDomains"],
            actor=self.person,
            now=now,
        )
        token = made.issued.token
        body = _shape(token, token.state(now).value)
        body["token"] = made.issued.plaintext
        body["warnings"] = _warnings(token, made.unproven)
        return Response(body, status=201)

    def _owner(self, membership_id: int) -> Membership:
        found = (
            Membership.objects.in_workspace(self.workspace)
            .select_related("workspace")
            .filter(pk=membership_id)
            .first()
        )
        if found is None:
            text = "This organization has no membership with this id."
            raise Problem(422, text, fields={"orgMembershipId": text})
        return found


class ScimTokenById(ApiView):
    """One SCIM token of the organization's Directory Sync."""

    permissions: ClassVar = {"DELETE": Permission.MANAGE_DIRECTORY_SYNC}

    @extend_schema(
        operation_id="deleteScimToken",
        summary="delete a scim token",
        tags=["scimTokens"],
        responses={204: None},
    )
    def delete(self, request: Request, tokenId: int) -> Response:
        """Stop a token at once, for good."""
        if tokenId > LARGEST_ID:
            raise Problem(404, "There is no such token.")
        token = get_object_or_404(member_tokens.listed(self.workspace), pk=tokenId)
        self.refuse_unconfirmed(confirmed.REVOKE, confirmed.subject_of(token))
        services.revoke(token, actor=self.person, now=database_now())
        return Response(status=204)


def membership_shape(membership: Membership) -> dict[str, Any]:
    """Return a membership as the API shows it."""
    user: User = membership.user
    return {
        "id": membership.pk,
        "orgId": membership.workspace_id,
        "userId": user.pk,
        "email": user.email,
        "name": user.name,
        "role": membership.role,
        "active": membership.is_active and user.is_active,
    }


def _shape(token: ScimToken, state: str) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "hint": token.hint,
        "orgMembershipId": token.owner_id,
        "state": state,
        "createdAt": token.created_at,
        "tokenExpiry": token.ends_at,
        "lastUsedAt": token.last_used_at,
    }


def _warnings(token: ScimToken, unproven: list[str]) -> list[str]:
    told = [
        f"The token stops when {token.owner_label} is deactivated or leaves. An account "
        "that is nobody's own is a safer owner."
    ]
    if unproven:
        told.append(
            f"Not proven to be yours: {', '.join(unproven)}. Compare with the domains of "
            "your SSO, and publish their TXT records under SCIM Users Provisioning."
        )
    return told
