"""A place in a workspace that is offered to somebody by e-mail."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models

from workspaces.models.user import User
from workspaces.models.workspace import Membership, Role, Workspace


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Scopes of invitations."""

    def in_workspace(self, workspace: Workspace) -> InvitationQuerySet:
        """Keep the invitations of one tenant."""
        return self.filter(workspace=workspace)

    def open(self) -> InvitationQuerySet:
        """Keep what was neither accepted nor revoked; it may have expired."""
        return self.filter(accepted_at=None, revoked_at=None)


class Invitation(models.Model):
    """One offer to one address. The link itself is nowhere but in the e-mail."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(max_length=254)
    email_key = models.CharField(max_length=254, editable=False)
    role = models.CharField(max_length=20, choices=Role)
    digest = models.CharField(
        max_length=64, blank=True, help_text="Keyed; empty until the e-mail is sent."
    )
    membership = models.ForeignKey(
        Membership,
        on_delete=models.CASCADE,
        null=True,
        related_name="invitations",
        help_text="Of somebody whom the IdP made a member already.",
    )
    invited_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "email_key"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
            models.UniqueConstraint(
                fields=["digest"],
                condition=~models.Q(digest=""),
                name="invitation_digest_unique",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="invitation_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.workspace}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this invitation."""
        return "invitation", str(self.public_id), self.email

    def is_open(self, now: datetime) -> bool:
        """Say whether it can be accepted at `now`, by the database's clock."""
        return (
            self.accepted_at is None
            and self.revoked_at is None
            and self.expires_at > now
        )
