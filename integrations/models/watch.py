"""What is known of the usual ways of a connection: its rhythm, and from where."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tokens.models import IdpTrust, OAuthClient, ScimToken
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
    """A network or a client from which something opened a directory lately: 30 days.

    It is of a token, of an OAuth client or of the trust in an IdP.
    """

    class Kind(models.TextChoices):
        """What of a request is compared."""

        NETWORK = "network", "Network"
        CLIENT = "client", "Client"

    directory = models.ForeignKey(
        Directory, on_delete=models.CASCADE, related_name="seen_places"
    )
    token = models.ForeignKey(
        ScimToken,
        on_delete=models.CASCADE,
        related_name="seen_places",
        db_index=False,
        null=True,
    )
    oauth_client = models.ForeignKey(
        OAuthClient,
        on_delete=models.CASCADE,
        related_name="seen_places",
        db_index=False,
        null=True,
    )
    trust = models.ForeignKey(
        IdpTrust,
        on_delete=models.CASCADE,
        related_name="seen_places",
        db_index=False,
        null=True,
    )
    kind = models.CharField(max_length=10, choices=Kind)
    value = models.CharField(max_length=50, help_text="A /24, a /48, or a first word.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["token", "kind", "value"], name="seen_place_once"
            ),
            models.UniqueConstraint(
                fields=["oauth_client", "kind", "value"],
                name="seen_place_once_of_client",
            ),
            models.UniqueConstraint(
                fields=["trust", "kind", "value"], name="seen_place_once_of_trust"
            ),
            models.CheckConstraint(
                condition=models.Q(token__isnull=False, oauth_client=None, trust=None)
                | models.Q(token=None, oauth_client__isnull=False, trust=None)
                | models.Q(token=None, oauth_client=None, trust__isnull=False),
                name="seen_place_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"

    @property
    def opener(self) -> ScimToken | OAuthClient | IdpTrust:
        """Whose place it is."""
        found = self.token or self.oauth_client or self.trust
        assert found is not None  # noqa: S101  a constraint of the table
        return found
