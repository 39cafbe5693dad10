"""Confirm with the app: the IdP's request waits for what the app says, within bounds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from integrations.models import Integration, Provisioning
from integrations.provisioning import confirming
from tests.conftest import ScimClient
from tests.integrations.outside import Outside
from workspaces.management.commands.worker import Worker
from workspaces.models import Job

pytestmark = pytest.mark.django_db(transaction=True)
ANN = "ann@acme.test"


@pytest.fixture
def integration(connected: Integration) -> Integration:
    connected.directory.confirms_with_app = True
    connected.directory.save()
    return connected


@pytest.fixture
def worker() -> Iterator[None]:
    one = Worker(threads=1)

    def run() -> None:
        one.run()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    one.stopping.set()
    thread.join()


@pytest.fixture(autouse=True)
def places() -> Iterator[None]:
    """Let each test read its own limit."""
    confirming._places.cache_clear()
    yield
    confirming._places.cache_clear()


def test_answer_comes_once_the_app_has_it(
    integration: Integration, scim: ScimClient, outside: Outside, worker: None
) -> None:
    user = scim.add_user(ANN)
    assert ANN in outside.users()

    change = {"op": "replace", "value": {"displayName": "Ann Novak"}}
    assert scim.patch(f"/Users/{user['id']}", change).status == 200
    assert outside.user(ANN)["display_name"] == "Ann Novak"

    assert scim.delete(f"/Users/{user['id']}").status == 204
    assert ANN not in outside.users()


def test_refusal_of_the_app_is_a_scim_error_in_its_words(
    integration: Integration, scim: ScimClient, outside: Outside, worker: None
) -> None:
    answer = scim.post("/Users", {"userName": "x" * 300, "active": True})

    assert answer.status == 400
    assert answer.body["status"] == "400"
    assert "at most 255 characters" in answer.body["detail"]
    assert Provisioning.objects.get().state == "provisioning_failed"


def test_who_waits_too_long_is_answered_as_usual(
    integration: Integration, scim: ScimClient, settings: Any
) -> None:
    settings.KEYWAY_CONFIRM_SECONDS = 0.3
    begun = time.monotonic()

    scim.add_user(ANN)

    assert 0.3 <= time.monotonic() - begun < 5
    job = Job.objects.get(subject=Provisioning.objects.get().resource_id_public)
    assert (job.state, job.priority) == (Job.State.QUEUED, Job.Priority.PERSON)


def test_no_more_wait_than_may(
    integration: Integration, scim: ScimClient, settings: Any
) -> None:
    """The other threads of a web process are there for others."""
    settings.KEYWAY_CONFIRM_AT_ONCE = 0
    begun = time.monotonic()

    scim.add_user(ANN)

    assert time.monotonic() - begun < 5


def test_nobody_waits_while_the_integration_is_paused(
    integration: Integration, scim: ScimClient
) -> None:
    integration.paused_at = integration.created_at
    integration.save()
    begun = time.monotonic()

    scim.add_user(ANN)

    assert time.monotonic() - begun < 5
