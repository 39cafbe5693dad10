"""OAuth clients of a directory and its trust in an IdP: list, add, rotate, revoke."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input, openers, paging
from integrations.api.base import ApiView
from integrations.api.idempotency import idempotent
from integrations.api.openers import WithStateSerializer
from integrations.api.problems import Problem
from tokens import confirmed, ways
from tokens.holders import holder_of
from tokens.models import ClientSecret, IdpTrust, OAuthClient
from tokens.oauth import clients, endings, trusts
from tokens.oauth.forms import ClientForm, KeysForm, TrustForm
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.models import Directory
from workspaces.permissions import Permission

TAG = ["OAuth"]


class SecretSerializer(WithStateSerializer):
    """A secret of a client, without its value."""

    id = serializers.CharField(source="key")
    hint = serializers.CharField()
    createdAt = serializers.DateTimeField(source="created_at")
    expiresAt = serializers.DateTimeField(source="expires_at")
    lastUsedAt = serializers.DateTimeField(source="last_used_at", allow_null=True)


class MadeSecretSerializer(SecretSerializer):
    """A new secret. `secret` is its value, in this answer and in no other."""

    secret = serializers.CharField()


class ClientSerializer(WithStateSerializer):
    """What fetches access tokens. `id` is its client ID."""

    id = serializers.CharField(source="key")
    name = serializers.CharField()
    method = serializers.ChoiceField(choices=OAuthClient.Method.choices)
    createdAt = serializers.DateTimeField(source="created_at")
    lastUsedAt = serializers.DateTimeField(source="last_used_at", allow_null=True)
    secrets = SecretSerializer(
        many=True, help_text="Those revoked more than 90 days ago are left out."
    )


class MadeClientSerializer(ClientSerializer):
    """A new client. `secret` is its value, in this answer and in no other."""

    secret = serializers.CharField(
        required=False, help_text="Of the method secret alone."
    )


class NewClientSerializer(serializers.Serializer):
    """How a new client is called and proves itself."""

    name = serializers.CharField(max_length=100)
    method = serializers.ChoiceField(choices=OAuthClient.Method.choices)
    publicKey = serializers.CharField(
        required=False, help_text="PEM, a certificate or a JWKS: of private_key alone."
    )


class KeysSerializer(serializers.Serializer):
    """All public keys that a client signs with from now on."""

    publicKey = serializers.CharField(help_text="PEM, a certificate or a JWKS.")


class NewTrustSerializer(serializers.Serializer):
    """What a JWT of the IdP must say, and where its public keys are."""

    name = serializers.CharField(max_length=100)
    issuer = serializers.CharField()
    audience = serializers.CharField()
    tenantId = serializers.CharField(required=False, source="tenant_id")
    keysUrl = serializers.CharField(source="keys_url")


class TrustSerializer(WithStateSerializer, NewTrustSerializer):
    """An IdP whose own signed JWTs open the directory."""

    id = serializers.CharField(source="key")
    createdAt = serializers.DateTimeField(source="created_at")
    lastUsedAt = serializers.DateTimeField(source="last_used_at", allow_null=True)
    keysFetchedAt = serializers.DateTimeField(source="keys_fetched_at", allow_null=True)
    keysError = serializers.CharField(source="keys_error", allow_blank=True)


class OAuthView(ApiView):
    """Of one directory: a gateway, or Directory Sync once it is turned on."""

    def directory(self, key: str) -> Directory:
        """Return it, or 404. Directory Sync needs its own permission too."""
        found = get_object_or_404(ways.directories_of(self.workspace), key=key)
        if found.kind == Directory.Kind.DIRECTORY_SYNC:
            self.require(Permission.MANAGE_DIRECTORY_SYNC, self.request)
        return found

    def client(self, key: str, client_id: str) -> OAuthClient:
        """Return a client of it, or 404."""
        rows = OAuthClient.objects.of_directory(self.directory(key))
        return get_object_or_404(rows, key=client_id)

    def trust(self, key: str, trust_id: str) -> IdpTrust:
        """Return a trust of it, or 404."""
        rows = IdpTrust.objects.of_directory(self.directory(key))
        return get_object_or_404(rows, key=trust_id)

    def let_in(self, key: str) -> Directory:
        """Return the directory into which something is let. Raises Problem."""
        directory = self.directory(key)
        subject = Subject(directory.key, holder_of(directory).name)
        self.refuse_unconfirmed(confirmed.LET_IN, subject)
        return directory

    def changed(self, key: str, client_id: str) -> OAuthClient:
        """Return the client that gets a secret or keys. Raises Problem."""
        client = self.client(key, client_id)
        subject = Subject(client.key, str(client))
        self.refuse_unconfirmed(confirmed.LET_IN, subject)
        return client

    def revoke(self, opener: OAuthClient | IdpTrust) -> Response:
        """End a client or a trust."""
        subject = Subject(opener.key, str(opener))
        self.refuse_unconfirmed(confirmed.REVOKE, subject)
        endings.revoke(opener, actor=self.person, now=database_now())
        return Response(status=204)


class Clients(OAuthView):
    """The OAuth clients of a directory."""

    permissions: ClassVar = dict.fromkeys(("GET", "POST"), Permission.MANAGE_TOKENS)

    @extend_schema(
        operation_id="listOAuthClients",
        tags=TAG,
        parameters=[openers.LIVE, *paging.PARAMETERS],
        responses=paging.paged(ClientSerializer),
    )
    def get(self, request: Request, key: str) -> Response:
        """List the OAuth clients, newest first, with their secrets without values."""
        rows = OAuthClient.objects.of_directory(self.directory(key))
        if openers.wants_live(request):
            rows = rows.live()
        now = database_now()
        secrets = Prefetch("secrets", ClientSecret.objects.listed(now))
        rows = rows.prefetch_related(secrets)
        return paging.page(request, rows, ClientSerializer, now=now)

    @extend_schema(
        operation_id="addOAuthClient",
        tags=TAG,
        request=NewClientSerializer,
        responses={201: MadeClientSerializer},
    )
    @idempotent("secret")
    def post(self, request: Request, key: str) -> Response:
        """Add an OAuth client: by a secret that is shown once, or by its public key."""
        directory = self.let_in(key)
        names = set(NewClientSerializer().fields)
        form = ClientForm(form_input.as_form_data(request.data, names))
        form_input.check(form)
        given, now = form.cleaned_data, database_now()
        by = {"name": given["name"], "actor": self.person, "now": now}
        if not form.has_secret:
            client = clients.add_with_keys(directory, keys=given["public_key"], **by)
            row = ClientSerializer(client, context={"now": now})
            return Response(row.data, status=201)
        issued = clients.add_with_secret(directory, **by)
        row = ClientSerializer(issued.secret.client, context={"now": now})
        return Response({**row.data, "secret": issued.plaintext}, status=201)


class ClientById(OAuthView):
    """One OAuth client."""

    permissions: ClassVar = {"DELETE": Permission.MANAGE_TOKENS}

    @extend_schema(operation_id="revokeOAuthClient", tags=TAG, responses={204: None})
    def delete(self, request: Request, key: str, clientId: str) -> Response:
        """Revoke a client: its secrets and access tokens stop at once, for good."""
        return self.revoke(self.client(key, clientId))


class Secrets(OAuthView):
    """The secrets of one OAuth client."""

    permissions: ClassVar = {"POST": Permission.MANAGE_TOKENS}

    @extend_schema(
        operation_id="generateClientSecret",
        tags=TAG,
        request=None,
        responses={201: MadeSecretSerializer},
    )
    @idempotent("secret")
    def post(self, request: Request, key: str, clientId: str) -> Response:
        """Generate a second secret. Both work until one is revoked or expires."""
        client, now = self.changed(key, clientId), database_now()
        issued = clients.new_secret(client, actor=self.person, now=now)
        row = SecretSerializer(issued.secret, context={"now": now})
        return Response({**row.data, "secret": issued.plaintext}, status=201)


class SecretById(OAuthView):
    """One secret of an OAuth client."""

    permissions: ClassVar = {"DELETE": Permission.MANAGE_TOKENS}

    @extend_schema(operation_id="revokeClientSecret", tags=TAG, responses={204: None})
    def delete(
        self, request: Request, key: str, clientId: str, secretId: str
    ) -> Response:
        """Revoke a secret, with the access tokens that were fetched with it."""
        rows = self.client(key, clientId).secrets.select_related("client", "directory")
        secret = get_object_or_404(rows, key=secretId)
        self.refuse_unconfirmed(confirmed.REVOKE, Subject(secret.key, str(secret)))
        clients.revoke_secret(secret, actor=self.person, now=database_now())
        return Response(status=204)


class Keys(OAuthView):
    """The public keys of one OAuth client."""

    permissions: ClassVar = {"PUT": Permission.MANAGE_TOKENS}

    @extend_schema(
        operation_id="replaceClientKeys",
        tags=TAG,
        request=KeysSerializer,
        responses=ClientSerializer,
    )
    def put(self, request: Request, key: str, clientId: str) -> Response:
        """Replace the public keys. What was fetched with one left out stops at once."""
        client = self.changed(key, clientId)
        form = KeysForm(form_input.as_form_data(request.data, {"publicKey"}))
        form_input.check(form)
        keys, now = form.cleaned_data["public_key"], database_now()
        done = clients.replace_keys(client, keys, actor=self.person, now=now)
        return Response(ClientSerializer(done, context={"now": now}).data)


class Trusts(OAuthView):
    """The trust of a directory in IdPs that sign JWTs."""

    permissions: ClassVar = dict.fromkeys(("GET", "POST"), Permission.MANAGE_TOKENS)

    @extend_schema(
        operation_id="listIdpTrusts",
        tags=TAG,
        parameters=[openers.LIVE, *paging.PARAMETERS],
        responses=paging.paged(TrustSerializer),
    )
    def get(self, request: Request, key: str) -> Response:
        """List the trusts, newest first: one is live at most."""
        rows = IdpTrust.objects.of_directory(self.directory(key))
        if openers.wants_live(request):
            rows = rows.live()
        return paging.page(request, rows, TrustSerializer, now=database_now())

    @extend_schema(
        operation_id="addIdpTrust",
        tags=TAG,
        request=NewTrustSerializer,
        responses={201: TrustSerializer},
    )
    @idempotent()
    def post(self, request: Request, key: str) -> Response:
        """Let JWTs that an IdP signs itself open the directory."""
        directory = self.let_in(key)
        names = set(NewTrustSerializer().fields)
        form = TrustForm(form_input.as_form_data(request.data, names))
        form_input.check(form)
        name, now = form.cleaned_data["name"], database_now()
        made = trusts.add(
            directory, form.terms(), name=name, actor=self.person, now=now
        )
        row = TrustSerializer(made, context={"now": now})
        return Response(row.data, status=201)


class TrustById(OAuthView):
    """One trust in an IdP."""

    permissions: ClassVar = {"DELETE": Permission.MANAGE_TOKENS}

    @extend_schema(operation_id="revokeIdpTrust", tags=TAG, responses={204: None})
    def delete(self, request: Request, key: str, trustId: str) -> Response:
        """Revoke the trust: JWTs of the IdP open nothing from then on."""
        return self.revoke(self.trust(key, trustId))


class TrustKeys(OAuthView):
    """The public keys of an IdP that is trusted."""

    permissions: ClassVar = {"POST": Permission.MANAGE_TOKENS}

    @extend_schema(
        operation_id="fetchTrustKeys",
        tags=TAG,
        request=None,
        responses={202: TrustSerializer},
    )
    def post(self, request: Request, key: str, trustId: str) -> Response:
        """Fetch the keys now, in the background: `keysFetchedAt` tells of it."""
        found, now = self.trust(key, trustId), database_now()
        if not trusts.fetch_now(found, now=now):
            raise Problem(409, "This trust has been revoked. Add another one.")
        return Response(TrustSerializer(found, context={"now": now}).data, status=202)
