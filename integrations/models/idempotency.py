"""What the management API answered, for a client that sends a request again."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from workspaces.models import Workspace


class IdempotencyRecord(models.Model):
    """The answer to one POST with an Idempotency-Key. Secrets are left out."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    caller = models.CharField(
        max_length=40, help_text="Key of the API token, or of the member's session."
    )
    key = models.CharField(max_length=255)
    request_digest = models.CharField(
        max_length=64, help_text="Keyed digest of path and body."
    )
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(default=dict)
    held_secret = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "caller", "key"], name="idempotency_key_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
