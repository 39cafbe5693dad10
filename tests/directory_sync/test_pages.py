"""**Workspace Configuration**: IDP Settings and SCIM Users Provisioning."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from integrations.models import Integration
from scim import records
from tests import factories
from tests.confirming import confirm
from tests.conftest import ScimClient, scim_client
from tests.directory_sync.conftest import member
from tests.portal.words import read, text_of
from tests.scim.together import together
from tokens.audit import Action
from tokens.models import ScimToken
from workspaces import audit, directory_sync
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    Directory,
    DirectorySync,
    EmailDomain,
    Membership,
    Role,
    Team,
    User,
    Workspace,
)

IDP = "/settings/idp/"
PAGE = "/settings/scim-users-provisioning/"
REFRESH = f"{PAGE}refresh/"
TOKEN = re.compile(r"kwd_[A-Za-z0-9]{40,}")


def value_of(answer: HttpResponse) -> str:
    found = TOKEN.search(answer.content.decode())
    assert found, answer
    return found[0]


def status(directory: Directory, value: str) -> int:
    return ScimClient(directory, value).get("/Users").status


def cover(client: Client, typed: str = "acme.test") -> str:
    return value_of(client.post(PAGE, {"domains": typed}))


@pytest.fixture(autouse=True)
def no_record_is_left() -> None:
    # What other tests left to be written belongs to directories that are gone.
    records._waiting.clear()


@pytest.fixture
def directory(workspace: Workspace) -> Directory:
    return directory_sync.directory_of(workspace)


class TestIdpSettings:
    def test_settings_open_workspace_configuration(self, alice_client: Client) -> None:
        """S0-74."""
        menu = alice_client.get("/dashboard/").content.decode()
        assert 'href="/settings/"' in menu

        answer = alice_client.get("/settings/", follow=True)

        assert answer.redirect_chain == [(IDP, 302)]
        assert "Workspace Configuration IDP Settings SCIM Users" in text_of(answer)

    def test_shows_the_idp_the_address_and_the_token(
        self, alice_client: Client, idp: ScimClient
    ) -> None:
        """S0-75 and S0-87."""
        idp.request(
            "GET", "/Users", user_agent="okta-saasure/1 (Okta SCIM Client 1.0.0)"
        )
        records.flush()

        page = alice_client.get(IDP)

        text = text_of(page)
        assert "Directory Sync" in text
        assert "GET /Users answered with 200" in text
        assert idp.directory.base_url in page.content.decode()
        assert ScimToken.objects.get().hint in text
        assert idp.token not in page.content.decode()

    def test_gateway_of_an_integration_does_not_count(
        self, alice_client: Client, sync: DirectorySync, integration: Integration
    ) -> None:
        scim_client(integration.directory).get("/Users")
        records.flush()

        assert "0 requests, 0 refused" in read(alice_client, IDP)

    def test_rules_are_saved_and_recorded(
        self, alice_client: Client, sync: DirectorySync
    ) -> None:
        form = {"default_role": "auditor", "adopts": "on", "owned_tokens": "stop"}

        assert alice_client.post(IDP, form).status_code == 302

        sync.refresh_from_db()
        assert (sync.default_role, sync.adopts, sync.allows_unproven) == (
            Role.AUDITOR,
            True,
            False,
        )
        event = AuditEvent.objects.get(action=audit.Sync.RULES_CHANGED)
        assert event.data == {"default_role": "auditor", "adopts": True}

    def test_tokens_of_a_deactivated_member_are_a_rule(
        self, alice_client: Client, sync: DirectorySync
    ) -> None:
        """They stop until somebody chooses otherwise, which is recorded."""
        told = read(alice_client, IDP)
        assert "Tokens of a deactivated member" in told
        assert "Stopping cuts off the connections that use them." in told
        assert not sync.hands_over
        form = {"default_role": "member", "owned_tokens": "hand_over"}

        assert alice_client.post(IDP, form).status_code == 302

        sync.refresh_from_db()
        assert sync.hands_over
        event = AuditEvent.objects.get(action=audit.Sync.RULES_CHANGED)
        assert event.data == {"owned_tokens": "hand_over"}

    @pytest.mark.parametrize("typed", [{}, {"owned_tokens": "keep"}])
    def test_rule_about_tokens_is_one_of_two(
        self, alice_client: Client, sync: DirectorySync, typed: dict[str, str]
    ) -> None:
        answer = alice_client.post(IDP, {"default_role": "member", **typed})

        assert answer.status_code == 422
        assert not AuditEvent.objects.filter(action=audit.Sync.RULES_CHANGED).exists()

    def test_nobody_becomes_an_owner_by_rule(
        self, alice_client: Client, sync: DirectorySync
    ) -> None:
        answer = alice_client.post(IDP, {"default_role": "owner"})

        assert answer.status_code == 422
        assert "Choose one of the roles." in text_of(answer)

    def test_token_is_replaced_with_an_overlap(
        self, alice_client: Client, alice: User, idp: ScimClient, own: Directory
    ) -> None:
        """E0-24: without anybody's help."""
        old = ScimToken.objects.get()
        path = f"/tokens/{own.key}/{old.key}/new/"
        assert path in alice_client.get(IDP).content.decode()
        confirm(alice_client, alice, path)

        fresh = value_of(alice_client.post(path, {"overlap": "24h"}))

        assert (status(own, idp.token), status(own, fresh)) == (200, 200)

    def test_only_an_owner_finds_the_reveal_rule(
        self,
        alice_client: Client,
        workspace: Workspace,
        idp: ScimClient,
        own: Directory,
    ) -> None:
        admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
        admin_client = Client()
        admin_client.force_login(admin.user)
        path = f"/tokens/{own.key}/reveal-rule/"

        assert path in alice_client.get(IDP).content.decode()
        assert path not in admin_client.get(IDP).content.decode()
        assert alice_client.get(path).status_code == 200

    def test_team_gives_a_role(self, alice_client: Client, idp: ScimClient) -> None:
        ann = idp.add_user("ann@acme.test")["id"]
        idp.add_group("Engineering", ann)
        team = Team.objects.get()
        path = f"{IDP}teams/{team.public_id}/role/"
        assert path in alice_client.get(IDP).content.decode()

        answer = alice_client.post(path, {"role": "admin"}, follow=True)

        assert "1 member has another role now." in text_of(answer)
        assert "Admin by team Engineering" in read(alice_client, "/members/")

    def test_team_of_another_workspace_is_not_found(
        self, alice_client: Client, other_workspace: Workspace
    ) -> None:
        team = Team.objects.create(
            workspace=other_workspace,
            resource_id="x",
            name="Theirs",
            created_at=database_now(),
        )

        path = f"{IDP}teams/{team.public_id}/role/"
        assert alice_client.post(path, {"role": "admin"}).status_code == 404


