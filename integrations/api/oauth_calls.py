"""OAuth clients of a gateway, and the trust in JWTs that an IdP signs itself."""

from __future__ import annotations

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
from integrations.api.problems import Problem
from integrations.models import Integration
from tokens import confirmed
from tokens.models import ClientSecret, IdpTrust, OAuthClient
from tokens.oauth import clients, endpoint, trusts
from tokens.oauth.clients import IssuedSecret
from tokens.oauth.forms import ClientForm, KeysForm, TrustForm
from workspaces.clock import database_now
from workspaces.confirmations import Subject
from workspaces.permissions import Permission

TAG = ["OAuth"]
_READS: dict[str, Permission | None] = {"GET": Permission.VIEW_INTEGRATIONS}
_MAKES: dict[str, Permission | None] = {"POST": Permission.MANAGE_TOKENS}
_ENDS: dict[str, Permission | None] = {"DELETE": Permission.MANAGE_TOKENS}


class SecretSerializer(serializers.Serializer):
    """A secret of a client, without its value."""

    id = serializers.CharField(source="key")
    hint = serializers.CharField()
    createdAt = serializers.DateTimeField(source="created_at")
    expiresAt = serializers.DateTimeField(source="expires_at")
    revokedAt = serializers.DateTimeField(source="revoked_at", allow_null=True)
    lastUsedAt = serializers.DateTimeField(source="last_used_at", allow_null=True)


class OAuthClientSerializer(serializers.Serializer):
    """An IdP that fetches access tokens. `id` is its client id."""

    id = serializers.CharField(source="key")
    name = serializers.CharField()
    method = serializers.CharField(help_text="secret or private_key.")
    tokenUrl = serializers.SerializerMethodField()
    createdAt = serializers.DateTimeField(source="created_at")
    revokedAt = serializers.DateTimeField(source="revoked_at", allow_null=True)
    secrets = SecretSerializer(many=True)

    def get_tokenUrl(self, client: OAuthClient) -> str:
        """Return where it fetches access tokens."""
        return endpoint.token_url(client.directory)


class MadeOAuthClientSerializer(OAuthClientSerializer):
    """A new client. `secret` is its value, in this answer and in no other."""

    secret = serializers.CharField(required=False)


class NewOAuthClientSerializer(serializers.Serializer):
    """What a client is called, and how it proves who it is."""

    name = serializers.CharField()
    method = serializers.ChoiceField(
        choices=OAuthClient.Method.choices, default=OAuthClient.Method.SECRET
    )
    publicKey = serializers.CharField(
        source="public_key",
        required=False,
        help_text="Of the method private_key: PEM, a certificate, or a JWKS.",
    )


class PublicKeySerializer(serializers.Serializer):
    """Public keys: PEM, a certificate, or a JWKS."""

    publicKey = serializers.CharField(source="public_key")


class MadeSecretSerializer(SecretSerializer):
    """A new secret. `secret` is its value, in this answer and in no other."""

    secret = serializers.CharField()


class TrustSerializer(serializers.Serializer):
    """What a JWT of the IdP says, and where its public keys are."""

    id = serializers.CharField(source="key", read_only=True)
    name = serializers.CharField()
    issuer = serializers.CharField()
    audience = serializers.CharField()
    tenantId = serializers.CharField(
        source="tenant_id", required=False, allow_blank=True
    )
    keysUrl = serializers.CharField(source="keys_url")
    keysFetchedAt = serializers.DateTimeField(source="keys_fetched_at", read_only=True)
    keysError = serializers.CharField(source="keys_error", read_only=True)
    revokedAt = serializers.DateTimeField(source="revoked_at", read_only=True)


class OAuthView(ApiView):
    """What calls about clients and trust share."""

    def integration(self, key: str) -> Integration:
        """Return an integration of the tenant, or answer 404."""
        return integration_of(self.workspace, key)

    def let_in(self, integration: Integration) -> None:
        """Refuse a browser where a confirmation is asked for. Raises Problem."""
        subject = Subject(integration.directory.key, integration.name)
        self.refuse_unconfirmed(confirmed.LET_IN, subject)

    def client(self, key: str, client_id: str) -> OAuthClient:
        """Return a client of the gateway, or answer 404."""
        found = OAuthClient.objects.filter(directory=self.integration(key).directory)
        rows = found.select_related("directory__workspace")
        return get_object_or_404(rows.prefetch_related("secrets"), key=client_id)

    def trust(self, key: str, trust_id: str) -> IdpTrust:
        """Return a trust of the gateway, or answer 404."""
        rows = IdpTrust.objects.filter(directory=self.integration(key).directory)
        return get_object_or_404(
            rows.select_related("directory__workspace"), key=trust_id
        )


class OAuthClients(OAuthView):
    """The OAuth clients of one gateway."""

    permissions: ClassVar = {**_READS, **_MAKES}

    @extend_schema(
        operation_id="listOAuthClients",
        tags=TAG,
        responses=OAuthClientSerializer(many=True),
    )
    def get(self, request: Request, key: str) -> Response:
        """List clients, newest first, without secrets' values."""
        rows = OAuthClient.objects.of_directory(self.integration(key).directory)
        rows = rows.select_related("directory").prefetch_related("secrets")
        return Response(OAuthClientSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="addOAuthClient",
        tags=TAG,
        request=NewOAuthClientSerializer,
        responses={201: MadeOAuthClientSerializer},
    )
    @idempotent("secret")
    def post(self, request: Request, key: str) -> Response:
        """Add a client, with a secret that is told this once or with its public key."""
        integration = self.integration(key)
        self.let_in(integration)
        given = NewOAuthClientSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        form = ClientForm(given.validated_data)
        form_input.check(form)
        wish: dict[str, Any] = {
            "name": form.cleaned_data["name"],
            "actor": self.person,
            "now": database_now(),
        }
        if not form.has_secret:
            keys = form.cleaned_data["public_key"]
            made = clients.add_with_keys(integration.directory, keys=keys, **wish)
            return Response(OAuthClientSerializer(made).data, status=201)
        issued = clients.add_with_secret(integration.directory, **wish)
        shown = OAuthClientSerializer(issued.secret.client).data
        return Response({**shown, "secret": issued.plaintext}, status=201)


