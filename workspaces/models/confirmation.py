"""Somebody's proof of who they are, for one action."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models

from workspaces.models.user import User
from workspaces.models.workspace import Workspace


class Confirmation(models.Model):
    """One request to confirm an identity, and what became of it.

    It belongs to one person, one session, one action on one subject in one
    workspace, and serves once. Only `workspaces.confirmations` writes here.
    """

    class State(models.TextChoices):
        """How far it is. All but the first two are final."""

        PENDING = "pending", "Pending"
        APPROVED = "approved", "Approved"
        DENIED = "denied", "Denied"
        EXPIRED = "expired", "Expired"
        USED = "used", "Used"
        ABANDONED = "abandoned", "Abandoned"

    OPEN: ClassVar = (State.PENDING, State.APPROVED)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    session_digest = models.CharField(
        max_length=64, help_text="Keyed digest of what ties it to the session."
    )
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=120, help_text="Public id, no secret.")
    subject_label = models.CharField(max_length=254)
    path = models.CharField(max_length=300, help_text="Where the action goes on.")
    back_path = models.CharField(max_length=300, default="/")
    is_step = models.BooleanField(
        help_text="Whether the action goes on with a page, not with a POST."
    )
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    method = models.CharField(max_length=20, blank=True)
    device = models.CharField(max_length=120, blank=True)
    standing = models.CharField(
        max_length=64,
        blank=True,
        help_text="Keyed digest of password and role when it was approved.",
    )
    number = models.PositiveSmallIntegerField(
        null=True, help_text="Two digits to repeat on another device, if one is asked."
    )
    failures = models.PositiveSmallIntegerField(default=0)
    last_failure_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    client = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(number=None) | models.Q(number__range=(10, 99)),
                name="confirmation_number_has_two_digits",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["approved", "used"])
                | models.Q(decided_at__isnull=False) & ~models.Q(method=""),
                name="confirmation_approved_by_something",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at"], name="confirmation_by_user"),
            models.Index(
                fields=["workspace", "expires_at"],
                condition=models.Q(state__in=["pending", "approved"]),
                name="confirmation_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.subject_label}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this confirmation."""
        return "confirmation", str(self.public_id), self.subject_label

    def is_pending(self, now: datetime) -> bool:
        """Say whether it can still be approved or denied at `now`."""
        return self.state == self.State.PENDING and self.expires_at > now

    def is_approved(self, now: datetime) -> bool:
        """Say whether it can be used at `now`."""
        return self.state == self.State.APPROVED and self.expires_at > now
