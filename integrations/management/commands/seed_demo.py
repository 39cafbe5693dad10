"""Make the demo: two workspaces with one integration each, and their owner."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from integrations import services as integrations
from integrations.models import App, Integration
from integrations.outside import origins
from workspaces import services as workspaces
from workspaces.clock import database_now
from workspaces.demo import make_demo_login
from workspaces.models import Job, User, Workspace
from workspaces.models.user import email_key


class Command(BaseCommand):
    """Leaves everything alone that is there already."""

    help = "Make the workspaces demo and acme, with the demo app behind each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--app-url", default="http://127.0.0.1:8001")

    @transaction.atomic
    def handle(self, *_args: Any, app_url: str, **_options: Any) -> None:
        """Make what is missing."""
        if not settings.DEVELOPMENT:
            raise CommandError("The demo is for development only.")
        login = make_demo_login()
        owner = User.objects.filter(email_key=email_key(login.email)).first()
        if owner is None:
            owner = User.objects.create_superuser(
                login.email, login.password, name="Dana Demo"
            )
        app = App.objects.filter(slug="demo-app").first()
        if app is None:
            raise CommandError("Load the catalog first: manage.py load_catalog")
        for slug, name in (("demo", "Demo"), ("acme", "Acme")):
            workspace = Workspace.objects.filter(slug=slug).first()
            if workspace is None:
                workspace = workspaces.create_workspace(
                    name=name, slug=slug, owner=owner
                )
            self._integration(workspace, app, app_url, login.service_password, owner)

    def _integration(
        self, workspace: Workspace, app: App, app_url: str, password: str, owner: User
    ) -> None:
        existing = Integration.objects.in_workspace(workspace).filter(app=app).first()
        if existing is not None:
            # The demo app moves with the port that `make run` was given.
            existing.base_url = app_url
            existing.save(update_fields=["base_url"])
            if existing.service_account is not None:
                origins.allow(existing.service_account, app_url, actor=owner)
            return
        account = integrations.add_service_account(
            workspace,
            app=app,
            name="svc-keyway",
            username="svc-keyway",
            secret=password,
            base_url=app_url,
            actor=owner,
            now=database_now(),
        )
        integration = integrations.create(
            workspace,
            app=app,
            service_account=account,
            name="Demo app",
            base_url=app_url,
            actor=owner,
        )
        integrations.request_sync(
            integration, actor=owner, trigger=Job.Trigger.COMMAND, now=database_now()
        )
