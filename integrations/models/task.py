"""What a person does in an app that Keyway cannot reach, and the lists that prove it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from integrations.models.integration import Integration
from integrations.models.provisioning import Provisioning
from workspaces.models import User, Workspace


class TaskQuerySet(models.QuerySet["Task"]):
    """Scopes of tasks."""

    def in_workspace(self, workspace: Workspace) -> TaskQuerySet:
        """Keep the tasks of one tenant."""
        return self.filter(integration__workspace=workspace)


class Task(models.Model):
    """What has to be done for one person: the steps that are open together.

    There is at most one open task for a person.
    """

    class State(models.TextChoices):
        """How far it is."""

        OPEN = "open", "Open"
        DONE = "done", "Done"
        NOT_POSSIBLE = "not_possible", "Cannot be done"
        NOT_NEEDED = "not_needed", "No longer needed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="tasks", db_index=False
    )
    provisioning = models.ForeignKey(
        Provisioning, on_delete=models.CASCADE, related_name="tasks"
    )
    user_name = models.CharField(max_length=500)
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    steps = models.JSONField(help_text="Each with words and values.")
    account_key = models.CharField(max_length=255)
    outcome = models.JSONField(
        help_text="The account once it is done, and whether it exists then."
    )
    finding = models.TextField(
        blank=True, help_text="What the app's list showed instead."
    )
    reason = models.TextField(blank=True, help_text="Why it cannot be done.")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    proved_at = models.DateTimeField(
        null=True, help_text="When a list of the app showed it done."
    )
    mailed_at = models.DateTimeField(null=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provisioning"],
                condition=models.Q(state="open"),
                name="task_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at=None)
                | (~models.Q(state="open") & models.Q(closed_at__isnull=False)),
                name="task_closed_at_a_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["integration", "account_key"], name="task_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.user_name} in {self.integration}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this task."""
        return "task", str(self.public_id), self.user_name


class TaskAssignee(models.Model):
    """Somebody who does the tasks of an integration. Without any, all admins do."""

    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="assignees", db_index=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["integration", "user"], name="task_assignee_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.integration}"


class AccountList(models.Model):
    """A list of the app's accounts that a person brought, to be imported by a sync."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="account_lists"
    )
    file_name = models.CharField(max_length=255)
    rows = models.JSONField(help_text="Each account by the names of the columns.")
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    approved_at = models.DateTimeField(
        null=True, help_text="Since when a sync may import it."
    )
    imported_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-uploaded_at", "-id"]

    def __str__(self) -> str:
        return self.file_name
