"""**Reset second factors**: a way back in for who lost them all, and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from tests import factories
from tests.confirming import code_of, new_code, with_authenticator, with_recovery_codes
from tests.factories import PASSWORD
from tests.fakes.factors import Authenticator
from tests.workspaces.test_factors import add_passkey
from tests.workspaces.test_invitations import link
from tests.workspaces.test_passkey_sign_in import join
from workspaces import audit, factor_reset
from workspaces.clock import database_now
from workspaces.errors import FactorsElsewhereToo, OwnFactors, RankTooLow
from workspaces.factors import usable
from workspaces.management.commands.worker import Worker
from workspaces.models import (
    AuditEvent,
    AuthenticatorApp,
    Confirmation,
    Membership,
    Role,
    User,
    Workspace,
)
from workspaces.phones import enrolment


@pytest.fixture
def bobs(bob: User) -> Membership:
    Membership.objects.filter(user=bob).update(role=Role.ADMIN)
    return Membership.objects.select_related("user", "workspace").get(user=bob)


def reset(member: Membership, by: Membership) -> int:
    return factor_reset.reset(member, by=by, now=database_now())


def reset_in_portal(
    client: Client, member: Membership, app: AuthenticatorApp
) -> tuple[Any, Any]:
    """Confirm, read what is asked, and press the button."""
    path = f"/members/{member.pk}/second-factors/reset/"
    assert client.post(path, {"confirm_identity": "1"}).status_code == 200
    confirmation = Confirmation.objects.order_by("-id")[0]
    client.post(
        f"/confirmations/{confirmation.public_id}/code/",
        {"device": str(app.public_id), "code": new_code(app)},
    )
    return client.get(path), client.post(path)


def test_member_comes_back_with_the_password_and_a_new_factor(
    alice_client: Client, alice: User, bobs: Membership
) -> None:
    app, bob = with_authenticator(alice), bobs.user
    with_authenticator(bob)
    add_passkey(bob, Authenticator())
    with_recovery_codes(bob)
    Workspace.objects.update(require_two_steps=True)
    bobs_browser = Client()
    bobs_browser.force_login(bob)
    Workspace.objects.update(require_two_steps=False)

    asked, done = reset_in_portal(alice_client, bobs, app)

    assert b"They sign in with their password" in asked.content
    assert (done.status_code, done["Location"]) == (302, "/members/")
    assert usable(bob) == []
    assert bobs_browser.get("/security/")["Location"].startswith("/login/")
    Workspace.objects.update(require_two_steps=True)
    data = {"username": bob.email, "password": PASSWORD, "next": "/members/"}
    bobs_browser.post("/login/", data)
    led = bobs_browser.get("/members/")
    assert led["Location"].startswith("/security/")
    assert bobs_browser.get("/security/passkeys/new/").status_code == 200
    assert usable(alice) != []


def test_new_factor_confirms_nothing_for_a_day(
    alice: User, membership: Membership, bobs: Membership
) -> None:
    """STP-14: who talks an Owner into a reset has no reveal for it."""
    with_authenticator(bobs.user)
    reset(bobs, membership)

    with_authenticator(bobs.user)

    [factor] = usable(bobs.user)
    assert not factor.may_confirm


def test_it_is_recorded_and_told(membership: Membership, bobs: Membership) -> None:
    with_authenticator(bobs.user)
    carol = factories.MembershipFactory(
        workspace=membership.workspace, role=Role.SUPER_ADMIN
    ).user
    Worker(threads=1).drain()
    mail.outbox.clear()

    reset(bobs, membership)
    Worker(threads=1).drain()

    event = AuditEvent.objects.get(action=audit.Factors.RESET)
    assert (event.actor, event.target_label) == (membership.user, "Bob")
    assert event.data == {"had": 1}
    told = {tuple(message.recipients()): message for message in mail.outbox}
    assert told[(bobs.user.email,)].subject == "Alice reset your second factors"
    others = told[tuple(sorted([bobs.user.email, carol.email]))]
    assert others.subject == "Alice reset Bob's second factors"


def test_each_reset_asks_for_a_confirmation_of_its_own(
    alice_client: Client, alice: User, bobs: Membership
) -> None:
    """STP-02: one for another member, or one used already, opens nothing."""
    app = with_authenticator(alice)
    carol = factories.MembershipFactory(workspace=bobs.workspace, role=Role.ADMIN)
    with_authenticator(bobs.user)
    with_authenticator(carol.user)
    reset_in_portal(alice_client, bobs, app)
    paths = [f"/members/{m.pk}/second-factors/reset/" for m in (bobs, carol)]

    again = [alice_client.post(path).status_code for path in paths]

    assert again == [403, 403]
    assert usable(carol.user) != []


@pytest.mark.parametrize(
    ("by", "of", "may"),
    [
        (Role.OWNER, Role.OWNER, True),
        (Role.OWNER, Role.MEMBER, True),
        (Role.SUPER_ADMIN, Role.ADMIN, True),
        (Role.SUPER_ADMIN, Role.SUPER_ADMIN, False),
        (Role.SUPER_ADMIN, Role.OWNER, False),
        (Role.ADMIN, Role.AUDITOR, True),
        (Role.ADMIN, Role.ADMIN, False),
    ],
)
def test_rank_decides(workspace: Workspace, by: Role, of: Role, may: bool) -> None:
    asking = factories.MembershipFactory(workspace=workspace, role=by)
    member = factories.MembershipFactory(workspace=workspace, role=of)
    with_authenticator(member.user)

    if may:
        assert reset(member, asking) == 1
    else:
        with pytest.raises(RankTooLow):
            reset(member, asking)
        assert usable(member.user) != []


def test_own_factors_are_not_reset(membership: Membership) -> None:
    with_authenticator(membership.user)

    with pytest.raises(OwnFactors):
        reset(membership, membership)


@pytest.mark.parametrize("kind", ["elsewhere", "superuser"])
def test_factors_that_guard_something_else_too_stay(
    membership: Membership, bobs: Membership, other_workspace: Workspace, kind: str
) -> None:
    """TEN: an Owner here takes nothing from somebody's other workspace."""
    with_authenticator(bobs.user)
    if kind == "elsewhere":
        factories.MembershipFactory(workspace=other_workspace, user=bobs.user)
    else:
        User.objects.filter(pk=bobs.user.pk).update(is_superuser=True)

    with pytest.raises(FactorsElsewhereToo):
        reset(bobs, membership)

    assert usable(bobs.user) != []


