"""What provisioning by the IdP does in a workspace: its rules, domains and teams."""

from __future__ import annotations

import secrets
import uuid
from typing import ClassVar

from django.db import models

from workspaces.models.user import User
from workspaces.models.workspace import Membership, Role, Workspace


def new_challenge() -> str:
    """Return the value of a TXT record: 160 random bits, no secret once published."""
    return secrets.token_hex(20)


class DirectorySync(models.Model):
    """The rules of one workspace. There is a row once somebody turned it on."""

    class OwnedTokens(models.TextChoices):
        """What becomes of the tokens of a member whom the IdP takes away."""

        STOP = "stop", "Stop"
        HAND_OVER = "hand_over", "Go on as the workspace's"

    workspace = models.OneToOneField(
        Workspace, on_delete=models.CASCADE, related_name="directory_sync"
    )
    turned_on_at = models.DateTimeField()
    turned_off_at = models.DateTimeField(
        null=True, help_text="Empty while it is on. The rules stay for the next time."
    )
    sends_invites = models.BooleanField(default=True)
    default_role = models.CharField(
        max_length=20, choices=Role, default=Role.MEMBER, help_text="Of new members."
    )
    adopts = models.BooleanField(
        default=False,
        help_text="Whether a person who exists may be taken over, in proven domains.",
    )
    allows_unproven = models.BooleanField(
        default=False, help_text="Whether domains need no proof to provision."
    )
    owned_tokens = models.CharField(
        max_length=20,
        choices=OwnedTokens,
        default=OwnedTokens.STOP,
        help_text="What becomes of the tokens of a deactivated member.",
    )

    class Meta:
        verbose_name_plural = "directory syncs"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(default_role__in=Role.values)
                & ~models.Q(default_role="owner"),
                name="directory_sync_makes_no_owner",
            ),
            models.CheckConstraint(
                condition=models.Q(owned_tokens__in=["stop", "hand_over"]),
                name="directory_sync_owned_tokens_known",
            ),
        ]

    def __str__(self) -> str:
        return f"Directory Sync of {self.workspace}"

    @property
    def hands_over(self) -> bool:
        """Whether tokens outlive their owner as the workspace's."""
        return self.owned_tokens == self.OwnedTokens.HAND_OVER

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names it."""
        return "directory_sync", str(self.workspace.public_id), "Directory Sync"


class EmailDomain(models.Model):
    """A domain whose people the IdP may provision, and whether it was proven."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="email_domains"
    )
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=253, help_text="IDNA, in lower case.")
    challenge = models.CharField(
        max_length=64, default=new_challenge, editable=False, help_text="TXT record."
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    proven_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    finding = models.CharField(
        max_length=300, blank=True, help_text="Why the last check proved nothing."
    )

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="email_domain_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this domain."""
        return "email_domain", str(self.public_id), self.name

    @property
    def record_name(self) -> str:
        """Where the TXT record belongs."""
        return f"_keyway-challenge.{self.name}"

    @property
    def record_value(self) -> str:
        """What the TXT record says."""
        return f"keyway-domain-verification={self.challenge}"


class Team(models.Model):
    """A group of the IdP as people of the workspace see it, and the role it gives."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="teams"
    )
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    resource_id = models.CharField(
        max_length=36, unique=True, help_text="Public id of the SCIM group."
    )
    name = models.CharField(max_length=500)
    role = models.CharField(
        max_length=20, choices=Role, blank=True, help_text="What its members get."
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(role__in=["", *Role.values])
                & ~models.Q(role="owner"),
                name="team_makes_no_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this team."""
        return "team", str(self.public_id), self.name


class TeamMember(models.Model):
    """A member's place in a team of the same workspace."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    membership = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="teams"
    )
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["team", "membership"], name="team_member_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.membership_id} in {self.team_id}"
