"""An entry of the catalog: a kind of outside app."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models

from integrations.catalog.loader import check_manifest


def validate_manifest(manifest: dict[str, Any]) -> None:
    """Refuse a manifest that could not work, saying what is wrong and where."""
    problems = check_manifest(manifest)
    if problems:
        raise ValidationError([str(problem) for problem in problems])


class App(models.Model):
    """What a manifest says of an app. Shipped entries are files in `catalog/`."""

    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=60, blank=True)
    connector = models.CharField(max_length=30)
    manifest = models.JSONField(validators=[validate_manifest])
    is_offered = models.BooleanField(
        default=True, help_text="Whether new integrations can choose it."
    )
    edited_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When a superuser wrote it last. A release then leaves it alone.",
    )

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this app."""
        return "app", self.slug, self.name
