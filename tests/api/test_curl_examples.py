"""The examples of the reference work as they stand, typed into a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from integrations.models import AppAccount, Integration
from tests import factories
from tests.routes import unmatched_in
from tokens.oauth import clients
from workspaces.clock import database_now
from workspaces.models import Directory, User

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/api.md"
SERVER = "https://keyway.example.com"


def curl() -> str:
    """Return where curl is; skip, or fail where nothing may be skipped."""
    found = shutil.which("curl")
    if found is None:
        problem = "curl is not installed: apt-get install curl"
        if os.environ.get("KEYWAY_NO_SKIP"):
            pytest.fail(problem)
        pytest.skip(problem)
    return found


@pytest.mark.django_db(transaction=True)
def test_every_curl_example_of_the_reference_runs(
    alice: User, integration: Integration, live_server: LiveServer, tmp_path: Path
) -> None:
    folder = Path(curl()).parent
    workspace = integration.workspace
    member = factories.MembershipFactory(workspace=workspace)
    own = workspace.directories.get(kind=Directory.Kind.DIRECTORY_SYNC)
    membership = workspace.memberships.get(user=alice)
    # The ids of the page are examples; these are what they stand for here.
    stand_for = {
        "/org/1/user/7": f"/org/{workspace.pk}/user/{alice.pk}",
        '"orgMembershipId": 12': f'"orgMembershipId": {membership.pk}',
        "/scimTokens/3": f"/scimTokens/{factories.issue_token(own).token.pk}",
        "/members/12": f"/members/{member.pk}",
        SERVER: live_server.url,
    }
    examples = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    script = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }\n'
    script += "".join(examples)
    for text, instead in stand_for.items():
        assert text in script
        script = script.replace(text, instead)
    assert integration.service_account is not None
    issued = clients.add_with_secret(
        integration.directory, name="entra", actor=alice, now=database_now()
    )

    done = subprocess.run(
        ["/bin/sh", "-eux"],
        input=script,
        cwd=tmp_path,
        env={
            "HOME": str(tmp_path),
            "PATH": f"{folder}:/usr/bin:/bin",
            "KEYWAY_API_TOKEN": factories.issue_api_token(workspace).plaintext,
            "NEW_PASSWORD": "correct-horse",
            "ACCOUNT": str(integration.service_account.public_id),
            "KEY": integration.directory.key,
            "CLIENT": issued.secret.client.key,
            "USER_ID": str(unmatched_in(integration).resource_id_public),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout[-500:]}{done.stderr[-500:]}"
    assert script.count("curl --config") >= 20
    assert not workspace.memberships.filter(pk=member.pk).exists()
    assert AppAccount.objects.get().exempted_at is None
