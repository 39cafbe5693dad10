"""Write the reference of the audit log's actions into the documentation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from workspaces import audit_reference

PAGE = settings.BASE_DIR / "docs/reference/audit-actions.md"


class Command(BaseCommand):
    """manage.py write_audit_actions."""

    help = "Write docs/reference/audit-actions.md from the actions of the code."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write the page."""
        PAGE.write_text(audit_reference.page(), encoding="utf-8")
        self.stdout.write(f"Wrote {PAGE}.")
