"""Where a workspace wants to hear of what happens, and what was sent there."""

from __future__ import annotations

import uuid
from typing import ClassVar
from urllib.parse import urlsplit

from django.db import models

from workspaces.models import User, Workspace


class WebhookEndpoint(models.Model):
    """An address that gets signed messages about the events that were chosen.

    Its secret is sealed; for a while after a replacement the former one signs too.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list, help_text="Names of event types.")
    sealed_secret = models.TextField()
    sealed_former_secret = models.TextField(blank=True)
    former_ends_at = models.DateTimeField(
        null=True, help_text="Until when the former secret signs too."
    )
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    failing_since = models.DateTimeField(
        null=True, help_text="The first failure after the last success."
    )
    turned_off_at = models.DateTimeField(null=True)
    turned_off_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(sealed_former_secret="")
                | models.Q(former_ends_at__isnull=False),
                name="webhook_former_secret_ends",
            )
        ]

    def __str__(self) -> str:
        return self.origin

    @property
    def origin(self) -> str:
        """The address without its path, which may hold a secret of the receiver."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this endpoint."""
        return "webhook_endpoint", str(self.public_id), self.origin

    @property
    def lane(self) -> str:
        """The lane of its deliveries, so that a slow one holds up no other."""
        return f"webhook:{self.public_id}"


class WebhookDelivery(models.Model):
    """One message to one endpoint, with how its last attempt went."""

    class State(models.TextChoices):
        """How far the message has come."""

        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
    )
    message_id = models.CharField(
        max_length=40, help_text="The same for each attempt and endpoint."
    )
    event = models.CharField(max_length=60)
    body = models.TextField(help_text="The JSON as it is signed and sent.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    status = models.PositiveSmallIntegerField(
        null=True, help_text="Of the last answer; empty if there was none."
    )
    milliseconds = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    attempted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-id"], name="webhook_by_endpoint"),
            models.Index(fields=["workspace", "created_at"], name="webhook_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"
