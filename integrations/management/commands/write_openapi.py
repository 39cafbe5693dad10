"""Write the OpenAPI document of the management API into the documentation."""

from __future__ import annotations

from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand

from integrations.api.openapi import document

PAGE = settings.BASE_DIR / "docs/reference/openapi.yaml"


def text() -> str:
    """Return the document as YAML."""
    # Through the safe dumper: the document holds plain data only.
    written: str = yaml.safe_dump(
        document(), sort_keys=False, allow_unicode=True, width=110
    )
    return written


class Command(BaseCommand):
    """manage.py write_openapi."""

    help = "Write docs/reference/openapi.yaml from the views of the management API."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file."""
        PAGE.write_text(text(), encoding="utf-8")
        self.stdout.write(f"Wrote {PAGE}.")
