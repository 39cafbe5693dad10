"""Bring stored secrets and tokens under the keys in use, and let a former key go."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tokens import key_change
from workspaces import key_rotation, progress
from workspaces.clock import database_now
from workspaces.key_rotation import RINGS


class Command(BaseCommand):
    """Run it after a new key came, as often as you like; it goes on where it stopped."""

    help = (
        "Seal every stored secret under the key in use, while everything runs. "
        "With --drop: say whether a former key can be removed from the settings."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--drop",
            nargs=2,
            metavar=("RING", "NUMBER"),
            help=f"Check one key of {' or '.join(RINGS)}; changes nothing.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Rotate, or check whether a key can go. Raises CommandError if not."""
        if options["drop"]:
            self._check(*options["drop"])
            return
        key_rotation.note_keys_in_use()
        with progress.bar("Sealing anew", key_rotation.outdated()) as told:
            columns = key_rotation.seal_anew(lambda _count: told(1))
        unreadable = 0
        for column in columns:
            unreadable += column.unreadable
            self.stdout.write(f"{column.label}: {column.renewed} sealed anew")
        renewed = key_change.renew_kept(now=database_now())
        self.stdout.write(f"SCIM token digest: {renewed} renewed, the rest when used")
        signed = key_rotation.sign_anew()
        self.stdout.write(f"pruned audit logs: {signed} signed anew")
        if unreadable:
            raise CommandError(
                f"{unreadable} values cannot be read: their key is not in "
                "KEYWAY_ENCRYPTION_KEYS, or they are damaged. Put the key back and "
                "run this again."
            )

    def _check(self, ring: str, number: str) -> None:
        if ring not in RINGS or not number.isdecimal():
            raise CommandError(f"Say --drop {RINGS[0]} 1, or {RINGS[1]}.")
        try:
            reasons = key_rotation.reasons_to_keep(
                ring, int(number), now=database_now()
            )
        except LookupError as error:
            raise CommandError(str(error.args[0])) from None
        if reasons:
            raise CommandError(
                "\n".join([f"Keep key {number} of {ring}.", *reasons]), returncode=1
            )
        self.stdout.write(
            f"Nothing needs key {number} any more. Remove it from {ring} and restart "
            "every process."
        )
