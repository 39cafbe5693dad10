"""Given to `manage.py shell` in a container: a workspace with the app behind it."""

from __future__ import annotations

import os

from integrations import services as integrations
from integrations.models import App
from workspaces import services as workspaces
from workspaces.clock import database_now
from workspaces.models import User

owner = User.objects.get()
workspace = workspaces.create_workspace(name="Acme", slug="acme", owner=owner)
app = App.objects.get(slug="demo-app")
account = integrations.add_service_account(
    workspace,
    app=app,
    name="svc-keyway",
    username="svc-keyway",
    secret=os.environ["APP_PASSWORD"],
    base_url=os.environ["APP_URL"],
    actor=owner,
    now=database_now(),
)
integrations.create(
    workspace,
    app=app,
    service_account=account,
    name="Demo app",
    base_url=os.environ["APP_URL"],
    actor=owner,
)
