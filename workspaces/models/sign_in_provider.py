"""The OpenID Connect provider of a workspace, and whom it vouches for."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from workspaces.models.user import User
from workspaces.models.workspace import Workspace
from workspaces.secrets import Address


class SignInProvider(models.Model):
    """Where the members of one workspace can sign in instead of here."""

    workspace = models.OneToOneField(
        Workspace, on_delete=models.CASCADE, related_name="sign_in_provider"
    )
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=60, help_text="As people know it: Okta.")
    issuer = models.CharField(max_length=300)
    client_id = models.CharField(max_length=255)
    sealed_secret = models.TextField(help_text="The client secret.")
    metadata = models.JSONField(
        help_text="What its discovery document said when it was saved: its endpoints."
    )
    trusts_second_step = models.BooleanField(
        default=False,
        help_text="Whether a second step at the provider counts as one here.",
    )
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @property
    def secret_address(self) -> Address:
        """Where the client secret lives."""
        return Address(
            workspace=str(self.workspace.public_id),
            table="sign_in_provider",
            row=str(self.public_id),
            column="sealed_secret",
        )

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this provider."""
        return "sign_in_provider", str(self.public_id), self.name


class SignInLink(models.Model):
    """Which identity of a provider is which person. Made at the first sign-in."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    provider = models.ForeignKey(
        SignInProvider, on_delete=models.CASCADE, related_name="links"
    )
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="sign_in_links"
    )
    subject = models.CharField(
        max_length=255, help_text="The provider's own key of the person: `sub`."
    )
    made_at = models.DateTimeField()
    last_used_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "subject"], name="sign_in_link_subject_once"
            ),
            models.UniqueConstraint(
                fields=["provider", "user"], name="sign_in_link_person_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.provider}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this link."""
        return "sign_in_link", str(self.public_id), str(self.user)
