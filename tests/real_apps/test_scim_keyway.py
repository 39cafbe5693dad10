"""One Keyway directory provisions into another: the app is Keyway's own SCIM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from pytest_django.live_server_helper import LiveServer

from integrations import services
from integrations.connectors.base import Session
from integrations.models import AppAccount, Integration, Provisioning
from integrations.outside import connections
from integrations.syncing import sync
from scim.simulation import Person, play
from tests import factories
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import Directory, Job, Workspace

pytestmark = [pytest.mark.real_app, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def app(
    live_server: LiveServer, settings: Any, other_workspace: Workspace
) -> Directory:
    """Another tenant's directory: the app."""
    settings.KEYWAY_PUBLIC_URL = live_server.url
    integration = factories.IntegrationFactory(
        workspace=other_workspace, name="Of the app"
    )
    return integration.directory


@pytest.fixture
def gateway(app: Directory, workspace: Workspace) -> Integration:
    """The integration that provisions into it, with an access token."""
    account = factories.ServiceAccountFactory(
        workspace=workspace,
        app=factories.AppFactory(slug="scim-app"),
        username="",
        secret=factories.issue_token(app).plaintext,
        base_url=app.base_url,
    )
    return factories.IntegrationFactory(
        workspace=workspace, service_account=account, base_url=app.base_url
    )


def work() -> None:
    Worker(threads=1).drain()


@contextmanager
def in_the_app(integration: Integration) -> Iterator[Session]:
    with connections.open_session(integration) as session:
        yield session


def play_idp(dialect: str, parts: list[str], person: Person, to: Directory) -> None:
    token = factories.issue_token(to).plaintext
    with httpx2.Client(headers={"Authorization": f"Bearer {token}"}) as client:

        def send(
            method: str, path: str, headers: dict[str, str], body: bytes | None
        ) -> tuple[int, bytes]:
            answer = client.request(
                method, to.base_url + path, headers=headers, content=body
            )
            return answer.status_code, answer.content

        for exchange in play(dialect, parts, person, send):
            assert exchange.is_as_expected, exchange


@pytest.mark.parametrize("dialect", ["okta", "entra"])
def test_a_person_joins_moves_and_leaves(dialect: str, gateway: Integration) -> None:
    person = Person(user_name=f"{dialect}.lee@example.com", group=f"Group of {dialect}")

    play_idp(dialect, ["joiner"], person, gateway.directory)
    work()
    row = gateway.provisionings.get(user_name=person.user_name)
    with in_the_app(gateway) as session:
        joined = session.find_account(person.user_name)
    assert row.state == Provisioning.State.ONBOARDED, row.last_error
    assert joined is not None
    assert (joined.given_name, joined.family_name) == ("Ann", "Lee")
    assert joined.active

    play_idp(dialect, ["joiner", "mover"], person, gateway.directory)
    work()
    play_idp(dialect, ["joiner", "leaver"], person, gateway.directory)
    work()
    with in_the_app(gateway) as session:
        left = session.get_account(joined.external_id)
    assert left is not None
    assert left.family_name == "Novak"
    assert not left.active


def test_sync_reads_people_and_groups_by_cursor(
    gateway: Integration, app: Directory
) -> None:
    person = Person(user_name="before.us@example.com", group="Readers")
    play_idp("okta", ["joiner"], person, app)

    services.request_sync(gateway, actor=None, now=database_now())
    work()

    job = Job.objects.get(kind=sync.JOB)
    assert job.state == Job.State.COMPLETED, job.error
    account = AppAccount.objects.get(integration=gateway)
    assert account.username == person.user_name
    assert [each.name for each in gateway.entitlements.all()] == ["Readers"]
