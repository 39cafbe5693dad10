"""Confirm with a passkey: only its owner's, for this very confirmation, verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.confirming import Portal, sync_token
from tests.fakes.factors import Authenticator
from tests.portal.words import text_of
from tokens.models import ScimToken
from workspaces.clock import database_now
from workspaces.factors import passkeys
from workspaces.models import Confirmation, Passkey, Role, User, Workspace


def with_passkey(user: User, device: Authenticator) -> Passkey:
    """Set a passkey up as a person does."""
    now = database_now()
    ceremony = passkeys.begin_enrolment(user, now=now)
    answer = device.create(ceremony.options)
    return passkeys.complete_enrolment(
        user, ceremony.challenge_id, answer, name="Laptop", now=now
    )


@pytest.fixture
def issued(workspace: Workspace) -> tuple[ScimToken, str]:
    return sync_token(workspace)


@pytest.fixture
def device(alice: User, workspace: Workspace) -> Authenticator:
    made = Authenticator()
    with_passkey(alice, made)
    return made


@pytest.fixture
def portal(
    alice_client: Client, device: Authenticator, issued: tuple[ScimToken, str]
) -> Portal:
    return Portal(alice_client, issued[0])


def begin(portal: Portal) -> dict[str, Any]:
    """Ask what to sign for the latest confirmation."""
    path = f"/confirmations/{portal.latest().public_id}/passkey/begin/"
    answer = portal.client.post(path)
    assert answer.status_code == 200
    return answer.json()


def send(portal: Portal, credential: object) -> Any:
    return portal.client.post(
        f"/confirmations/{portal.latest().public_id}/passkey/",
        {"credential": json.dumps(credential)},
    )


def test_passkey_is_offered_first_and_confirms(
    portal: Portal, device: Authenticator, issued: tuple[ScimToken, str]
) -> None:
    """S0-79 S0-81."""
    content = portal.view().content.decode()
    assert "Use a passkey" in content
    assert "Try another way" not in content

    answer = send(portal, device.get(begin(portal)))

    assert answer.status_code == 302
    confirmation = portal.latest()
    assert (confirmation.state, confirmation.method) == ("approved", "passkey")
    assert issued[1] in portal.show(confirmation).content.decode()


WRONG: dict[str, Callable[[Authenticator], None]] = {
    "origin": lambda device: setattr(device, "origin", "https://evil.example"),
    "rp id": lambda device: setattr(device, "rp_id", "evil.example"),
    "no user verification": lambda device: setattr(device, "verifies", False),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_assertion_is_refused(
    portal: Portal, device: Authenticator, wrong: str
) -> None:
    """STP-13."""
    portal.view()
    options = begin(portal)
    WRONG[wrong](device)

    answer = send(portal, device.get(options))

    assert answer.status_code == 422
    assert "The passkey was not accepted." in text_of(answer)
    assert portal.latest().state == "pending"
    assert portal.latest().failures == 1


def test_challenge_serves_once(portal: Portal, device: Authenticator) -> None:
    """STP-13: neither the same answer nor the same challenge again."""
    portal.view()
    options = begin(portal)
    signed = device.get(options)
    assert send(portal, signed).status_code == 302
    portal.view()

    assert send(portal, signed).status_code == 422
    begin(portal)
    assert send(portal, device.get(options)).status_code == 422


def test_challenge_of_one_confirmation_serves_no_other(
    portal: Portal, device: Authenticator
) -> None:
    """STP-11 STP-13."""
    portal.view()
    signed = device.get(begin(portal))
    portal.view()

    assert send(portal, signed).status_code == 422
    assert not Confirmation.objects.filter(state="approved").exists()


def test_passkey_of_somebody_else_is_refused(
    portal: Portal, workspace: Workspace
) -> None:
    """STP-13."""
    admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    theirs = Authenticator()
    with_passkey(admin.user, theirs)
    portal.view()

    assert send(portal, theirs.get(begin(portal))).status_code == 422


def test_new_passkey_cannot_confirm(portal: Portal, alice: User) -> None:
    """STP-14: younger than a day, beside an older one."""
    new = Authenticator()
    with_passkey(alice, new)
    portal.view()

    assert send(portal, new.get(begin(portal))).status_code == 422
    assert portal.latest().state == "pending"


@pytest.mark.parametrize("credential", [None, {}, [], "x", {"id": "AAAA"}])
def test_nonsense_is_refused(portal: Portal, credential: object) -> None:
    portal.view()
    begin(portal)

    assert send(portal, credential).status_code == 422


def test_five_wrong_answers_deny(portal: Portal) -> None:
    """STP-06."""
    portal.view()
    for _ in range(4):
        assert send(portal, {}).status_code == 422

    assert send(portal, {}).status_code == 409
    assert portal.latest().state == "denied"
    begun = f"/confirmations/{portal.latest().public_id}/passkey/begin/"
    assert portal.client.post(begun).status_code == 409
