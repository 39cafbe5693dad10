"""What opens a directory."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from django.db import models

from tokens import credential
from workspaces.models import Directory, Membership, User, Workspace

EXPIRING = timedelta(days=30)
"""An active token says so when less than this is left."""


class TokenState(StrEnum):
    """What a token is worth now."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REVOKED = "revoked"
    OWNER_INACTIVE = "owner_inactive"

    @property
    def label(self) -> str:
        """What people read."""
        return self.value.replace("_", " ").capitalize()

    @property
    def is_live(self) -> bool:
        """Whether a token in this state authenticates."""
        return self in {TokenState.ACTIVE, TokenState.EXPIRING}


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
            .filter(models.Q(owner=None) | models.Q(owner__user__is_active=True))
        )


class ScimToken(models.Model):
    """A token of one directory. Its value is not here, only a keyed digest."""

    directory = models.ForeignKey(
        Directory, on_delete=models.CASCADE, related_name="tokens"
    )
    key = models.CharField(max_length=credential.KEY_LENGTH, unique=True)
    name = models.CharField(max_length=100)
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
        on_delete=models.PROTECT,
        null=True,
        related_name="owned_tokens",
        help_text="Whose deactivation stops the token; empty for the workspace.",
    )
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    replaced_by = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="replaces"
    )
    overlap_ends_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.GenericIPAddressField(null=True)
    last_used_client = models.CharField(max_length=120, blank=True)

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
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint})"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this token."""
        return "scim_token", self.key, str(self)

    def state(self, now: datetime) -> TokenState:
        """Return the state at `now`, which must come from the database's clock."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return TokenState.EXPIRED
        if self.replaced_by_id is not None and (
            self.overlap_ends_at is None or self.overlap_ends_at <= now
        ):
            return TokenState.REPLACED
        if self.owner is not None and not self.owner.user.is_active:
            return TokenState.OWNER_INACTIVE
        ends_at = self.overlap_ends_at or self.expires_at
        if ends_at is not None and ends_at - now < EXPIRING:
            return TokenState.EXPIRING
        return TokenState.ACTIVE
