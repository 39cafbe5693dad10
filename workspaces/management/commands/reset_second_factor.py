"""Let somebody in again who lost every second factor."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workspaces import factor_reset
from workspaces.clock import database_now
from workspaces.models import User
from workspaces.models.user import email_key


class Command(BaseCommand):
    """For the last Owner and for superusers, whom nobody in the portal can reset."""

    help = (
        "Delete all second factors of a person and end their sessions. They set up a new "
        "factor after their next sign-in. It is in the audit log, and mailed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("email", help="The address that the person signs in with.")

    def handle(self, *_args: Any, email: str, **_options: Any) -> None:
        """Reset them, or say why not."""
        user = User.objects.filter(email_key=email_key(email)).first()
        if user is None:
            raise CommandError(f"Nobody signs in with the address {email}.")
        count = factor_reset.reset_by_operator(user, now=database_now())
        self.stdout.write(
            f"{user.email}: {count} second factors deleted, all sessions ended."
        )
