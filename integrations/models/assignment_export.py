"""The file of **Export all assignments**."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models

from integrations.models.integration import Integration


class AssignmentExport(models.Model):
    """Who holds what in an app, as a file; the next export replaces it.

    It is being prepared until `ready_at` or `error` is set. Kept in the database, so
    that it does not matter which worker wrote it and which server sends it.
    """

    KEPT: ClassVar = timedelta(days=1)

    integration = models.OneToOneField(
        Integration, on_delete=models.CASCADE, related_name="assignment_export"
    )
    asked_at = models.DateTimeField(db_index=True)
    ready_at = models.DateTimeField(null=True)
    content = models.BinaryField(null=True, help_text="The CSV, by gzip.")
    count = models.PositiveIntegerField(default=0, help_text="Assignments in it.")
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ready_at__isnull=True, content__isnull=True)
                | models.Q(ready_at__isnull=False, content__isnull=False),
                name="assignment_export_ready_with_content",
            )
        ]

    def __str__(self) -> str:
        return f"Assignments of {self.integration}"

    @property
    def is_preparing(self) -> bool:
        """Whether a worker has still to write it."""
        return self.ready_at is None and not self.error

    @property
    def expires_at(self) -> datetime:
        """When it is deleted."""
        return self.asked_at + self.KEPT