class TestFirstToken:
    def test_path_of_the_page_and_its_place_in_the_menu(
        self, alice_client: Client
    ) -> None:
        """S0-109: our Settings, Workspace Configuration, SCIM Users Provisioning."""
        page = read(alice_client, PAGE)

        assert (
            "Settings Workspace Configuration SCIM Users Provisioning "
            "SCIM Users Provisioning"
        ) in page
        assert f'href="{PAGE}"' in alice_client.get(IDP).content.decode()

    def test_s0_109_login_and_access_leads_to_the_page(
        self, alice_client: Client
    ) -> None:
        page = alice_client.get("/administration/").content.decode()

        section = page[page.index("Login &amp; Access") :]
        assert "SCIM Users Provisioning" in section
        assert f'href="{PAGE}"' in section

    def test_domains_make_the_first_token_appear_at_once(
        self, alice_client: Client, directory: Directory
    ) -> None:
        """S0-110, S0-112 and S0-114."""
        answer = alice_client.post(PAGE, {"domains": "Acme.test, ,acme.example,"})

        assert answer.status_code == 200
        assert status(directory, value_of(answer)) == 200
        text = text_of(answer)
        assert "Put this token into your IdP immediately." in text
        assert "not shown again after a reload" in text
        names = EmailDomain.objects.values_list("name", flat=True)
        assert sorted(names) == ["acme.example", "acme.test"]
        assert "no-store" in answer["Cache-Control"]
        assert "</time>." in answer.content.decode()

    def test_value_is_gone_after_a_reload(self, alice_client: Client) -> None:
        """S0-115: whether the browser asks again or sends the form again."""
        value = cover(alice_client)

        for answer in (
            alice_client.get(PAGE),
            alice_client.post(PAGE, {"domains": "acme.test"}, follow=True),
        ):
            assert value not in answer.content.decode()
            assert "A token exists." in text_of(answer)
        assert ScimToken.objects.count() == 1

    def test_what_is_no_domain_changes_nothing(self, alice_client: Client) -> None:
        """S0-110."""
        answer = alice_client.post(PAGE, {"domains": "acme.test, @"})

        assert answer.status_code == 422
        assert "“@” has an @" in text_of(answer)
        assert "acme.test, @" in answer.content.decode()
        assert not EmailDomain.objects.exists()
        assert not DirectorySync.objects.exists()

    def test_further_domains_make_no_further_token(self, alice_client: Client) -> None:
        cover(alice_client)

        answer = alice_client.post(PAGE, {"domains": "acme.example"}, follow=True)

        assert "acme.example: added." in text_of(answer)
        assert ScimToken.objects.count() == 1

    def test_token_can_be_made_again_when_none_works(
        self, alice_client: Client, directory: Directory
    ) -> None:
        cover(alice_client)
        ScimToken.objects.update(revoked_at=database_now())
        assert "No token works." in read(alice_client, PAGE)
        assert "Refresh" not in read(alice_client, PAGE)

        answer = alice_client.post(f"{PAGE}token/")

        assert status(directory, value_of(answer)) == 200
        again = alice_client.post(f"{PAGE}token/", follow=True)
        assert "This token was already shown." in text_of(again)

    def test_invites_are_on_until_somebody_turns_them_off(
        self, alice_client: Client
    ) -> None:
        """S0-111."""
        cover(alice_client)
        assert DirectorySync.objects.get().sends_invites
        assert "checked" in alice_client.get(PAGE).content.decode()

        alice_client.post(f"{PAGE}invites/")

        assert not DirectorySync.objects.get().sends_invites

    def test_value_is_in_no_audit_event(self, alice_client: Client) -> None:
        value = cover(alice_client)

        assert not any(value in repr(e.data) for e in AuditEvent.objects.all())


