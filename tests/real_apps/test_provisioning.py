"""An IdP provisions into a product that no one here wrote, by its manifest alone.

Recorded conversations of Okta and Entra ID, and the published client scim2-cli,
over real HTTP into a live server; the worker; a real Flask-AppBuilder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pytest_django.live_server_helper import LiveServer

from integrations import services
from integrations.connectors.base import Session
from integrations.desired import DesiredAccount
from integrations.models import Integration, Provisioning
from integrations.outside import connections
from integrations.syncing import sync
from scim.simulation import Person, play
from tests import factories
from tests.real_apps.fixtures import OutsideApp
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import Job, Workspace

pytestmark = [pytest.mark.real_app, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def superset(flask_appbuilder: OutsideApp, workspace: Workspace) -> Integration:
    account = factories.ServiceAccountFactory(
        workspace=workspace,
        app=factories.AppFactory(slug="flask-appbuilder"),
        username=flask_appbuilder.username,
        secret=flask_appbuilder.password,
    )
    return factories.IntegrationFactory(
        workspace=workspace,
        service_account=account,
        base_url=flask_appbuilder.base_url,
    )


@pytest.fixture
def gateway(
    live_server: LiveServer, superset: Integration, settings: Any
) -> tuple[str, str]:
    settings.KEYWAY_PUBLIC_URL = live_server.url
    token = factories.issue_token(superset.directory).plaintext
    return superset.directory.base_url, token


def work() -> None:
    Worker(threads=1).drain()


def play_idp(
    dialect: str, parts: list[str], person: Person, gateway: tuple[str, str]
) -> None:
    url, token = gateway
    with httpx2.Client(headers={"Authorization": f"Bearer {token}"}) as client:

        def send(
            method: str, path: str, headers: dict[str, str], body: bytes | None
        ) -> tuple[int, bytes]:
            answer = client.request(method, url + path, headers=headers, content=body)
            return answer.status_code, answer.content

        for exchange in play(dialect, parts, person, send):
            assert exchange.is_as_expected, exchange


@contextmanager
def in_the_app(integration: Integration) -> Iterator[Session]:
    with connections.open_session(integration) as session:
        yield session


def state_of(user_name: str) -> str:
    return Provisioning.objects.get(user_name=user_name).state


@pytest.mark.parametrize("dialect", ["okta", "entra"])
def test_a_person_joins_moves_and_leaves(
    dialect: str, gateway: tuple[str, str], superset: Integration
) -> None:
    person = Person(user_name=f"{dialect}.lee@example.com", group=f"Group of {dialect}")

    play_idp(dialect, ["joiner"], person, gateway)
    work()
    with in_the_app(superset) as session:
        joined = session.find_account(person.user_name)
    assert joined is not None
    assert (joined.given_name, joined.family_name) == ("Ann", "Lee")
    assert joined.active
    assert state_of(person.user_name) == Provisioning.State.ONBOARDED

    play_idp(dialect, ["joiner", "mover"], person, gateway)
    work()
    with in_the_app(superset) as session:
        moved = session.get_account(joined.external_id)
    assert moved is not None
    assert moved.family_name == "Novak"

    play_idp(dialect, ["joiner", "leaver"], person, gateway)
    work()
    with in_the_app(superset) as session:
        left = session.get_account(joined.external_id)
    assert left is not None
    assert not left.active


def test_sync_lists_the_apps_people_to_the_idp(
    gateway: tuple[str, str], superset: Integration
) -> None:
    with in_the_app(superset) as session:
        before_us = session.create_account(
            DesiredAccount(
                username="before.us@example.com",
                external_ref="x",
                email="before.us@example.com",
                given_name="Before",
                family_name="Us",
            )
        )
    services.request_sync(superset, actor=None, now=database_now())
    work()

    job = Job.objects.get(kind=sync.JOB)
    assert job.state == Job.State.COMPLETED, job.error
    url, token = gateway
    answer = httpx2.get(
        f"{url}/Users",
        params={"filter": f'userName eq "{before_us.username}"'},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.json()["totalResults"] == 1


def test_the_published_client_provisions(
    gateway: tuple[str, str], superset: Integration, tmp_path: Path
) -> None:
    cli = scim2_cli(gateway)

    created = cli(
        "create",
        "user",
        sent={
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "cli@example.com",
            "name": {"givenName": "Cli", "familyName": "User"},
            "emails": [{"value": "cli@example.com", "primary": True}],
        },
    )
    work()
    with in_the_app(superset) as session:
        assert session.find_account("cli@example.com") is not None

    found = cli("query", "user", "--filter", 'userName eq "CLI@example.com"')
    assert found["totalResults"] == 1

    cli("modify", "user", created["id"], "replace", "active", "false")
    work()
    with in_the_app(superset) as session:
        deactivated = session.find_account("cli@example.com")
    assert deactivated is not None
    assert not deactivated.active

    cli("delete", "user", created["id"])
    work()
    with in_the_app(superset) as session:
        assert session.find_account("cli@example.com") is None
    assert state_of("cli@example.com") == Provisioning.State.DELETED


def scim2_cli(gateway: tuple[str, str]) -> Callable[..., dict[str, Any]]:
    url, token = gateway
    program = Path(sys.executable).with_name("scim2")

    def run(*arguments: str, sent: object = None) -> dict[str, Any]:
        done = subprocess.run(
            [str(program), "--url", url, *arguments],
            env=os.environ | {"SCIM_CLI_HEADERS": f"Authorization: Bearer {token}"},
            input=json.dumps(sent) if sent else "",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}

    return run
