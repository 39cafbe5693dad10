"""Say what is wrong with a manifest, and try it against an app."""

from __future__ import annotations

import getpass
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integrations.catalog.loader import InvalidManifest, load_manifest
from integrations.catalog.trial import Step, try_manifest
from integrations.desired import Connection

_SECRET = "KEYWAY_TRIAL_SECRET"  # noqa: S105, the name of a variable


class Command(BaseCommand):
    """Ends with 1 if there is anything wrong."""

    help = (
        "Check the manifest of an app, and with --against try it: log in, list, and "
        "create, update, deactivate, reactivate and delete one account of its own. The "
        f"password or access token is asked for, or read from {_SECRET}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path, help="The manifest, a JSON file.")
        parser.add_argument("--against", metavar="URL", help="Address of the app.")
        parser.add_argument(
            "--username",
            default="",
            help="The service account's name; leave it out for an access token.",
        )
        parser.add_argument(
            "--identifier", default="", help="The business ID, if the app asks for one."
        )

    def handle(self, *_args: Any, file: Path, **options: Any) -> None:
        """Print one line for each problem, or for each step and each call."""
        try:
            manifest = load_manifest(file)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except InvalidManifest as error:
            for problem in error.problems:
                self.stdout.write(str(problem))
            raise CommandError(f"{file} cannot be used.") from None
        self.stdout.write(f"{file.name}: nothing is wrong with its form.")
        if not options["against"]:
            return
        connection = Connection(
            base_url=options["against"].rstrip("/"),
            username=options["username"],
            secret=os.environ.get(_SECRET) or getpass.getpass("Password or token: "),
            identifier=options["identifier"],
            login_workflow="password" if options["username"] else "access_token",
        )
        networks = settings.KEYWAY_ALLOWED_NETWORKS
        steps = []
        for step in try_manifest(manifest, connection, allowed_networks=networks):
            steps.append(step)
            self._show(step)
        if failed := [step.name for step in steps if not step.is_fine]:
            raise CommandError(f"Failed: {', '.join(failed)}.")

    def _show(self, step: Step) -> None:
        mark = "ok    " if step.is_fine else "FAILED"
        self.stdout.write(f"{mark} {step.name}: {step.outcome}")
        for call in step.calls:
            answer = call.status or call.error
            words = f" {call.answer_body}" if call.answer_body else ""
            self.stdout.write(f"         {call.method} {call.path} -> {answer}{words}")
