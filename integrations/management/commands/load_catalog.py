"""Load the shipped manifests into the catalog."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from integrations.catalog import entries


class Command(BaseCommand):
    """Adds what is new and updates what is there, by slug; edited entries stay."""

    help = "Load the app manifests that come with this release into the catalog."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="Also replace entries that were edited in the admin.",
        )

    def handle(self, *_args: Any, overwrite: bool = False, **_options: Any) -> None:
        """Load every manifest."""
        outcomes = entries.load_shipped(overwrite=overwrite)
        for slug, outcome in outcomes.items():
            self.stdout.write(f"{outcome} {slug}")
        if "kept" in outcomes.values():
            self.stdout.write(
                "Kept entries were edited in the admin. To replace them with those of "
                "this release: load_catalog --overwrite"
            )
