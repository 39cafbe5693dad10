"""Check a deployment, and say what to fix."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from config.operations.doctor import examine
from config.operations.findings import Finding, Level

_MARKS = {Level.OK: "ok     ", Level.WARNING: "warning", Level.FAILED: "FAILED "}


class Command(BaseCommand):
    """Exit code 0: nothing failed; 1: something did. Warnings do not count."""

    help = "Check this deployment, and say what to fix. Changes nothing."
    # It tells of unsafe settings itself, among the rest.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="One JSON document.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print what is found; exit with 1 if anything failed."""
        found = examine()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in found], indent=2))
        else:
            self._tell(found)
        if any(one.level == Level.FAILED for one in found):
            sys.exit(1)

    def _tell(self, found: list[Finding]) -> None:
        for one in found:
            self.stdout.write(f"{_MARKS[one.level]}  {one.name}: {one.message}")
            if one.fix:
                self.stdout.write(f"         -> {one.fix}")
        counts = Counter(one.level for one in found)
        self.stdout.write(
            f"\n{counts[Level.FAILED]} failed, {counts[Level.WARNING]} warnings, "
            f"{counts[Level.OK]} ok"
        )
