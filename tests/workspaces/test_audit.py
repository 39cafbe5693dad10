"""The audit log: who, when, from where, what; with the change or not at all."""

from __future__ import annotations

import uuid
from datetime import timedelta
from enum import StrEnum

import pytest
from django.db import transaction
from django.test import Client

from integrations.models import Integration
from tests import factories
from tests.audit_log import as_its_owner
from tokens import services as token_services
from tokens.audit import Action
from workspaces import audit
from workspaces.clock import database_now
from workspaces.models import AuditEvent, User, Workspace


class Unknown(StrEnum):
    ACTION = "tests.thing.done"


def test_action_that_nobody_registered_is_refused(workspace: Workspace) -> None:
    with pytest.raises(audit.UnregisteredAction):
        audit.record(Unknown.ACTION, workspace=workspace, actor=None)

    assert not AuditEvent.objects.filter(action=Unknown.ACTION).exists()


def test_event_says_who_when_where_and_what(
    alice_client: Client, alice: User, integration: Integration
) -> None:
    with as_its_owner():
        AuditEvent.sealing.all().delete()

    alice_client.post(
        f"/tokens/{integration.directory.key}/generate/", REMOTE_ADDR="192.0.2.44"
    )

    event = AuditEvent.objects.get(action=Action.GENERATED)
    token = integration.directory.tokens.get()
    assert event.actor == alice
    assert event.actor_label == "Alice"
    assert event.workspace == integration.workspace
    assert (event.target_type, event.target_id) == ("scim_token", token.key)
    assert event.data == {"directory": integration.directory.key}
    assert event.address == "192.0.2.44"
    assert uuid.UUID(event.request_id)
    assert abs(database_now() - event.at) < timedelta(minutes=1)


def test_event_of_a_command_names_the_product(integration: Integration) -> None:
    factories.issue_token(integration.directory)

    event = AuditEvent.objects.filter(action=Action.GENERATED).get()

    assert (event.actor, event.actor_label) == (None, "Keyway")
    assert (event.address, event.request_id) == (None, "")


def test_change_that_is_undone_leaves_no_event(integration: Integration) -> None:
    before = AuditEvent.objects.count()

    with transaction.atomic():
        factories.issue_token(integration.directory)
        transaction.set_rollback(True)

    assert AuditEvent.objects.count() == before
    assert not integration.directory.tokens.exists()


def test_event_outlives_the_person(integration: Integration) -> None:
    person = factories.UserFactory(name="Gone")
    issued = factories.issue_token(integration.directory, actor=person)
    token_services.revoke(issued.token, actor=person, now=database_now())

    person.delete()

    event = AuditEvent.objects.filter(action=Action.REVOKED).get()
    assert (event.actor, event.actor_label) == (None, "Gone")


def test_long_label_is_cut_to_fit(workspace: Workspace) -> None:
    class Target:
        audit_target = ("thing", "1", "x" * 1000)

    event = audit.record(
        audit.SignIn.SIGNED_IN, workspace=workspace, actor=None, target=Target()
    )

    event.refresh_from_db()
    assert event.target_label == "x" * 254


def test_long_name_of_a_person_fits(workspace: Workspace) -> None:
    person = factories.UserFactory(name="n" * 150)

    event = audit.record(audit.SignIn.SIGNED_IN, workspace=workspace, actor=person)

    event.refresh_from_db()
    assert event.actor_label == "n" * 150


def test_origin_does_not_leak_into_what_comes_after(
    alice_client: Client, workspace: Workspace
) -> None:
    alice_client.get("/integrations/", REMOTE_ADDR="192.0.2.45")

    event = audit.record(audit.SignIn.SIGNED_OUT, workspace=workspace, actor=None)

    assert event.address is None
