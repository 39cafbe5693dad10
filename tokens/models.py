"""What opens a directory."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from tokens import credential
from tokens.oauth.models import AccessToken as AccessToken
from tokens.oauth.models import ClientSecret as ClientSecret
from tokens.oauth.models import IdpTrust as IdpTrust
from tokens.oauth.models import OAuthClient as OAuthClient
from tokens.oauth.models import UsedAssertion as UsedAssertion
from tokens.opener import Opener
from tokens.policy_models import (  # noqa: F401  Django looks for tables here
    CalendarFeed,
    RotationSchedule,
    TokenPolicy,
)
from tokens.state import TokenState, token_state
from workspaces.models import Directory, Membership, Workspace
from workspaces.permissions import ALLOWED, Permission

OWNER_ROLES = frozenset(
    role for role, may in ALLOWED.items() if Permission.MANAGE_TOKENS in may
)
"""A member without one of these roles can have no token that works."""


def is_owner_active(owner_label: str, role: str | None, *, is_active: bool) -> bool:
    """Say whether a token still has the owner that it was made for, if any."""
    return not owner_label or (is_active and role in OWNER_ROLES)


class ScimTokenQuerySet(models.QuerySet["ScimToken"]):
    """Scopes of tokens."""

    def in_workspace(self, workspace: Workspace) -> ScimTokenQuerySet:
        """Keep the tokens of one tenant."""
        return self.filter(directory__workspace=workspace)

    def of_directory(self, directory: Directory) -> ScimTokenQuerySet:
        """Keep the tokens of one directory, newest first."""
        return (
            self.filter(directory=directory)
            .select_related("created_by", "owner__user")
            .order_by("-id")
        )

    def live(self, now: datetime) -> ScimTokenQuerySet:
        """Keep what authenticates at `now`: the SQL twin of `ScimToken.state`."""
        return (
            self.filter(revoked_at=None)
            .filter(models.Q(expires_at=None) | models.Q(expires_at__gt=now))
            .filter(models.Q(replaced_by=None) | models.Q(overlap_ends_at__gt=now))
            .filter(
                models.Q(owner_label="")
                | models.Q(
                    owner__is_active=True,
                    owner__user__is_active=True,
                    owner__role__in=OWNER_ROLES,
                )
            )
        )


class ScimToken(Opener):
    """A token of one directory. Its value is not here, only a keyed digest."""

    noun = "token"
    target_type = "scim_token"

    directory = models.ForeignKey(
        Directory, on_delete=models.CASCADE, related_name="tokens"
    )
    hint = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    digest_key = models.PositiveSmallIntegerField(
        help_text="Number of the key in KEYWAY_TOKEN_KEYS."
    )
    sealed_value = models.TextField(
        blank=True, help_text="Only where the directory may reveal it again."
    )
    owner = models.ForeignKey(
        Membership,
        on_delete=models.SET_NULL,
        null=True,
        related_name="owned_tokens",
        help_text="Who it stops with; empty for the workspace, and when they are gone.",
    )
    owner_label = models.CharField(
        max_length=254,
        blank=True,
        help_text="Whose token it is, also when they are gone; empty for the workspace.",
    )
    expires_at = models.DateTimeField(null=True)
    replaced_by = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="replaces"
    )
    overlap_ends_at = models.DateTimeField(null=True)
    leaked_at = models.DateTimeField(
        null=True, help_text="When somebody handed its value in as found."
    )

    objects = ScimTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "SCIM token"
        indexes: ClassVar = [
            models.Index(fields=["directory", "-id"], name="token_by_directory")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(overlap_ends_at=None)
                | models.Q(replaced_by__isnull=False),
                name="token_overlap_needs_successor",
            ),
            models.CheckConstraint(
                condition=models.Q(owner=None) | ~models.Q(owner_label=""),
                name="token_owner_has_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint})"

    @property
    def ends_at(self) -> datetime | None:
        """When it stops by itself: at its expiry, or earlier if it was replaced."""
        ends = [at for at in (self.expires_at, self.overlap_ends_at) if at is not None]
        return min(ends, default=None)

    def state(self, now: datetime) -> TokenState:
        """Return the state at `now`, which must come from the database's clock."""
        return token_state(
            revoked_at=self.revoked_at,
            expires_at=self.expires_at,
            is_replaced=self.replaced_by_id is not None,
            overlap_ends_at=self.overlap_ends_at,
            is_owner_active=is_owner_active(
                self.owner_label,
                self.owner.role if self.owner else None,
                is_active=self.owner is not None
                and self.owner.is_active
                and self.owner.user.is_active,
            ),
            now=now,
        )


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Scopes of API tokens."""

    def in_workspace(self, workspace: Workspace) -> ApiTokenQuerySet:
        """Keep the API tokens of one tenant, newest first, with their people."""
        return (
            self.filter(workspace=workspace)
            .select_related("membership__user")
            .order_by("-id")
        )

    def live(self, now: datetime) -> ApiTokenQuerySet:
        """Keep those that open the API, as far as time says."""
        return self.filter(revoked_at=None, expires_at__gt=now)


class ApiToken(models.Model):
    """A token of one membership for the management API. Only a digest is kept.

    It may do what its scopes name and the role of its membership allows, both.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="api_tokens"
    )
    membership = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="api_tokens"
    )
    key = models.CharField(max_length=credential.KEY_LENGTH, unique=True)
    name = models.CharField(max_length=100)
    hint = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    digest_key = models.PositiveSmallIntegerField(
        help_text="Number of the key in KEYWAY_TOKEN_KEYS."
    )
    scopes = models.JSONField(help_text="Names of permissions.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.GenericIPAddressField(null=True)
    refused_at = models.DateTimeField(
        null=True, help_text="When a refused use was last written into the audit log."
    )

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.hint})"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this token."""
        return "api_token", self.key, str(self)

    def state(self, now: datetime) -> TokenState:
        """Return the state at `now`, which must come from the database's clock."""
        return token_state(
            revoked_at=self.revoked_at,
            expires_at=self.expires_at,
            is_replaced=False,
            overlap_ends_at=None,
            is_owner_active=self.membership.is_active
            and self.membership.user.is_active,
            now=now,
        )