def test_what_was_half_set_up_goes_too(
    membership: Membership, bobs: Membership
) -> None:
    """STP-14: a phone that a thief began to add is not added afterwards."""
    with_authenticator(bobs.user)
    begun, _ = enrolment.start(bobs.user, now=database_now())

    reset(bobs, membership)

    found = enrolment.begun(bobs.user, begun.public_id, now=database_now())
    assert found is None


def test_who_has_no_password_gets_a_link(
    client: Client, membership: Membership, bobs: Membership
) -> None:
    add_passkey(bobs.user, Authenticator())
    bobs.user.set_unusable_password()
    bobs.user.save()
    reset(bobs, membership)

    answer = join(client, link(), Authenticator())

    assert answer["Location"] == "/"
    assert client.get("/members/").status_code == 200


def test_menu_offers_it_where_there_is_something_to_reset(
    alice_client: Client, bobs: Membership
) -> None:
    before = alice_client.get("/members/").content.decode()
    with_authenticator(bobs.user)

    after = alice_client.get("/members/").content.decode()

    assert "Reset second factors" not in before
    assert after.count("Reset second factors") == 1
    assert f"/members/{bobs.pk}/second-factors/reset/" in after


class TestCommand:
    def test_last_owner_gets_back_in(
        self, client: Client, membership: Membership, capsys: Any
    ) -> None:
        alice = membership.user
        app = with_authenticator(alice)
        client.force_login(alice)

        call_command("reset_second_factor", "ALICE@acme.test")

        assert "1 second factors deleted" in capsys.readouterr().out
        assert usable(alice) == []
        assert client.get("/security/").status_code == 302
        event = AuditEvent.objects.get(action=audit.Factors.RESET)
        assert (event.actor, event.actor_label) == (None, "Keyway")
        assert event.workspace == membership.workspace
        Worker(threads=1).drain()
        subjects = [message.subject for message in mail.outbox]
        assert "Whoever runs Keyway reset your second factors" in subjects
        assert code_of(app) not in str(event.data)

    def test_somebody_without_a_workspace_is_recorded_too(self, db: None) -> None:
        user = factories.UserFactory(is_superuser=True)
        with_authenticator(user)

        call_command("reset_second_factor", user.email)

        event = AuditEvent.objects.get(action=audit.Factors.RESET)
        assert event.data == {"email": user.email, "had": 1}

    def test_unknown_address_is_said(self, db: None) -> None:
        with pytest.raises(CommandError, match="Nobody signs in with"):
            call_command("reset_second_factor", "nobody@acme.test")
