"""Tokens that were made for a member stop with the membership."""

from __future__ import annotations

import re
import smtplib
from html import unescape

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client

from tests import factories
from tests.conftest import ScimClient
from tokens import owner_notices, services
from tokens.audit import Action
from tokens.models import ScimToken
from tokens.services import IssuedToken
from tokens.state import TokenState
from workspaces import belongings, members
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import (
    AuditEvent,
    Directory,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)


def words(answer: object) -> str:
    content: str = answer.content.decode()  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", content)))


@pytest.fixture
def admin(workspace: Workspace, bob: User) -> Membership:
    found = Membership.objects.get(workspace=workspace, user=bob)
    found.role = Role.ADMIN
    found.save()
    return found


@pytest.fixture
def owned(directory: Directory, admin: Membership) -> IssuedToken:
    return factories.issue_token(directory, name="okta-prod", owner=admin)


@pytest.fixture
def idp(directory: Directory, owned: IssuedToken) -> ScimClient:
    return ScimClient(directory, owned.plaintext)


def state_of(issued: IssuedToken) -> TokenState:
    return ScimToken.objects.get(pk=issued.token.pk).state(database_now())


class TestEnd:
    def test_s0_106_membership_that_ends_stops_the_token_at_once(
        self,
        idp: ScimClient,
        owned: IssuedToken,
        admin: Membership,
        membership: Membership,
    ) -> None:
        assert idp.get("/Users").status == 200

        members.remove(admin, by=membership)

        assert idp.get("/Users").status == 401
        assert state_of(owned) == TokenState.OWNER_INACTIVE
        assert not ScimToken.objects.live(database_now()).exists()

    def test_s0_106_lower_role_stops_it_and_the_former_one_brings_it_back(
        self,
        idp: ScimClient,
        owned: IssuedToken,
        admin: Membership,
        membership: Membership,
    ) -> None:
        members.change_role(admin, role=Role.AUDITOR, by=membership)
        assert idp.get("/Users").status == 401
        assert state_of(owned) == TokenState.OWNER_INACTIVE

        members.change_role(admin, role=Role.ADMIN, by=membership)

        assert idp.get("/Users").status == 200

    @pytest.mark.parametrize("role", [Role.SUPER_ADMIN, Role.OWNER])
    def test_role_that_may_manage_tokens_keeps_it(
        self, idp: ScimClient, admin: Membership, membership: Membership, role: Role
    ) -> None:
        members.change_role(admin, role=role, by=membership)

        assert idp.get("/Users").status == 200
        assert not AuditEvent.objects.filter(action=Action.OWNER_ENDED).exists()

    def test_person_who_joins_again_does_not_bring_it_back(
        self,
        idp: ScimClient,
        admin: Membership,
        membership: Membership,
        workspace: Workspace,
        bob: User,
    ) -> None:
        members.remove(admin, by=membership)

        factories.MembershipFactory(workspace=workspace, user=bob, role=Role.OWNER)

        assert idp.get("/Users").status == 401

    def test_account_that_is_deleted_stops_it_too(
        self, idp: ScimClient, owned: IssuedToken, bob: User
    ) -> None:
        """Whatever ends a membership: the name that is left says it had an owner."""
        bob.delete()

        assert idp.get("/Users").status == 401
        assert state_of(owned) == TokenState.OWNER_INACTIVE

    def test_owner_without_a_name_is_refused_by_the_database(
        self, owned: IssuedToken
    ) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            ScimToken.objects.update(owner_label="")

    def test_token_of_the_workspace_goes_on(
        self,
        scim: ScimClient,
        owned: IssuedToken,
        admin: Membership,
        membership: Membership,
    ) -> None:
        members.remove(admin, by=membership)

        assert scim.get("/Users").status == 200

    def test_s0_129_it_is_written_down_once_for_each_token(
        self,
        owned: IssuedToken,
        directory: Directory,
        admin: Membership,
        membership: Membership,
        alice: User,
    ) -> None:
        dead = factories.issue_token(directory, owner=admin)
        services.revoke(dead.token, actor=None, now=database_now())

        members.remove(admin, by=membership)

        event = AuditEvent.objects.get(action=Action.OWNER_ENDED)
        assert (event.actor, event.target_id) == (alice, owned.token.key)
        assert event.data == {"directory": directory.key, "owner": "Bob"}

    def test_successor_is_the_workspaces(
        self,
        directory: Directory,
        owned: IssuedToken,
        admin: Membership,
        membership: Membership,
        alice: User,
    ) -> None:
        new = services.rotate(
            directory,
            owned.token,
            overlap=services.Overlap.DAY,
            actor=alice,
            now=database_now(),
        )

        members.remove(admin, by=membership)

        assert ScimClient(directory, new.plaintext).get("/Users").status == 200


