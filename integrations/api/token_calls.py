"""SCIM tokens of a directory: list, generate, replace, limit, revoke."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input, openers, paging
from integrations.api.base import ApiView
from integrations.api.connection_calls import directory_of
from integrations.api.idempotency import idempotent
from integrations.api.openers import LimitsSerializer, WithStateSerializer
from tokens import confirmed, services
from tokens.holders import holder_of
from tokens.models import ScimToken
from tokens.policy_models import TWO_YEARS
from tokens.services import IssuedToken, Overlap
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.models import Directory
from workspaces.permissions import Permission

TAG = ["Tokens"]


class TokenSerializer(WithStateSerializer):
    """A token of a directory, without its value."""

    id = serializers.CharField(source="key")
    name = serializers.CharField()
    hint = serializers.CharField()
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


class RotationSerializer(serializers.Serializer):
    """How long the old token works beside the new one."""

    overlap = serializers.ChoiceField(
        choices=[str(overlap) for overlap in Overlap], default=str(Overlap.NOW)
    )


class TokenView(ApiView):
    """Of the tokens of one directory: that of a gateway, or Directory Sync's."""

    def directory(self, of: dict[str, str]) -> Directory:
        """Return it, or 404. `of` has the key of a gateway, or is empty."""
        return directory_of(self.workspace, **of)

    def token(self, token_key: str, of: dict[str, str]) -> ScimToken:
        """Return a token of it, or 404."""
        rows = ScimToken.objects.of_directory(self.directory(of))
        return get_object_or_404(
            rows.select_related("directory__workspace", "owner__user"), key=token_key
        )


class Tokens(TokenView):
    """The tokens of one gateway."""

    permissions: ClassVar = {
        "GET": Permission.VIEW_INTEGRATIONS,
        "POST": Permission.MANAGE_TOKENS,
    }

    @extend_schema(
        operation_id="listTokens",
        tags=TAG,
        parameters=[openers.LIVE, *paging.PARAMETERS],
        responses=paging.paged(TokenSerializer),
    )
    def get(self, request: Request, **of: str) -> Response:
        """List tokens, newest first, without values."""
        now = database_now()
        rows = ScimToken.objects.of_directory(self.directory(of))
        if openers.wants_live(request):
            rows = rows.live(now)
        return paging.page(request, rows, TokenSerializer, now=now)

    @extend_schema(
        operation_id="generateToken",
        tags=TAG,
        request=None,
        responses={201: MadeTokenSerializer},
    )
    @idempotent("token")
    def post(self, request: Request, **of: str) -> Response:
        """Generate the first token. Where one works already, rotate that one."""
        directory, now = self.let_in(of), database_now()
        issued = services.generate_first(directory, actor=self.person, now=now)
        return _made(issued, now)

    def let_in(self, of: dict[str, str]) -> Directory:
        """Return the directory that gets a token. Raises Problem."""
        directory = self.directory(of)
        subject = Subject(directory.key, holder_of(directory).name)
        self.refuse_unconfirmed(confirmed.GENERATE, subject)
        return directory


class TokenById(TokenView):
    """One token of a gateway."""

    permissions: ClassVar = dict.fromkeys(("PATCH", "DELETE"), Permission.MANAGE_TOKENS)

    @extend_schema(
        operation_id="changeToken",
        tags=TAG,
        request=ChangedTokenSerializer,
        responses=TokenSerializer,
    )
    def patch(self, request: Request, tokenId: str, **of: str) -> Response:
        """Rename a token, or say when it ends."""
        token = self.token(tokenId, of)
        given = form_input.body_of(request, ChangedTokenSerializer)
        days, now = given.get("lifetimeDays"), database_now()
        changed = services.change(
            token,
            name=given.get("name", token.name),
            lifetime=None if days is None else timedelta(days=days),
            actor=self.person,
            now=now,
        )
        return _shown(changed, now)

    @extend_schema(operation_id="revokeToken", tags=TAG, responses={204: None})
    def delete(self, request: Request, tokenId: str, **of: str) -> Response:
        """Revoke a token: it stops at once, for good."""
        token = self.token(tokenId, of)
        self.refuse_unconfirmed(confirmed.REVOKE, confirmed.subject_of(token))
        services.revoke(token, actor=self.person, now=database_now())
        return Response(status=204)


class TokenLimits(TokenView):
    """How far one token reaches."""

    permissions: ClassVar = {
        "GET": Permission.VIEW_INTEGRATIONS,
        "PUT": Permission.MANAGE_TOKENS,
    }

    @extend_schema(operation_id="loadTokenLimits", tags=TAG, responses=LimitsSerializer)
    def get(self, request: Request, tokenId: str, **of: str) -> Response:
        """Return the limits of a token."""
        return openers.limits_of(self.token(tokenId, of))

    @extend_schema(
        operation_id="limitToken",
        tags=TAG,
        request=LimitsSerializer,
        responses=LimitsSerializer,
    )
    def put(self, request: Request, tokenId: str, **of: str) -> Response:
        """Say how far a token reaches; what is left out is not limited."""
        return openers.limit(self, self.token(tokenId, of))


class Retirement(TokenView):
    """The end of an overlap before its time."""

    permissions: ClassVar = {"POST": Permission.MANAGE_TOKENS}

    @extend_schema(
        operation_id="retireToken", tags=TAG, request=None, responses=TokenSerializer
    )
    def post(self, request: Request, tokenId: str, **of: str) -> Response:
        """Stop a token that another has replaced."""
        token, now = self.token(tokenId, of), database_now()
        return _shown(services.retire(token, actor=self.person, now=now), now)


class Rotation(TokenView):
    """A new token in the place of one."""

    permissions: ClassVar = {"POST": Permission.MANAGE_TOKENS}

    @extend_schema(
        operation_id="rotateToken",
        tags=TAG,
        request=RotationSerializer,
        responses={201: MadeTokenSerializer},
    )
    @idempotent("token")
    def post(self, request: Request, tokenId: str, **of: str) -> Response:
        """Make the token that takes the place of this one, now or after a time."""
        given = form_input.body_of(request, RotationSerializer)
        old = self.token(tokenId, of)
        self.refuse_unconfirmed(confirmed.REPLACE, confirmed.replaced(old))
        now = database_now()
        issued = services.rotate(
            old.directory,
            old,
            overlap=Overlap(given["overlap"]),
            actor=self.person,
            now=now,
        )
        return _made(issued, now)


def _shown(token: ScimToken, now: datetime) -> Response:
    return Response(TokenSerializer(token, context={"now": now}).data)


def _made(issued: IssuedToken, now: datetime) -> Response:
    row = TokenSerializer(issued.token, context={"now": now})
    return Response({**row.data, "token": issued.plaintext}, status=201)
