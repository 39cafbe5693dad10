"""What an account was like before Keyway changed it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from integrations.models.integration import Integration
from workspaces.models import Job, User


class RestorePoint(models.Model):
    """One account as the app showed it, and what was then done to it.

    Holds names, activity, what the account held, and what the app shows of the user
    schema; never a password or what is confidential. Kept for a set time, then pruned.
    Changes with no long pause between them share a `run`.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="restore_points"
    )
    run = models.UUIDField()
    job = models.ForeignKey(
        Job, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    resource_id = models.CharField(max_length=36, help_text="Public id.")
    user_name = models.CharField(max_length=500)
    external_id = models.CharField(
        max_length=255, blank=True, help_text="The app's own key of the account."
    )
    before = models.JSONField(
        null=True,
        help_text="username, email, given_name, family_name, display_name, active and "
        "entitlements; null if there was no account.",
    )
    granted = models.JSONField(help_text="What SCIM had given until then.")
    changes = models.JSONField(
        default=list,
        help_text="In order: [act, details], as integrations.provisioning.restoring "
        "says.",
    )
    is_removal = models.BooleanField(
        default=False, help_text="Whether it counts against the threshold."
    )
    is_undo = models.BooleanField(
        default=False, help_text="Whether it was made while another was undone."
    )
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["integration", "-id"], name="restore_point_newest"),
            models.Index(fields=["integration", "run"], name="restore_point_by_run"),
            models.Index(fields=["resource_id", "-id"], name="restore_point_of_user"),
            models.Index(
                fields=["integration", "at"],
                condition=models.Q(is_removal=True),
                name="restore_point_removals",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_name} before {self.at:%Y-%m-%d %H:%M}"
