"""How far OAuth clients and trusts reach: the limits that tokens have too."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import openers
from integrations.api.oauth_calls import TAG, OAuthView
from integrations.api.openers import LimitsSerializer
from workspaces.permissions import Permission


class ClientLimits(OAuthView):
    """How far one OAuth client reaches."""

    permissions: ClassVar = dict.fromkeys(("GET", "PUT"), Permission.MANAGE_TOKENS)

    @extend_schema(
        operation_id="loadOAuthClientLimits", tags=TAG, responses=LimitsSerializer
    )
    def get(self, request: Request, key: str, clientId: str) -> Response:
        """Return the limits of a client."""
        return openers.limits_of(self.client(key, clientId))

    @extend_schema(
        operation_id="limitOAuthClient",
        tags=TAG,
        request=LimitsSerializer,
        responses=LimitsSerializer,
    )
    def put(self, request: Request, key: str, clientId: str) -> Response:
        """Say how far a client reaches; what is left out is not limited."""
        return openers.limit(self, self.client(key, clientId))


class TrustLimits(OAuthView):
    """How far the JWTs of one IdP reach."""

    permissions: ClassVar = dict.fromkeys(("GET", "PUT"), Permission.MANAGE_TOKENS)

    @extend_schema(
        operation_id="loadIdpTrustLimits", tags=TAG, responses=LimitsSerializer
    )
    def get(self, request: Request, key: str, trustId: str) -> Response:
        """Return the limits of a trust."""
        return openers.limits_of(self.trust(key, trustId))

    @extend_schema(
        operation_id="limitIdpTrust",
        tags=TAG,
        request=LimitsSerializer,
        responses=LimitsSerializer,
    )
    def put(self, request: Request, key: str, trustId: str) -> Response:
        """Say how far a trust reaches; what is left out is not limited."""
        return openers.limit(self, self.trust(key, trustId))