class OAuthClientById(OAuthView):
    """One OAuth client."""

    permissions: ClassVar = _ENDS

    @extend_schema(operation_id="revokeOAuthClient", tags=TAG, responses={204: None})
    def delete(self, request: Request, key: str, clientId: str) -> Response:
        """Revoke a client with its secrets and access tokens, at once."""
        found = self.client(key, clientId)
        self.refuse_unconfirmed(confirmed.REVOKE, Subject(found.key, str(found)))
        clients.revoke(found, actor=self.person, now=database_now())
        return Response(status=204)


class OAuthSecrets(OAuthView):
    """The secrets of one OAuth client."""

    permissions: ClassVar = _MAKES

    @extend_schema(
        operation_id="generateOAuthSecret",
        tags=TAG,
        request=None,
        responses={201: MadeSecretSerializer},
    )
    @idempotent("secret")
    def post(self, request: Request, key: str, clientId: str) -> Response:
        """Make a second secret. Both work."""
        found = self.client(key, clientId)
        self.refuse_unconfirmed(confirmed.LET_IN, Subject(found.key, str(found)))
        now = database_now()
        return _made(clients.new_secret(found, actor=self.person, now=now))


class OAuthSecretById(OAuthView):
    """One secret of an OAuth client."""

    permissions: ClassVar = _ENDS

    @extend_schema(operation_id="revokeOAuthSecret", tags=TAG, responses={204: None})
    def delete(
        self, request: Request, key: str, clientId: str, secretId: str
    ) -> Response:
        """Revoke a secret with the access tokens that were fetched with it, at once."""
        secret: ClientSecret = get_object_or_404(
            self.client(key, clientId).secrets.select_related(
                "client", "directory__workspace"
            ),
            key=secretId,
        )
        self.refuse_unconfirmed(confirmed.REVOKE, Subject(secret.key, str(secret)))
        clients.revoke_secret(secret, actor=self.person, now=database_now())
        return Response(status=204)


class OAuthKeys(OAuthView):
    """The public keys of one OAuth client."""

    permissions: ClassVar = {"PUT": Permission.MANAGE_TOKENS}

    @extend_schema(
        operation_id="replaceOAuthKeys",
        tags=TAG,
        request=PublicKeySerializer,
        responses=OAuthClientSerializer,
    )
    def put(self, request: Request, key: str, clientId: str) -> Response:
        """Take other public keys for the former ones."""
        found = self.client(key, clientId)
        self.refuse_unconfirmed(confirmed.LET_IN, Subject(found.key, str(found)))
        given = PublicKeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        form = KeysForm(given.validated_data)
        form_input.check(form)
        keys = form.cleaned_data["public_key"]
        clients.replace_keys(found, keys, actor=self.person, now=database_now())
        return Response(OAuthClientSerializer(self.client(key, clientId)).data)


class Trusts(OAuthView):
    """The trust of one gateway in JWTs of an IdP."""

    permissions: ClassVar = {**_READS, **_MAKES}

    @extend_schema(
        operation_id="listTrusts", tags=TAG, responses=TrustSerializer(many=True)
    )
    def get(self, request: Request, key: str) -> Response:
        """List what the gateway trusts or did, newest first."""
        rows = IdpTrust.objects.of_directory(self.integration(key).directory)
        return Response(TrustSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="addTrust",
        tags=TAG,
        request=TrustSerializer,
        responses={201: TrustSerializer},
    )
    @idempotent()
    def post(self, request: Request, key: str) -> Response:
        """Let JWTs of an IdP open the gateway. Its public keys are fetched."""
        integration = self.integration(key)
        self.let_in(integration)
        given = TrustSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        form = TrustForm(given.validated_data)
        form_input.check(form)
        made = trusts.add(
            integration.directory,
            form.terms(),
            name=form.cleaned_data["name"],
            actor=self.person,
            now=database_now(),
        )
        return Response(TrustSerializer(made).data, status=201)


class TrustById(OAuthView):
    """One trust."""

    permissions: ClassVar = _ENDS

    @extend_schema(operation_id="revokeTrust", tags=TAG, responses={204: None})
    def delete(self, request: Request, key: str, trustId: str) -> Response:
        """End the trust, from the next request on."""
        found = self.trust(key, trustId)
        self.refuse_unconfirmed(confirmed.REVOKE, Subject(found.key, str(found)))
        trusts.revoke(found, actor=self.person, now=database_now())
        return Response(status=204)


class TrustKeys(OAuthView):
    """The public keys of the IdP."""

    permissions: ClassVar = _MAKES

    @extend_schema(
        operation_id="fetchTrustKeys", tags=TAG, request=None, responses=TrustSerializer
    )
    def post(self, request: Request, key: str, trustId: str) -> Response:
        """Fetch the keys now, in the background: `keysFetchedAt` tells of it."""
        found, now = self.trust(key, trustId), database_now()
        if not trusts.fetch_now(found, now=now):
            raise Problem(409, "This trust has been revoked. Add another one.")
        return Response(TrustSerializer(found).data)


def _made(issued: IssuedSecret) -> Response:
    shown = SecretSerializer(issued.secret).data
    return Response({**shown, "secret": issued.plaintext}, status=201)
