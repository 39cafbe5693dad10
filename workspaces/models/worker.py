"""The workers that are there."""

from __future__ import annotations

from django.db import models


class WorkerProcess(models.Model):
    """A worker that carries out jobs, for as long as it says so.

    It goes when the worker stops; one that was killed stays with an old `seen_at`.
    """

    name = models.CharField(max_length=60, unique=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
