"""Print where the audit log stands, signed, to be kept elsewhere."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workspaces import audit_chain
from workspaces.models import Workspace


class Command(BaseCommand):
    """One line of JSON for each log: append it to a file on another machine."""

    help = "Print a signed checkpoint of every audit log; see verify_audit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the option."""
        parser.add_argument("--workspace", help="The slug of the only one to print.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the checkpoints."""
        logs: list[Workspace | None] = [None, *Workspace.objects.order_by("slug")]
        if slug := options["workspace"]:
            logs = [log for log in logs if log and log.slug == slug]
            if not logs:
                raise CommandError(f"There is no workspace {slug}.")
        for log in logs:
            audit_chain.seal(log.pk if log else None)
            self.stdout.write(json.dumps(audit_chain.checkpoint(log).as_json()))