class TestRefresh:
    def test_is_there_only_when_provisioning_is_enabled(
        self, alice_client: Client
    ) -> None:
        """S0-118 and S0-119."""
        assert REFRESH not in alice_client.get(PAGE).content.decode()
        assert alice_client.get(REFRESH).status_code == 302
        assert alice_client.post(REFRESH).status_code == 302
        assert not ScimToken.objects.exists()

        cover(alice_client)

        assert REFRESH in alice_client.get(PAGE).content.decode()

    @pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
    def test_needs_one_of_the_three_roles(
        self,
        alice_client: Client,
        client: Client,
        workspace: Workspace,
        directory: Directory,
        role: Role,
    ) -> None:
        """S0-5: others are refused, and nothing changes."""
        value = cover(alice_client)
        form = {"token": ScimToken.objects.get().key}
        other = factories.MembershipFactory(workspace=workspace, role=role)
        client.force_login(other.user)

        answers = [client.get(REFRESH), client.post(REFRESH, form)]

        assert [answer.status_code for answer in answers] == [403, 403]
        refused = AuditEvent.objects.filter(action=audit.SignIn.REFUSED)
        assert refused.count() == 2
        assert status(directory, value) == 200
        assert ScimToken.objects.count() == 1
        assert not AuditEvent.objects.filter(action=Action.REPLACED).exists()

    @pytest.mark.parametrize("role", [Role.OWNER, Role.SUPER_ADMIN, Role.ADMIN])
    def test_each_of_the_three_roles_refreshes(
        self,
        alice_client: Client,
        client: Client,
        workspace: Workspace,
        directory: Directory,
        role: Role,
    ) -> None:
        """S0-5."""
        cover(alice_client)
        form = {"token": ScimToken.objects.get().key}
        other = factories.MembershipFactory(workspace=workspace, role=role)
        client.force_login(other.user)
        confirm(client, other.user, REFRESH)

        fresh = value_of(client.post(REFRESH, form))

        assert status(directory, fresh) == 200

    def test_warns_and_names_the_reasons(
        self, alice_client: Client, directory: Directory
    ) -> None:
        """S0-120, S0-123, S0-124 and S0-125: the warning alone changes nothing."""
        value = cover(alice_client)

        warning = read(alice_client, REFRESH)

        assert "The present token stops at once." in warning
        assert "cannot be undone" in warning
        assert "lost or compromised" in warning
        assert "Continue" in warning
        assert status(directory, value) == 200
        assert ScimToken.objects.count() == 1

    def test_continue_shows_a_new_token_and_stops_the_former(
        self, alice_client: Client, alice: User, directory: Directory
    ) -> None:
        """S0-121 and S0-122."""
        value = cover(alice_client)
        key = ScimToken.objects.get().key
        confirm(alice_client, alice, REFRESH)

        fresh = value_of(alice_client.post(REFRESH, {"token": key}))

        assert (status(directory, value), status(directory, fresh)) == (401, 200)
        assert fresh not in alice_client.get(PAGE).content.decode()

    def test_form_that_is_sent_again_refreshes_nothing(
        self, alice_client: Client, alice: User, directory: Directory
    ) -> None:
        """S0-121: a reload of the answer neither shows the token nor replaces it."""
        cover(alice_client)
        confirm(alice_client, alice, REFRESH)
        form = {"token": ScimToken.objects.get().key}
        fresh = value_of(alice_client.post(REFRESH, form))

        again = alice_client.post(REFRESH, form, follow=True)

        assert "This token was already shown." in text_of(again)
        assert fresh not in again.content.decode()
        assert status(directory, fresh) == 200
        assert ScimToken.objects.count() == 2

    def test_every_other_token_stops_too(
        self, alice_client: Client, alice: User, directory: Directory
    ) -> None:
        """S0-122: also one that an overlap still let in."""
        first = cover(alice_client)
        key = ScimToken.objects.get().key
        path = f"/tokens/{directory.key}/{key}/new/"
        confirm(alice_client, alice, path)
        second = value_of(alice_client.post(path, {"overlap": "7d"}))
        current = ScimToken.objects.latest("id").key

        third = value_of(alice_client.post(REFRESH, {"token": current}))

        found = [status(directory, value) for value in (first, second, third)]
        assert found == [401, 401, 200]
        assert ScimToken.objects.live(database_now()).count() == 1

    def test_asks_who_it_is_before_anything_stops(
        self, alice_client: Client, directory: Directory
    ) -> None:
        value = cover(alice_client)
        form = {"token": ScimToken.objects.get().key}

        asked = alice_client.post(REFRESH, form)

        assert asked.status_code == 403
        assert "Confirm your identity to continue" in text_of(asked)
        assert status(directory, value) == 200
        assert ScimToken.objects.count() == 1

    def test_token_of_another_workspace_is_not_refreshed(
        self, alice_client: Client, alice: User, other_workspace: Workspace
    ) -> None:
        cover(alice_client)
        confirm(alice_client, alice, REFRESH)
        theirs = factories.issue_token(directory_sync.directory_of(other_workspace))

        answer = alice_client.post(REFRESH, {"token": theirs.token.key})

        assert answer.status_code == 302
        assert status(theirs.token.directory, theirs.plaintext) == 200


