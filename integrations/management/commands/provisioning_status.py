"""Tell how far a user has come on the way into the app."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from integrations.models import Provisioning
from scim.protocol.comparable import string_key


class Command(BaseCommand):
    """Prints one line, or one JSON object."""

    help = "Show the provisioning state of a user."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--workspace", required=True, help="Slug of the workspace.")
        parser.add_argument("--user-name", required=True, help="The SCIM userName.")
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON object."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print `state`, `attempts` and `error` of the user's latest row."""
        name = options["user_name"]
        row = (
            Provisioning.objects.filter(
                Q(user_name=name)
                | Q(resource__user_name_key=string_key(name, case_exact=False)),
                integration__workspace__slug=options["workspace"],
            )
            .order_by("-id")
            .first()
        )
        if row is None:
            raise CommandError("No user of this name was ever provisioned here.")
        shown = {
            "state": row.get_state_display(),
            "attempts": row.attempts,
            "error": row.last_error or None,
        }
        if options["json"]:
            self.stdout.write(json.dumps(shown))
        else:
            error = f": {row.last_error}" if row.last_error else ""
            self.stdout.write(f"{shown['state']}, attempts {row.attempts}{error}")
