"""What is known of the usual ways of a connection: its rhythm, and from where."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tokens.models import ScimToken
from workspaces.models import Directory


class ConnectionWatch(models.Model):
    """How long a connection may be silent before somebody should know."""

    directory = models.OneToOneField(
        Directory, on_delete=models.CASCADE, related_name="watch"
    )
    tells_silence = models.BooleanField(default=True)
    usual_gap = models.DurationField(
        null=True, help_text="Empty while there are too few requests to tell."
    )
    alarm_after = models.DurationField(null=True, help_text="A longer silence is told.")
    learnt_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    watched_since = models.DateTimeField(
        help_text="Silence counts from here on: before, Keyway itself was not there."
    )
    silent_since = models.DateTimeField(
        null=True, help_text="The last request before a silence that was told."
    )

    class Meta:
        verbose_name_plural = "connection watches"

    def __str__(self) -> str:
        return f"Watch of {self.directory}"


class SeenPlace(models.Model):
    """A network or a client with which a token was used in the last 30 days."""

    class Kind(models.TextChoices):
        """What of a request is compared."""

        NETWORK = "network", "Network"
        CLIENT = "client", "Client"

    directory = models.ForeignKey(
        Directory, on_delete=models.CASCADE, related_name="seen_places"
    )
    token = models.ForeignKey(
        ScimToken, on_delete=models.CASCADE, related_name="seen_places", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind)
    value = models.CharField(max_length=50, help_text="A /24, a /48, or a first word.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["token", "kind", "value"], name="seen_place_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"
