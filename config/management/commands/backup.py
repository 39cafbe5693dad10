"""Write a backup of everything but the keys."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.operations import backup


class Command(BaseCommand):
    """May run at any time: what goes on meanwhile is not disturbed."""

    help = "Write the database, as it is at one moment, into one file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path, help="A new file, such as keyway.backup")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take the backup."""
        target = options["file"].resolve()
        try:
            manifest = backup.take(target)
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        rows = sum(manifest.counts.values())
        size = target.stat().st_size / 1_000_000
        self.stdout.write(
            f"{target}: {rows} rows of {manifest.taken_at}, {size:.1f} MB.\n"
            "The keys are not in it. Keep KEYWAY_ENCRYPTION_KEYS, KEYWAY_TOKEN_KEYS and "
            "KEYWAY_SECRET_KEY at another place: without them no stored secret can be "
            "read and no token works.\n"
            "People's names are in it in clear. Keep it as safe as the database."
        )
