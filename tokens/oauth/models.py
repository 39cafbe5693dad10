"""What opens a directory besides its static tokens: OAuth clients and the IdP itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models

from tokens import credential
from tokens.opener import Opener
from tokens.state import TokenState, token_state
from workspaces.models import Directory, User, Workspace

MOST_SECRETS = 2
"""Live secrets of one client: the one in use, and the one that takes its place."""

REVOKED_LISTED = timedelta(days=90)
"""How long a revoked secret stays listed with its client."""


class OAuthClientQuerySet(models.QuerySet["OAuthClient"]):
    """Scopes of OAuth clients."""

    def in_workspace(self, workspace: Workspace) -> OAuthClientQuerySet:
        """Keep the clients of one tenant."""
        return self.filter(directory__workspace=workspace)

    def of_directory(self, directory: Directory) -> OAuthClientQuerySet:
        """Keep the clients of one directory, newest first."""
        return (
            self.filter(directory=directory)
            .select_related("created_by", "directory__workspace")
            .order_by("-id")
        )

    def live(self) -> OAuthClientQuerySet:
        """Keep those that are not revoked."""
        return self.filter(revoked_at=None)

    def usable(self, now: datetime) -> OAuthClientQuerySet:
        """Keep those that can prove themselves: by a key, or a secret that works."""
        secrets = ClientSecret.objects.live(now).filter(client=models.OuterRef("pk"))
        by_key = models.Q(method=OAuthClient.Method.PRIVATE_KEY)
        return self.live().filter(by_key | models.Exists(secrets))


class OAuthClient(Opener):
    """An IdP that fetches access tokens: RFC 6749 section 4.4. `key` is its client id.

    It proves itself by a secret, or by JWTs that its own private key signs.
    """

    noun = "OAuth client"
    target_type = "oauth_client"

    class Method(models.TextChoices):
        """How the client proves who it is."""

        SECRET = "secret", "Client secret"
        PRIVATE_KEY = "private_key", "Private key"

    method = models.CharField(max_length=20, choices=Method)
    public_keys = models.JSONField(
        default=list, blank=True, help_text="As JWKs, of the method private key."
    )

    objects = OAuthClientQuerySet.as_manager()

    class Meta:
        verbose_name = "OAuth client"


class ClientSecretQuerySet(models.QuerySet["ClientSecret"]):
    """Scopes of secrets."""

    def live(self, now: datetime) -> ClientSecretQuerySet:
        """Keep what proves its client at `now`."""
        return self.filter(revoked_at=None, expires_at__gt=now)

    def listed(self, now: datetime) -> ClientSecretQuerySet:
        """Keep those that nobody revoked, or not long ago, newest first."""
        lately = models.Q(revoked_at__gt=now - REVOKED_LISTED)
        return self.filter(models.Q(revoked_at=None) | lately).order_by("-id")

    def last_ones(self, now: datetime) -> ClientSecretQuerySet:
        """Keep the live ones with which their client ends: no other lives longer."""
        longer = ClientSecret.objects.live(now).filter(
            client=models.OuterRef("client"),
            expires_at__gt=models.OuterRef("expires_at"),
        )
        return self.live(now).filter(~models.Exists(longer), client__revoked_at=None)


class ClientSecret(models.Model):
    """A secret of a client. Its value is not here, only a keyed digest."""

    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="+")
    client = models.ForeignKey(
        OAuthClient, on_delete=models.CASCADE, related_name="secrets"
    )
    key = models.CharField(max_length=credential.KEY_LENGTH, unique=True)
    hint = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    digest_key = models.PositiveSmallIntegerField(
        help_text="Number of the key in KEYWAY_TOKEN_KEYS."
    )
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    leaked_at = models.DateTimeField(
        null=True, help_text="When somebody handed its value in as found."
    )
    last_used_at = models.DateTimeField(
        null=True, help_text="When an access token was last fetched with it."
    )

    objects = ClientSecretQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.client.name} ({self.hint})"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this secret."""
        return "client_secret", self.key, str(self)

    def state(self, now: datetime) -> TokenState:
        """Return the state at `now`, which must come from the database's clock."""
        return token_state(
            revoked_at=self.revoked_at,
            expires_at=self.expires_at,
            is_replaced=False,
            overlap_ends_at=None,
            is_owner_active=True,
            now=now,
        )


class AccessToken(models.Model):
    """What a client got for its proof. It ends with the client and with the secret."""

    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="+")
    client = models.ForeignKey(
        OAuthClient, on_delete=models.CASCADE, related_name="access_tokens"
    )
    secret = models.ForeignKey(
        ClientSecret, on_delete=models.CASCADE, null=True, related_name="access_tokens"
    )
    key = models.CharField(max_length=credential.KEY_LENGTH, unique=True)
    hint = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    digest_key = models.PositiveSmallIntegerField(
        help_text="Number of the key in KEYWAY_TOKEN_KEYS."
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.hint

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this access token."""
        return "access_token", self.key, str(self)


class UsedAssertion(models.Model):
    """A JWT by which a client has proven itself, so that it does so once: its `jti`."""

    directory = models.ForeignKey(Directory, on_delete=models.CASCADE, related_name="+")
    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the jti, in hex.")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["client", "digest"], name="assertion_used_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.digest[:8]}"


class IdpTrustQuerySet(models.QuerySet["IdpTrust"]):
    """Scopes of trust in IdPs."""

    def in_workspace(self, workspace: Workspace) -> IdpTrustQuerySet:
        """Keep what one tenant trusts."""
        return self.filter(directory__workspace=workspace)

    def of_directory(self, directory: Directory) -> IdpTrustQuerySet:
        """Keep what one directory trusts or did, newest first."""
        return (
            self.filter(directory=directory)
            .select_related("created_by", "directory__workspace")
            .order_by("-id")
        )

    def live(self) -> IdpTrustQuerySet:
        """Keep those that are not revoked."""
        return self.filter(revoked_at=None)


class IdpTrust(Opener):
    """An IdP whose own signed JWTs open the directory, as Entra's without a secret."""

    noun = "trust"
    target_type = "idp_trust"

    issuer = models.CharField(max_length=500)
    audience = models.CharField(max_length=500)
    tenant_id = models.CharField(max_length=100, blank=True)
    keys_url = models.CharField(max_length=500)
    public_keys = models.JSONField(default=list, blank=True, help_text="As JWKs.")
    keys_asked_at = models.DateTimeField(null=True)
    keys_fetched_at = models.DateTimeField(null=True)
    keys_error = models.CharField(max_length=300, blank=True)

    objects = IdpTrustQuerySet.as_manager()

    class Meta:
        verbose_name = "trust in an IdP"
        verbose_name_plural = "trust in IdPs"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["directory"],
                condition=models.Q(revoked_at__isnull=True),
                name="idp_trust_one_live",
            )
        ]
