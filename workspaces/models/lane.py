"""Whether work may go to one place now, such as an app."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from workspaces.models.workspace import Workspace


class Lane(models.Model):
    """The part of the queue whose jobs all go to one place; made when it is used.

    How it fails says whether another job may start: see `workspaces.lanes`.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="lanes", db_index=False
    )
    name = models.CharField(max_length=60)
    failures = models.PositiveIntegerField(
        default=0, help_text="Temporary failures in a row."
    )
    closed_until = models.DateTimeField(
        null=True, help_text="Nothing starts before. After it one job, as a trial."
    )
    reason = models.TextField(blank=True, help_text="Why it is closed, in plain words.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "name"], name="lane_once")
        ]

    def __str__(self) -> str:
        return self.name
