"""Fill an empty database from a backup, and make it safe to start."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.operations import backup, readiness, replay, restored
from config.operations.findings import Level
from workspaces import progress
from workspaces.clock import database_now


class Command(BaseCommand):
    """Start web and workers afterwards, not before."""

    help = "Fill the empty database of DATABASE_URL from a backup."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path)
        since = parser.add_mutually_exclusive_group(required=True)
        since.add_argument(
            "--audit-log",
            type=Path,
            action="append",
            metavar="JSONL",
            help="An audit log from after the backup: what it says was ended, such as "
            "a token, is ended again. May be given several times.",
        )
        since.add_argument(
            "--without-audit-log",
            action="store_true",
            help="Tokens that were revoked after the backup work again, as does the rest.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Restore, bring up to date, settle and verify."""
        try:
            with backup.opened(options["file"]) as (manifest, dump):
                told = replay.told_since(
                    options["audit_log"] or [], since=manifest.taken_at
                )
                progress.phase("Filling the database")
                backup.put_back(manifest, dump)
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        faults = restored.missing_rows(manifest)
        progress.phase("Bringing the tables up to date")
        call_command("migrate", verbosity=0)
        faults += restored.faults_of_the_audit_logs()
        for sentence in restored.settle(manifest, told=told, now=database_now()):
            self.stdout.write(sentence)
        if lines := replay.left_to_people(told):
            self.stdout.write(
                "Also since the backup, and not done again. Look at each:"
            )
            self.stdout.writelines(f"  {line}\n" for line in lines)
        if faults:
            raise CommandError("\n".join(["Restored, and not whole:", *faults]))
        self.stdout.write(f"Restored as of {manifest.taken_at}, and verified.")
        keys = readiness.keys()
        if keys.level != Level.OK:
            self.stderr.write(f"{keys.message} {keys.fix}")
