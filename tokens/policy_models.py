"""What a workspace asks of its tokens, and the calendar that tells of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from workspaces.models import Directory, User, Workspace
from workspaces.models.directory import new_directory_key

if TYPE_CHECKING:
    from tokens.models import ScimToken

TWO_YEARS = 730
LONGEST_OVERLAP_HOURS = 168


def remind_days() -> list[int]:
    """Return how many days before the end of a token people are reminded at first."""
    return [90, 30, 7, 1]


class TokenPolicy(models.Model):
    """How long tokens live. A workspace without a row has what a new one presets."""

    workspace = models.OneToOneField(
        Workspace, on_delete=models.CASCADE, related_name="token_policy"
    )
    default_days = models.PositiveSmallIntegerField(
        default=TWO_YEARS, help_text="How long a new SCIM token lives."
    )
    longest_days = models.PositiveSmallIntegerField(
        default=TWO_YEARS, help_text="How long any token may live from its making."
    )
    longest_overlap_hours = models.PositiveSmallIntegerField(
        default=LONGEST_OVERLAP_HOURS,
        help_text="How long a replaced token may live on; 0 stops it at once.",
    )
    remind_days = models.JSONField(
        default=remind_days, help_text="Days before the end, the longest first."
    )

    class Meta:
        verbose_name_plural = "token policies"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(
                    default_days__gte=1,
                    default_days__lte=models.F("longest_days"),
                    longest_days__lte=TWO_YEARS,
                ),
                name="token_policy_default_within_longest",
            ),
            models.CheckConstraint(
                condition=models.Q(longest_overlap_hours__lte=LONGEST_OVERLAP_HOURS),
                name="token_policy_overlap_bounded",
            ),
        ]

    def __str__(self) -> str:
        return f"Token policy of {self.workspace}"

    @property
    def lifetime(self) -> timedelta:
        """How long a token lives for which nobody chose."""
        return timedelta(days=self.default_days)

    @property
    def longest(self) -> timedelta:
        """How long a token may live at most."""
        return timedelta(days=self.longest_days)

    @property
    def longest_overlap(self) -> timedelta:
        """How long a replaced token may live on at most."""
        return timedelta(hours=self.longest_overlap_hours)


class RotationSchedule(models.Model):
    """Every how many days the tokens of a directory are to be replaced."""

    directory = models.OneToOneField(
        Directory, on_delete=models.CASCADE, related_name="rotation_schedule"
    )
    every_days = models.PositiveSmallIntegerField()
    lead_days = models.PositiveSmallIntegerField(
        help_text="How many days before it is due a rotation can be seen to be."
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(
                    lead_days__gte=1, lead_days__lt=models.F("every_days")
                ),
                name="rotation_lead_within_period",
            )
        ]

    def __str__(self) -> str:
        return f"Every {self.every_days} days"

    def due_at(self, token: ScimToken) -> datetime:
        """Return by when a token of the directory should have a successor."""
        due_at = token.created_at + timedelta(days=self.every_days)
        return min(due_at, token.expires_at or due_at)

    def opens_at(self, token: ScimToken) -> datetime:
        """Return from when on administrators are asked to replace the token."""
        return self.due_at(token) - timedelta(days=self.lead_days)


class CalendarFeed(models.Model):
    """A private address at which calendars read when tokens end. Only a digest is kept."""

    workspace = models.OneToOneField(
        Workspace, on_delete=models.CASCADE, related_name="calendar_feed"
    )
    key = models.CharField(max_length=32, unique=True, default=new_directory_key)
    digest = models.CharField(max_length=64)
    digest_key = models.PositiveSmallIntegerField(
        help_text="Number of the key in KEYWAY_TOKEN_KEYS."
    )
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    last_read_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Calendar feed {self.key}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this feed."""
        return "calendar_feed", self.key, "Calendar feed"