class TestMembers:
    def test_owner_marks_and_unmarks_a_break_glass_account(
        self, alice_client: Client, idp: ScimClient
    ) -> None:
        idp.add_user("ann@acme.test")
        path = f"/members/{member('ann@acme.test').pk}/break-glass/"

        alice_client.post(path, {"on": "yes"})
        assert "Break-glass" in read(alice_client, "/members/")
        alice_client.post(path, {"on": "yes"})
        assert member("ann@acme.test").is_break_glass
        alice_client.post(path, {"on": "no"})
        assert not member("ann@acme.test").is_break_glass

    def test_page_says_which_connections_stop_with_a_member(
        self, alice_client: Client, directory: Directory, workspace: Workspace
    ) -> None:
        bo: Membership = factories.MembershipFactory(
            workspace=workspace, role=Role.ADMIN
        )
        factories.issue_token(directory, name="okta-prod", owner=bo)

        page = read(alice_client, f"/members/{bo.pk}/remove/")

        assert "okta-prod" in page
        assert "of Directory Sync" in page

    def test_audit_log_says_which_connections_stopped(
        self, idp: ScimClient, own: Directory
    ) -> None:
        made = idp.add_user("ann@acme.test")
        ann = member("ann@acme.test")
        ann.role = Role.ADMIN
        ann.save()
        token = factories.issue_token(own, name="okta-prod", owner=ann).token

        idp.patch(
            f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": False}
        )

        event = AuditEvent.objects.get(action=audit.Sync.DEACTIVATED)
        assert event.data["stops"] == f"{token} of Directory Sync"


@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_shut_each_other_out(
    idp: ScimClient, workspace: Workspace, membership: Membership
) -> None:
    """Both are deactivated at once: one stays."""
    zoe = factories.MembershipFactory(
        workspace=workspace, role=Role.OWNER, user__email="zoe@acme.test"
    )
    sync = DirectorySync.objects.get()
    DirectorySync.objects.filter(pk=sync.pk).update(adopts=True)
    ids = [idp.add_user(m.user.email)["id"] for m in (membership, zoe)]
    operation = {"op": "replace", "path": "active", "value": False}

    clients = [scim_client(idp.directory) for _ in ids]

    answers = together(
        [
            lambda client=client, key=key: (
                client.patch(  # type: ignore[misc]
                    f"/Users/{key}", operation
                ).status
            )
            for client, key in zip(clients, ids, strict=True)
        ]
    )

    assert sorted(answers) == [200, 403]
    owners = Membership.objects.filter(role=Role.OWNER, is_active=True)
    assert owners.count() == 1
