"""End a token for good."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tokens import credential, services
from tokens.errors import TokenNotActive
from tokens.models import ScimToken
from workspaces.clock import database_now


class Command(BaseCommand):
    """Revokes by key, so that the value is never needed on a command line."""

    help = "Revoke a SCIM token. It stops working with the next request."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "key", help="The 12 characters after kwg_ or kwd_, or the hint with them."
        )

    def handle(self, *_args: Any, key: str, **_options: Any) -> None:
        """Revoke it, or say why not."""
        wanted = key.rpartition("_")[2][: credential.KEY_LENGTH]
        token = ScimToken.objects.filter(key=wanted).first()
        if token is None:
            raise CommandError("There is no token with this key.")
        try:
            services.revoke(token, actor=None, now=database_now())
        except TokenNotActive as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{token} is revoked.")
