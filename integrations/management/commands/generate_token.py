"""Make a token and print its value, once."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from integrations.models import Integration
from tokens import services
from tokens.errors import LivesTooLong
from tokens.policy_models import TWO_YEARS
from workspaces.clock import database_now
from workspaces.models import Directory, Workspace


class Command(BaseCommand):
    """Finds the directory by the name that people know."""

    help = "Make a SCIM token and print its value. It is not shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--workspace", required=True, help="Slug of the workspace.")
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--integration", help="Name of the integration; the first one if left out."
        )
        which.add_argument(
            "--directory-sync",
            action="store_true",
            help="For the workspace's own members instead of an app.",
        )
        parser.add_argument("--name", default="IdP", help="What people call the token.")
        parser.add_argument(
            "--days",
            type=int,
            help="How many days it lives; as the token policy presets if left out.",
        )
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON object."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the value and where it opens what."""
        directory = _directory(options)
        lifetime = _lifetime(options["days"])
        try:
            with transaction.atomic():
                issued = services.issue(
                    directory,
                    name=options["name"],
                    actor=None,
                    lifetime=lifetime,
                    now=database_now(),
                )
                services.note_shown(issued.token, actor=None)
        except LivesTooLong as error:
            raise CommandError(str(error)) from None
        expires_at = issued.token.expires_at
        shown = {
            "token": issued.plaintext,
            "base_url": directory.base_url,
            "expires_at": expires_at.isoformat() if expires_at else None,
        }
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        self.stdout.write(f"SCIM Gateway URL  {shown['base_url']}")
        self.stdout.write(f"Token             {shown['token']}")
        self.stdout.write(f"Expires           {shown['expires_at']}")
        self.stderr.write("The token is displayed only once. Put it into your IdP now.")


def _lifetime(days: int | None) -> timedelta | None:
    if days is None:
        return None
    if not 1 <= days <= TWO_YEARS:
        raise CommandError(f"--days takes 1 to {TWO_YEARS}.")
    return timedelta(days=days)


def _directory(options: dict[str, Any]) -> Directory:
    workspace = Workspace.objects.filter(slug=options["workspace"]).first()
    if workspace is None:
        known = ", ".join(Workspace.objects.values_list("slug", flat=True)) or "none"
        raise CommandError(f"There is no such workspace. Known: {known}.")
    if options["directory_sync"]:
        return Directory.objects.select_related("workspace").get(
            workspace=workspace, kind=Directory.Kind.DIRECTORY_SYNC
        )
    integrations = Integration.objects.in_workspace(workspace).select_related(
        "directory__workspace"
    )
    if options["integration"]:
        integration = integrations.filter(name=options["integration"]).first()
    else:
        integration = integrations.order_by("id").first()
    if integration is None:
        known = ", ".join(integrations.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no such integration. Known: {known}.")
    return integration.directory
