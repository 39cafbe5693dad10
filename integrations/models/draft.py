"""An integration that is being made."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from workspaces.models import User, Workspace


class IntegrationDraft(models.Model):
    """What was entered into **New app integration** so far, kept for some days.

    Holds no secret: service accounts are saved by themselves.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="integration_drafts"
    )
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    answers = models.JSONField(default=dict, help_text="By field, as typed.")
    check_result = models.JSONField(
        default=dict, help_text="How Test and save went: its steps and their outcome."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["-updated_at"]

    def __str__(self) -> str:
        return str(self.answers.get("name") or "Draft")

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this draft."""
        return "integration_draft", str(self.public_id), str(self)
