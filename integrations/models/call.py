"""A call that Keyway made to an outside app."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from integrations.models.integration import Integration
from workspaces.models import Job, Workspace


class AppCall(models.Model):
    """One request to an app and how it was answered: kept for a set time, then pruned.

    Its text was made fit to be shown before it came here.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    integration = models.ForeignKey(
        Integration,
        on_delete=models.CASCADE,
        null=True,
        related_name="calls",
        help_text="None while the set-up of one is checked.",
    )
    job = models.ForeignKey(
        Job, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    resource_id = models.CharField(max_length=36, blank=True, help_text="Public id.")
    attempt = models.PositiveIntegerField(default=0)
    sequence = models.PositiveIntegerField(
        help_text="From 1 in each session. What lies between two was left out."
    )
    act = models.CharField(max_length=300, help_text="What the call was made for.")
    is_change = models.BooleanField(help_text="Whether the act changes the app.")
    at = models.DateTimeField()
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500, help_text="Secrets hidden.")
    request_body = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="None: no answer.")
    error = models.TextField(blank=True)
    answer_body = models.TextField(blank=True, help_text="Of errors only.")
    milliseconds = models.PositiveIntegerField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["job", "id"], name="call_by_job"),
            models.Index(fields=["workspace", "at"], name="call_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status or 'no answer'}"

    @property
    def is_failure(self) -> bool:
        """Whether no answer came, or one that says that the call did not work.

        Looking for an account that is not there is no failure.
        """
        if self.status is None or self.error:
            return True
        looks = self.method in {"GET", "GOTO"}
        return self.status >= 400 and not (looks and self.status == 404)


class Screenshot(models.Model):
    """What the browser showed after a step, with what was typed masked.

    Goes with its call.
    """

    call = models.OneToOneField(
        AppCall, on_delete=models.CASCADE, primary_key=True, related_name="screenshot"
    )
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    image = models.BinaryField(help_text="JPEG, 60 kB at most.")

    def __str__(self) -> str:
        return f"Screenshot of {self.call_id}"
