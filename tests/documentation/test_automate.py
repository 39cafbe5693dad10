"""docs/howto/automate.md, typed into a shell from the first step to the last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from integrations.models import AppAccount, Integration
from tests import factories
from tests.conftest import ScimClient
from tests.documentation.pages import DOCS, Shell, blocks, require
from tests.integrations.conftest import outside, outside_process
from tests.integrations.outside import Outside
from workspaces.models import Workspace
from workspaces.permissions import Permission

__all__ = ["outside", "outside_process"]

SCOPES = (
    Permission.MANAGE_SERVICE_ACCOUNTS,
    Permission.MANAGE_INTEGRATIONS,
    Permission.MANAGE_TOKENS,
    Permission.SYNC,
    Permission.VIEW_ACTIVITY,
)


@pytest.fixture
def shell(
    workspace: Workspace, live_server: LiveServer, outside: Outside, tmp_path: Path
) -> Shell:
    """A shell with the token of the page, in which the demo app stands for Redmine."""
    require("curl", "jq")
    call_command("load_catalog", verbosity=0)
    token = factories.issue_api_token(workspace, scopes=SCOPES).plaintext
    (tmp_path / ".keyway").write_text(f'header = "Authorization: Bearer {token}"\n')
    (tmp_path / "password-file").write_text(f"{outside.password}\n")
    stand_for = {
        "https://keyway.example.com": live_server.url,
        "https://pm.example.com": outside.base_url,
        '"redmine"': '"demo-app"',
        '"svc"': '"svc-keyway"',
    }
    return Shell(tmp_path, stand_for, {})


@pytest.mark.django_db(transaction=True)
def test_every_step_of_the_page_does_what_it_says(shell: Shell) -> None:
    account, create, start_sync, see_job, generate, let_loose, rotate = blocks(
        DOCS / "howto/automate.md", "sh"
    )

    shell.run(account)
    shell.run(create)
    assert Integration.objects.get().observing_since is not None

    shell.run(start_sync)
    call_command("worker", "--until-idle")
    assert json.loads(shell.run(see_job)) == {"state": "completed", "error": ""}
    assert AppAccount.objects.exists()

    first = shell.run(generate).strip()
    integration = Integration.objects.get()
    assert ScimClient(integration.directory, first).get("/Users").status == 200

    shell.run(let_loose)
    assert Integration.objects.get().observing_since is None

    shell.run(rotate)
    second = json.loads((shell.folder / "new-token.json").read_text())["token"]
    for value in (first, second):
        assert ScimClient(integration.directory, value).get("/Users").status == 200