class TestHandOver:
    def test_token_becomes_the_workspaces_and_outlives_the_membership(
        self,
        idp: ScimClient,
        owned: IssuedToken,
        admin: Membership,
        membership: Membership,
    ) -> None:
        belongings.release(admin, None, hands_over=True)
        members.remove(admin, by=membership)

        assert idp.get("/Users").status == 200
        assert state_of(owned) == TokenState.ACTIVE
        assert not AuditEvent.objects.filter(action=Action.OWNER_ENDED).exists()
        event = AuditEvent.objects.get(action=Action.HANDED_OVER)
        assert event.target_id == owned.token.key
        assert event.data["former_owner"] == "Bob"

    def test_token_that_is_replaced_works_out_its_overlap(
        self,
        idp: ScimClient,
        owned: IssuedToken,
        directory: Directory,
        admin: Membership,
    ) -> None:
        services.rotate(
            directory,
            owned.token,
            overlap=services.Overlap.DAY,
            actor=None,
            now=database_now(),
        )

        belongings.release(admin, None, hands_over=True)

        assert idp.get("/Users").status == 200
        assert ScimToken.objects.live(database_now()).filter(pk=owned.token.pk).exists()

    def test_role_that_may_manage_tokens_hands_nothing_over(
        self, owned: IssuedToken, admin: Membership
    ) -> None:
        belongings.release(admin, Role.SUPER_ADMIN, hands_over=True)

        assert ScimToken.objects.get(pk=owned.token.pk).owner == admin

    @pytest.mark.parametrize(
        ("hands_over", "status"), [(True, 200), (False, 401)], ids=["on", "stop"]
    )
    def test_mail_server_that_is_down_does_not_undo_it(
        self,
        idp: ScimClient,
        owned: IssuedToken,
        admin: Membership,
        monkeypatch: pytest.MonkeyPatch,
        hands_over: bool,
        status: int,
    ) -> None:
        def refuse(_message: mail.EmailMessage) -> int:
            raise smtplib.SMTPConnectError(421, "down")

        monkeypatch.setattr(mail.EmailMessage, "send", refuse)
        belongings.release(admin, None, hands_over=hands_over)
        Membership.objects.filter(pk=admin.pk).update(is_active=False)

        Worker(threads=1).drain()

        job = Job.objects.get(kind=owner_notices.JOB)
        assert job.state == Job.State.RETRYING
        assert idp.get("/Users").status == status


class TestPages:
    def test_s0_106_end_of_a_membership_names_what_stops_and_how_to_replace_it(
        self,
        alice_client: Client,
        directory: Directory,
        owned: IssuedToken,
        idp: ScimClient,
        admin: Membership,
    ) -> None:
        idp.add_user()
        page = f"/members/{admin.pk}/remove/"

        asked = alice_client.get(page)
        told = words(asked)
        done = alice_client.post(page, follow=True)

        assert "These tokens stop working at once. Replace them first." in told
        assert f"{owned.token} of Acme Demo" in told
        assert "can no longer provision 1 users." in told
        assert (
            f'href="/tokens/{directory.key}/{owned.token.key}/new/"'
            in asked.content.decode()
        )
        assert "Bob is no member any more." in words(done)
        assert idp.get("/Users").status == 401

    def test_s0_106_change_of_role_names_them_too(
        self, alice_client: Client, owned: IssuedToken, admin: Membership
    ) -> None:
        told = words(alice_client.get(f"/members/{admin.pk}/role/"))

        assert "these tokens of theirs stop working at once" in told
        assert str(owned.token) in told

    def test_member_without_tokens_is_told_nothing(
        self, alice_client: Client, admin: Membership
    ) -> None:
        for part in ("remove", "role"):
            told = words(alice_client.get(f"/members/{admin.pk}/{part}/"))
            assert "stop working" not in told

    def test_token_that_is_replaced_already_offers_no_replacement(
        self,
        alice_client: Client,
        alice: User,
        directory: Directory,
        owned: IssuedToken,
        admin: Membership,
    ) -> None:
        services.rotate(
            directory,
            owned.token,
            overlap=services.Overlap.DAY,
            actor=alice,
            now=database_now(),
        )

        told = words(alice_client.get(f"/members/{admin.pk}/remove/"))

        assert "It is replaced already" in told
        assert "Generate new token" not in told

    def test_token_of_directory_sync_is_named_without_a_link(
        self, alice_client: Client, workspace: Workspace, admin: Membership
    ) -> None:
        directory = Directory.objects.get(
            workspace=workspace, kind=Directory.Kind.DIRECTORY_SYNC
        )
        token = factories.issue_token(directory, owner=admin).token

        told = words(alice_client.get(f"/members/{admin.pk}/remove/"))

        assert str(token) in told

    def test_s0_127_list_says_whose_a_token_is(
        self,
        alice_client: Client,
        directory: Directory,
        owned: IssuedToken,
        admin: Membership,
        membership: Membership,
    ) -> None:
        page = f"/integrations/{directory.key}/settings/connected-services/"

        before = words(alice_client.get(page))
        members.remove(admin, by=membership)
        after = words(alice_client.get(page))

        assert "for Bob" in before
        assert "for Bob" in after
        assert "Owner inactive" in after

    def test_s0_107_list_warns_of_a_token_that_hangs_on_a_person(
        self, alice_client: Client, directory: Directory, admin: Membership
    ) -> None:
        page = f"/integrations/{directory.key}/settings/connected-services/"
        warning = "stops when that person is deactivated or leaves: Bob."
        factories.issue_token(directory)
        before = words(alice_client.get(page))

        factories.issue_token(directory, owner=admin)

        assert warning not in before
        assert warning in words(alice_client.get(page))
