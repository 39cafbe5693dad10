"""Prove that nobody edited the audit log, or say where somebody did."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workspaces import audit_chain, checkpoints, progress
from workspaces.checkpoints import Checkpoint, InvalidCheckpoint
from workspaces.models import Workspace


class Command(BaseCommand):
    """Walks every chain; the exit code is 1 if one is broken."""

    help = "Verify the hash chains of the audit log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--workspace", help="The slug of the only one to verify.")
        parser.add_argument(
            "--checkpoint",
            type=Path,
            help="A file with checkpoints, one a line, that were kept elsewhere.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print a line for each log, and one for each fault."""
        known = {point.log: point for point in self._checkpoints(options["checkpoint"])}
        logs = self._logs(options["workspace"])
        unknown = known.keys() - {_name_of(log) for log in logs}
        if unknown and not options["workspace"]:
            raise CommandError(f"No log has the checkpoint of {', '.join(unknown)}.")
        broken = 0
        for log in logs:
            point = known.get(_name_of(log))
            with progress.bar(_slug(log), audit_chain.length_kept(log)) as told:
                faults = list(audit_chain.verify(log, known=point, told=told))
            broken += bool(faults)
            self.stdout.write(f"{_slug(log)}: {_verdict(len(faults))}")
            for fault in faults:
                self.stdout.write(f"  {fault}")
        if broken:
            raise CommandError(f"{broken} of {len(logs)} logs cannot be trusted.")

    def _logs(self, slug: str | None) -> list[Workspace | None]:
        if slug is None:
            return [None, *Workspace.objects.order_by("slug")]
        found = Workspace.objects.filter(slug=slug).first()
        if found is None:
            raise CommandError(f"There is no workspace {slug}.")
        return [found]

    def _checkpoints(self, path: Path | None) -> list[Checkpoint]:
        """Return the checkpoints in a file. Raises CommandError for a bad one."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path else []
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path} cannot be read: {error}") from None
        found = []
        for number, line in enumerate(lines, start=1):
            try:
                point = Checkpoint.from_json(json.loads(line))
            except (ValueError, InvalidCheckpoint) as error:
                raise CommandError(f"Line {number}: {error}") from None
            if not checkpoints.is_genuine(point, log=point.log):
                raise CommandError(f"Line {number}: this was not signed here.")
            found.append(point)
        return found


def _name_of(log: Workspace | None) -> str:
    return str(log.public_id) if log else ""


def _slug(log: Workspace | None) -> str:
    return log.slug if log else "installation"


def _verdict(faults: int) -> str:
    return f"{faults} faults" if faults > 1 else "1 fault" if faults else "intact"
