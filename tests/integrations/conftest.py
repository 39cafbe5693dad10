"""The demo app as the outside app of an integration, and a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from integrations.models import Integration
from tests import factories
from tests.integrations.outside import USERNAME, Outside
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import Job, Lane, Workspace


@pytest.fixture(scope="session")
def outside_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    app = Outside(tmp_path_factory.mktemp("outside"), password="pass-of-outside-1")
    yield app
    app.stop()


@pytest.fixture
def outside(outside_process: Outside) -> Outside:
    """The demo app with its seeds, and nothing asked of it yet."""
    outside_process.reset()
    return outside_process


@pytest.fixture
def connected(workspace: Workspace, outside: Outside) -> Integration:
    """An integration with the demo app that runs."""
    account = factories.ServiceAccountFactory(
        workspace=workspace,
        username=USERNAME,
        secret=outside.password,
    )
    return factories.IntegrationFactory(
        workspace=workspace,
        service_account=account,
        base_url=outside.base_url,
        name="Acme Demo",
    )


@pytest.fixture
def work() -> Callable[..., None]:
    """Let a worker do what is due; with `waiting`, also what waits for a retry."""

    def run(*, waiting: bool = False) -> None:
        if waiting:
            Job.objects.filter(state__in=Job.WAITING).update(due_at=database_now())
            Lane.objects.exclude(closed_until=None).update(closed_until=database_now())
        Worker(threads=1).drain()

    return run
