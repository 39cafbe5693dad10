"""One outside app of one workspace, behind a SCIM gateway of its own."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from integrations.models.app import App
from integrations.models.service_account import ServiceAccount
from workspaces.models import Directory, Workspace


def by_user_name() -> list[str]:
    """Return the matching rules that an integration begins with."""
    return ["userName"]


class IntegrationQuerySet(models.QuerySet["Integration"]):
    """Scopes of integrations."""

    def in_workspace(self, workspace: Workspace) -> IntegrationQuerySet:
        """Keep the integrations of one tenant."""
        return self.filter(workspace=workspace)


class Integration(models.Model):
    """Connects a directory to an app by a service account."""

    class Status(models.TextChoices):
        """What the last contact with the app says."""

        ACTIVE = "active", "Active"
        NEEDS_ATTENTION = "needs_attention", "Needs attention"

    class Contact(models.TextChoices):
        """How Keyway and the app get on: the status, and whether calls are held back."""

        ACTIVE = "active", "Active"
        WAITING = "waiting", "Waiting for the app"
        NEEDS_ATTENTION = "needs_attention", "Needs attention"

    class OnUnassign(models.TextChoices):
        """What happens in the app to a user whom the IdP takes away."""

        DEACTIVATE = "deactivate", "Deactivate"
        DELETE = "delete", "Delete"
        DELETE_LATER = "delete_later", "Delete later"
        NEVER = "never", "Never"

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="integrations"
    )
    app = models.ForeignKey(App, on_delete=models.PROTECT)
    service_account = models.ForeignKey(
        ServiceAccount,
        on_delete=models.PROTECT,
        related_name="integrations",
        null=True,
        help_text="None where people do the work in the app.",
    )
    directory = models.OneToOneField(
        Directory, on_delete=models.PROTECT, related_name="integration"
    )
    name = models.CharField(max_length=100)
    base_url = models.URLField(max_length=500, help_text="Where the app is.")
    identifier = models.CharField(
        max_length=200, blank=True, help_text="The business ID in the app, if any."
    )
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    status_reason = models.TextField(blank=True)
    status_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(
        null=True, help_text="Since when nothing is changed in the app."
    )
    observing_since = models.DateTimeField(
        null=True, help_text="Since when Keyway only shows what it would change."
    )
    sync_schedule = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="A cron expression of five fields, in UTC; empty syncs only when "
        "somebody asks for it.",
    )
    next_sync_at = models.DateTimeField(
        null=True, help_text="When the schedule asks for the next sync."
    )
    sync_overdue_at = models.DateTimeField(
        null=True, help_text="The second time of the schedule after the last sync."
    )
    on_unassign = models.CharField(
        max_length=20, choices=OnUnassign, default=OnUnassign.DEACTIVATE
    )
    delete_after_days = models.PositiveSmallIntegerField(
        default=30,
        db_default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="For Delete later: how long the deactivated account stays.",
    )
    threshold_percent = models.PositiveSmallIntegerField(
        default=20,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Above this, a sync or what the IdP takes away is held as a whole.",
    )
    threshold_minimum = models.PositiveSmallIntegerField(
        default=5,
        db_default=5,
        validators=[MinValueValidator(1)],
        help_text="Fewer removals by the IdP than this are never held.",
    )
    removals_held_at = models.DateTimeField(
        null=True, help_text="Since when removals wait for a decision."
    )
    removals_counted_from = models.DateTimeField(
        null=True, help_text="When the last decision on removals was made."
    )
    matching_rules = models.JSONField(
        default=by_user_name,
        db_default=by_user_name(),
        help_text="How a sync finds whose an account is, in order: userName, email, "
        "externalId, or attribute:<name> of the user schema.",
    )
    group_prefix = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="What the IdP puts in front of the names of the app's groups.",
    )
    group_suffix = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="What the IdP puts behind the names of the app's groups.",
    )
    calls_per_second = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="0: as fast as the app answers."
    )
    next_call_at = models.DateTimeField(
        null=True, help_text="When the app may be called again at the earliest."
    )
    calls_stopped_at = models.DateTimeField(
        null=True,
        help_text="Since when calls are held back because the app fails; see Lane.",
    )
    told_stopped_at = models.DateTimeField(
        null=True,
        help_text="The calls_stopped_at that a mail has told of, until another one "
        "tells that the app works again.",
    )
    last_synced_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = IntegrationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="integration_name_unique"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def own_username(self) -> str:
        """The name of Keyway's own account in the app, empty if it has none."""
        return self.service_account.username if self.service_account else ""

    def group_name(self, name: str) -> str:
        """Return how the IdP calls the app's group of a name."""
        return f"{self.group_prefix}{name}{self.group_suffix}"

    @property
    def contact(self) -> Contact:
        """How Keyway and the app get on."""
        if self.status == self.Status.NEEDS_ATTENTION:
            return self.Contact.NEEDS_ATTENTION
        is_held_back = self.calls_stopped_at is not None
        return self.Contact.WAITING if is_held_back else self.Contact.ACTIVE

    @property
    def lane(self) -> str:
        """The lane of its jobs in the queue."""
        return self.directory.key

    @property
    def confirms_with_app(self) -> bool:
        """Whether the IdP waits for what the app says to its change."""
        return self.directory.confirms_with_app

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this integration."""
        return "integration", self.directory.key, self.name
