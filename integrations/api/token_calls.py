"""SCIM tokens of a gateway: list, generate, replace, revoke."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input
from integrations.api.base import ApiView
from integrations.api.idempotency import idempotent
from integrations.api.integration_calls import integration_of
from tokens import confirmed, limiting, services
from tokens.limit_forms import FULL, READ, LimitForm
from tokens.limits import MOST_NETWORKS, NetworkRule
from tokens.models import ScimToken
from tokens.policy_models import TWO_YEARS
from tokens.services import IssuedToken, Overlap
from workspaces import domains
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.permissions import Permission

TAG = ["Tokens"]


class TokenSerializer(serializers.Serializer):
    """A token of a gateway, without its value."""

    id = serializers.CharField(source="key")
    name = serializers.CharField()
    hint = serializers.CharField()
    state = serializers.CharField()
    createdAt = serializers.DateTimeField(source="created_at")
    endsAt = serializers.DateTimeField(source="ends_at", allow_null=True)
    lastUsedAt = serializers.DateTimeField(source="last_used_at", allow_null=True)


class MadeTokenSerializer(TokenSerializer):
    """A new token. `token` is its value, in this answer and in no other."""

    token = serializers.CharField()


class ChangedTokenSerializer(serializers.Serializer):
    """The name of a token and when it ends; what is left out stays."""

    name = serializers.CharField(required=False, max_length=100)
    lifetimeDays = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=TWO_YEARS,
        help_text="From its making.",
    )


class LimitsSerializer(serializers.Serializer):
    """How far a token reaches."""

    readOnly = serializers.BooleanField(default=False)
    networkRule = serializers.ChoiceField(
        choices=NetworkRule.choices, default=NetworkRule.ANY
    )
    networks = serializers.ListField(
        child=serializers.CharField(), default=list, max_length=MOST_NETWORKS
    )
    emailDomains = serializers.ListField(
        child=serializers.CharField(), default=list, max_length=domains.MOST_AT_ONCE
    )


class RotationSerializer(serializers.Serializer):
    """How long the old token works beside the new one."""

    overlap = serializers.ChoiceField(
        choices=[str(overlap) for overlap in Overlap], default=str(Overlap.NOW)
    )


class Tokens(ApiView):
    """The tokens of one gateway."""

    permissions: ClassVar = {
        "GET": Permission.VIEW_INTEGRATIONS,
        "POST": Permission.MANAGE_TOKENS,
    }

    @extend_schema(
        operation_id="listTokens", tags=TAG, responses=TokenSerializer(many=True)
    )
    def get(self, request: Request, key: str) -> Response:
        """List the tokens of a gateway, newest first, without values."""
        directory = integration_of(self.workspace, key).directory
        now = database_now()
        tokens = ScimToken.objects.of_directory(directory)
        return Response([_shape(token, now) for token in tokens])

    @extend_schema(
        operation_id="generateToken",
        tags=TAG,
        request=None,
        responses={201: MadeTokenSerializer},
    )
    @idempotent("token")
    def post(self, request: Request, key: str) -> Response:
        """Generate the first token. Where one works already, rotate that one."""
        integration = integration_of(self.workspace, key)
        directory = integration.directory
        self.refuse_unconfirmed(
            confirmed.GENERATE, Subject(directory.key, integration.name)
        )
        now = database_now()
        issued = services.generate_first(directory, actor=self.person, now=now)
        return _made(issued, now)


class TokenById(ApiView):
    """One token of a gateway."""

    permissions: ClassVar = dict.fromkeys(("PATCH", "DELETE"), Permission.MANAGE_TOKENS)

    @extend_schema(
        operation_id="changeToken",
        tags=TAG,
        request=ChangedTokenSerializer,
        responses=TokenSerializer,
    )
    def patch(self, request: Request, key: str, tokenId: str) -> Response:
        """Rename a token, or say when it ends."""
        token = _token(self, key, tokenId)
        given = ChangedTokenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        days, now = given.validated_data.get("lifetimeDays"), database_now()
        changed = services.change(
            token,
            name=given.validated_data.get("name", token.name),
            lifetime=None if days is None else timedelta(days=days),
            actor=self.person,
            now=now,
        )
        return Response(_shape(changed, now))

    @extend_schema(operation_id="revokeToken", tags=TAG, responses={204: None})
    def delete(self, request: Request, key: str, tokenId: str) -> Response:
        """Revoke a token: it stops at once, for good."""
        token = _token(self, key, tokenId)
        self.refuse_unconfirmed(confirmed.REVOKE, confirmed.subject_of(token))
        services.revoke(token, actor=self.person, now=database_now())
        return Response(status=204)


class TokenLimits(ApiView):
    """How far one token reaches."""

    permissions: ClassVar = {
        "GET": Permission.VIEW_INTEGRATIONS,
        "PUT": Permission.MANAGE_TOKENS,
    }

    @extend_schema(operation_id="loadTokenLimits", tags=TAG, responses=LimitsSerializer)
    def get(self, request: Request, key: str, tokenId: str) -> Response:
        """Return the limits of a token."""
        return Response(_limits(_token(self, key, tokenId)))

    @extend_schema(
        operation_id="limitToken",
        tags=TAG,
        request=LimitsSerializer,
        responses=LimitsSerializer,
    )
    def put(self, request: Request, key: str, tokenId: str) -> Response:
        """Say how far a token reaches; what is left out is not limited."""
        token = _token(self, key, tokenId)
        given = LimitsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wish = given.validated_data
        form = LimitForm(
            {
                "access": READ if wish["readOnly"] else FULL,
                "network_rule": wish["networkRule"],
                "networks": "\n".join(wish["networks"]),
                "email_domains": ", ".join(wish["emailDomains"]),
            },
            limits=token.limits,
            learnt=[],
        )
        form_input.check(form)
        limiting.limit(token, form.chosen(), actor=self.person, now=database_now())
        token.refresh_from_db()
        return Response(_limits(token))


class Retirement(ApiView):
    """The end of an overlap before its time."""

    permissions: ClassVar = {"POST": Permission.MANAGE_TOKENS}

    @extend_schema(
        operation_id="retireToken", tags=TAG, request=None, responses=TokenSerializer
    )
    def post(self, request: Request, key: str, tokenId: str) -> Response:
        """Stop a token that another has replaced."""
        now = database_now()
        token = _token(self, key, tokenId)
        return Response(_shape(services.retire(token, actor=self.person, now=now), now))


class Rotation(ApiView):
    """A new token in the place of one."""

    permissions: ClassVar = {"POST": Permission.MANAGE_TOKENS}

    @extend_schema(
        operation_id="rotateToken",
        tags=TAG,
        request=RotationSerializer,
        responses={201: MadeTokenSerializer},
    )
    @idempotent("token")
    def post(self, request: Request, key: str, tokenId: str) -> Response:
        """Make the token that takes the place of this one, now or after a time."""
        given = RotationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        old = _token(self, key, tokenId)
        self.refuse_unconfirmed(confirmed.REPLACE, confirmed.replaced(old))
        now = database_now()
        issued = services.rotate(
            old.directory,
            old,
            overlap=Overlap(given.validated_data["overlap"]),
            actor=self.person,
            now=now,
        )
        return _made(issued, now)


def _token(view: ApiView, key: str, token_key: str) -> ScimToken:
    directory = integration_of(view.workspace, key).directory
    return get_object_or_404(
        ScimToken.objects.of_directory(directory).select_related(
            "directory__workspace", "owner__user"
        ),
        key=token_key,
    )


def _shape(token: ScimToken, now: datetime) -> dict[str, Any]:
    state = token.state(now).value
    columns = ("key", "name", "hint", "created_at", "ends_at", "last_used_at")
    shown = {name: getattr(token, name) for name in columns}
    return dict(TokenSerializer({**shown, "state": state}).data)


def _limits(token: ScimToken) -> dict[str, Any]:
    limits = token.limits
    return {
        "readOnly": limits.is_read_only,
        "networkRule": limits.network_rule,
        "networks": limits.networks,
        "emailDomains": limits.email_domains,
    }


def _made(issued: IssuedToken, now: datetime) -> Response:
    return Response(
        {**_shape(issued.token, now), "token": issued.plaintext}, status=201
    )
