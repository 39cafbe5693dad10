"""A tenant and who belongs to it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from workspaces.models.user import User


class Role(models.TextChoices):
    """What a member may do is in `workspaces.permissions`, nowhere else."""

    OWNER = "owner", "Owner"
    SUPER_ADMIN = "super_admin", "Super Admin"
    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"
    AUDITOR = "auditor", "Auditor"


class Workspace(models.Model):
    """One customer. Every other table leads here."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=63, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_actions = models.JSONField(
        default=list, blank=True, help_text="Names of actions that need a confirmation."
    )
    require_two_steps = models.BooleanField(
        default=False, help_text="Nobody gets in with a password alone."
    )
    confirm_minutes = models.PositiveSmallIntegerField(
        default=10,
        help_text="For how long a confirmation counts where it need not be new.",
    )
    audit_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Empty keeps the audit log for ever."
    )

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(confirm_minutes__lte=60),
                name="workspace_confirm_minutes_bounded",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this workspace."""
        return "workspace", str(self.public_id), self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Scopes of memberships."""

    def of(self, user: User) -> MembershipQuerySet:
        """Keep the active memberships of one person, with their workspaces."""
        return (
            self.filter(user=user, is_active=True)
            .select_related("workspace")
            .order_by("id")
        )

    def in_workspace(self, workspace: Workspace) -> MembershipQuerySet:
        """Keep the memberships of one tenant, with their people."""
        return self.filter(workspace=workspace).select_related("user")


class Membership(models.Model):
    """A person's place in a workspace."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)
    is_active = models.BooleanField(default=True)
    is_break_glass = models.BooleanField(
        default=False, help_text="Kept from whatever the IdP says."
    )
    resource_id = models.CharField(
        max_length=36,
        null=True,
        unique=True,
        help_text="Public id of the SCIM user that provisions it.",
    )
    first_active_at = models.DateTimeField(
        null=True, help_text="Of provisioned members: when the IdP first let them in."
    )
    own_role = models.CharField(
        max_length=20,
        choices=Role,
        blank=True,
        help_text="The role without the team's, where a team gives a higher one.",
    )
    role_team = models.ForeignKey(
        "workspaces.Team",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="The team that gives the role.",
    )

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "user"], name="membership_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
            models.CheckConstraint(
                condition=models.Q(own_role__in=["", *Role.values]),
                name="membership_own_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this membership."""
        return "member", str(self.pk), str(self.user)
