"""What happened, who did it, and from where."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from workspaces.models.user import User
from workspaces.models.workspace import Workspace


class AuditEvent(models.Model):
    """One line of the audit log. Only `workspaces.audit` writes here.

    The labels are copies: the line still reads well when the actor or the
    target is gone.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, null=True, related_name="audit_events"
    )
    action = models.CharField(max_length=60)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    actor_label = models.CharField(max_length=254)
    target_type = models.CharField(max_length=40, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target_label = models.CharField(max_length=254, blank=True)
    data = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=36, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="audit_by_workspace")
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_label}"
