"""Work put off, as a row that people can see."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from workspaces.models.user import User
from workspaces.models.workspace import Workspace


class Job(models.Model):
    """One piece of background work and its lease.

    Two jobs with one `subject` never run at the same time, and of the waiting
    ones there is at most one: a second request joins the first. A parked one waits
    for a person; no worker takes it.
    """

    class State(models.TextChoices):
        """Where the work is."""

        QUEUED = "queued", "Queued"
        STARTED = "started", "Started"
        RUNNING = "running", "Running"
        RETRYING = "retrying", "Retrying"
        HELD = "held", "Waiting for a decision"
        PAUSED = "paused", "Waiting: integration is paused"
        COMPLETED = "completed", "Completed"
        NOT_COMPLETED = "not_completed", "Not completed"

    READY: ClassVar = (State.QUEUED, State.RETRYING)
    PARKED: ClassVar = (State.HELD, State.PAUSED)
    WAITING: ClassVar = (*READY, *PARKED)
    LEASED: ClassVar = (State.STARTED, State.RUNNING)
    OPEN: ClassVar = (*WAITING, *LEASED)

    class Trigger(models.TextChoices):
        """What asked for the work."""

        WEB = "web", "Portal"
        SCIM = "scim", "SCIM"
        SCHEDULE = "schedule", "Schedule"
        COMMAND = "command", "Command line"

    class Priority(models.IntegerChoices):
        """What is taken first."""

        PERSON = 0, "A person waits for it"
        CHANGE = 10, "One change"
        BULK = 20, "Many at once, or by schedule"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="jobs", db_index=False
    )
    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    priority = models.PositiveSmallIntegerField(
        choices=Priority, default=Priority.CHANGE, db_default=Priority.CHANGE
    )
    lane = models.CharField(
        max_length=60,
        blank=True,
        db_default="",
        help_text="The one place where it goes, such as an app; see Lane.",
    )
    arguments = models.JSONField(default=dict)
    trigger = models.CharField(max_length=20, choices=Trigger)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED)
    attempt = models.PositiveIntegerField(
        default=0, help_text="Counts claims. A finish counts only for its own claim."
    )
    failures = models.PositiveIntegerField(
        default=0, help_text="Failed attempts since the work was last asked for."
    )
    max_failures = models.PositiveIntegerField(default=20)
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(
        null=True, help_text="When its id was last given to Celery."
    )
    lease_ends_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=60, blank=True)
    progress = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True, help_text="In plain words, no secret.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Who ended it before its end. Null: it ended by itself.",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(state__in=["queued", "retrying", "held", "paused"]),
                name="job_waits_once",
            ),
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(state__in=["started", "running"]),
                name="job_runs_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["priority", "due_at", "id"],
                condition=models.Q(state__in=["queued", "retrying"]),
                name="job_waiting",
            ),
            models.Index(
                fields=["lease_ends_at"],
                condition=models.Q(state__in=["started", "running"]),
                name="job_leased",
            ),
            models.Index(
                fields=["lane"],
                condition=models.Q(state__in=["started", "running"]),
                name="job_running_in_lane",
            ),
            models.Index(fields=["workspace", "-id"], name="job_by_workspace"),
            models.Index(fields=["kind", "subject", "-id"], name="job_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.get_state_display()}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this job."""
        return "job", str(self.public_id), f"{self.kind} {self.subject}"
