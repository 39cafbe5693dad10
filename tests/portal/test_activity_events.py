"""E0-18: the events of Activity by their exact names, their filters, the export."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.test import Client

from integrations import service_accounts
from integrations.models import Integration, Provisioning
from integrations.provisioning import wanted
from integrations.reports import events
from tests.conftest import ScimClient
from tests.integrations.conftest import connected, outside, outside_process, work
from tests.integrations.outside import Outside
from tests.portal.words import read
from workspaces.clock import database_now
from workspaces.models import Job, User

__all__ = ["connected", "outside", "outside_process", "work"]

Work = Callable[..., None]
ANN = "ann.lee@acme.test"


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


def test_e0_18_names_are_those_of_the_seeds() -> None:
    people = [
        f"User {words}"
        for noun, done in (
            ("invite", "invited"),
            ("update", "updated"),
            ("removal", "removed"),
        )
        for words in (
            f"{noun} requested",
            f"{noun} in progress",
            done,
            f"{noun} failed",
        )
    ]
    account = [f"Service account {word}" for word in ("created", "updated", "removed")]
    rest = ["SCIM integration connected", "Health check triggered", "Health validated"]

    assert {e.name for e in events.EVENTS} == {
        *(account + people + rest),
        "Health check failed",
        "Connection silent",
        "Connection heard again",
        "Token used from a new place",
    }


def listed(client: Client, event: str) -> str:
    return read(client, f"/activity/?event={event}")


def exported(client: Client) -> set[tuple[str, str]]:
    """Return (event, object) of every line that has an event."""
    text = b"".join(client.get("/activity/export/")).decode()
    rows = csv.DictReader(io.StringIO(text))
    return {(row["Event"], row["Object"]) for row in rows if row["Event"]}


def test_e0_18_person_is_invited_updated_and_removed(
    alice_client: Client, scim: ScimClient, work: Work, outside: Outside
) -> None:
    user = scim.add_user(ANN)
    asked = listed(alice_client, "user-invite-requested")
    work()
    scim.patch(f"/Users/{user['id']}", {"op": "add", "value": {"displayName": "Ann"}})
    work()
    outside.fault("error", path="/api/users")
    scim.request("DELETE", f"/Users/{user['id']}")
    work()
    trying = listed(alice_client, "user-removal-in-progress")
    outside.fault("none")
    work(waiting=True)

    assert f"User invite requested: {ANN}" in asked
    assert f"User removal in progress: {ANN}" in trying
    assert {
        ("User invited", ANN),
        ("User updated", ANN),
        ("User removed", ANN),
        ("SCIM integration connected", "Acme Demo"),
    } <= exported(alice_client)
    assert (
        "User updated" not in listed(alice_client, "user-removed").partition("Apply")[2]
    )


def test_e0_18_failed_invite_is_named(
    alice_client: Client, integration: Integration, scim: ScimClient, work: Work
) -> None:
    scim.add_user(integration.service_account.username)

    work()

    assert Provisioning.objects.get().state == Provisioning.State.PROVISIONING_FAILED
    assert "User invite failed: svc-keyway" in read(alice_client, "/activity/")


def test_e0_18_health_check_is_triggered_and_validated(
    alice_client: Client, integration: Integration, alice: User, work: Work
) -> None:
    account = integration.service_account
    service_accounts.request_check(account, actor=alice, now=database_now())
    triggered = listed(alice_client, "health-check-triggered")

    work()

    assert f"Health check triggered: {account.name}" in triggered
    assert f"Health validated: {account.name}" in listed(
        alice_client, "health-validated"
    )
    assert ("Health validated", account.name) in exported(alice_client)


def test_job_of_before_events_had_names_is_told_in_a_sentence(
    alice_client: Client, scim: ScimClient, work: Work
) -> None:
    scim.add_user(ANN)
    work()
    Job.objects.filter(kind=wanted.JOB).update(progress={})

    assert f"Keyway provisioned {ANN}" in read(alice_client, "/activity/")
