"""The **Members** page and its dialogs."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories
from tests.fakes.factors import authenticator
from tests.portal.words import query_count, read, text_of
from workspaces import invitations
from workspaces.clock import database_now
from workspaces.models import Invitation, Membership, Role, User, Workspace

PATH = "/members/"
LAST = "The last Owner cannot leave or get a lower role."


@pytest.fixture
def admin_client(workspace: Workspace) -> Client:
    client = Client()
    admin = factories.MembershipFactory(
        workspace=workspace, role=Role.ADMIN, user__name="Adam"
    )
    client.force_login(admin.user)
    return client


def test_lists_name_email_role_and_times(
    alice_client: Client, workspace: Workspace, bob: User
) -> None:
    page = read(alice_client, PATH)

    assert "Alice (you) alice@acme.test Owner" in page
    assert "Bob bob@acme.test Member" in page


def test_says_who_has_a_second_step(
    alice_client: Client, alice: User, bob: User
) -> None:
    authenticator(bob)
    page = read(alice_client, PATH)

    assert "Alice (you) alice@acme.test Owner Not set up" in page
    assert "Bob bob@acme.test Member Authenticator app" in page


def test_shows_nobody_of_another_workspace(
    alice_client: Client, other_workspace: Workspace
) -> None:
    assert "Charlie" not in read(alice_client, PATH)


def test_search_finds_name_and_address(alice_client: Client, bob: User) -> None:
    assert "Bob" in read(alice_client, f"{PATH}?q=BOB@ACME")
    assert "Alice (you)" not in read(alice_client, f"{PATH}?q=bob")
    assert "No member matches “zoe”" in read(alice_client, f"{PATH}?q=zoe")


def test_row_menu_of_the_last_owner_says_why_there_is_nothing_in_it(
    alice_client: Client, membership: Membership
) -> None:
    page = alice_client.get(PATH).content.decode()

    assert LAST in page
    assert f"/members/{membership.pk}/role/" not in page
    assert "/members/leave/" not in page


def test_row_menu_tells_an_admin_who_may_change_an_owner(
    admin_client: Client, workspace: Workspace, membership: Membership
) -> None:
    factories.MembershipFactory(workspace=workspace, role=Role.OWNER)

    page = admin_client.get(PATH).content.decode()

    assert "Only an Owner can make somebody an Owner" in page
    assert f"/members/{membership.pk}/role/" not in page


def test_auditor_looks_and_changes_nothing(workspace: Workspace, bob: User) -> None:
    auditor = factories.MembershipFactory(workspace=workspace, role=Role.AUDITOR)
    client = Client()
    client.force_login(auditor.user)
    bobs = Membership.objects.get(user=bob)

    page = client.get(PATH).content.decode()

    assert "Bob" in page
    assert "Invite member" not in page
    assert f"/members/{bobs.pk}/" not in page
    assert "/members/leave/" in page


def test_pages_cost_the_same_however_many_are_there(
    alice_client: Client, workspace: Workspace, membership: Membership
) -> None:
    def invite(number: int) -> None:
        invitations.invite(
            f"i{number}@acme.test", role=Role.ADMIN, by=membership, now=database_now()
        )

    invite(0)
    few = query_count(alice_client, PATH)
    for number in range(1, 6):
        factories.MembershipFactory(workspace=workspace)
        invite(number)

    assert query_count(alice_client, PATH) == few <= 15


class TestInvite:
    path = "/members/invite/"

    def test_puts_the_email_off_and_says_so(self, alice_client: Client) -> None:
        answer = alice_client.post(
            self.path, {"email": "ina@acme.test", "role": "auditor"}, follow=True
        )

        page = text_of(answer)
        assert "ina@acme.test is invited." in page
        assert "ina@acme.test Auditor Alice" in page
        assert "Queued" in page

    @pytest.mark.parametrize(
        ("email", "error"),
        [
            ("", "Enter an email address."),
            ("ina", "Enter an email address, such as ana@example.com."),
            ("alice@acme.test", "alice@acme.test is a member of this workspace"),
        ],
    )
    def test_keeps_what_was_typed_beside_the_error(
        self, alice_client: Client, email: str, error: str
    ) -> None:
        answer = alice_client.post(self.path, {"email": email, "role": "auditor"})

        assert answer.status_code == 422
        page = answer.content.decode()
        assert "There is a problem" in page
        assert page.count(error) == 2
        assert f'value="{email}"' in page or not email

    def test_admin_is_not_offered_owner_and_cannot_send_it(
        self, admin_client: Client
    ) -> None:
        page = admin_client.get(self.path).content.decode()
        answer = admin_client.post(
            self.path, {"email": "ina@acme.test", "role": "owner"}
        )

        assert 'value="owner"' not in page
        assert answer.status_code == 422
        assert not Invitation.objects.exists()

    def test_dialog_is_the_same_form(self, alice_client: Client) -> None:
        part = alice_client.get(self.path, headers={"hx-request": "true"})
        done = alice_client.post(
            self.path,
            {"email": "ina@acme.test", "role": "admin"},
            headers={"hx-request": "true"},
        )

        assert part.content.strip().startswith(b"<dialog")
        assert done["HX-Redirect"] == PATH


class TestChange:
    def test_role_acts_on_the_next_request(
        self, alice_client: Client, bob: User
    ) -> None:
        """S0-7."""
        bobs = Membership.objects.get(user=bob)
        client = Client()
        client.force_login(bob)
        assert client.get(PATH).status_code == 403

        answer = alice_client.post(
            f"/members/{bobs.pk}/role/", {"role": "auditor"}, follow=True
        )

        assert "Bob is now Auditor." in text_of(answer)
        assert client.get(PATH).status_code == 200

    def test_rule_is_told_beside_the_field(
        self, alice_client: Client, membership: Membership
    ) -> None:
        answer = alice_client.post(f"/members/{membership.pk}/role/", {"role": "admin"})

        assert answer.status_code == 422
        assert LAST in text_of(answer)

    def test_removal_asks_first(self, alice_client: Client, bob: User) -> None:
        bobs = Membership.objects.get(user=bob)

        asked = read(alice_client, f"/members/{bobs.pk}/remove/")
        answer = alice_client.post(f"/members/{bobs.pk}/remove/", follow=True)

        assert "Bob (bob@acme.test) loses the access to Acme at once." in asked
        assert "Bob is no member any more." in text_of(answer)
        assert not Membership.objects.filter(user=bob).exists()

    def test_last_owner_cannot_leave_by_address_either(
        self, alice_client: Client, membership: Membership
    ) -> None:
        answer = alice_client.post("/members/leave/", follow=True)

        assert LAST in text_of(answer)
        membership.refresh_from_db()

    def test_who_leaves_is_out(self, admin_client: Client) -> None:
        answer = admin_client.post("/members/leave/", follow=True)

        assert answer.status_code == 403
        assert b"You are in no workspace" in answer.content

    def test_member_of_another_workspace_is_not_found(
        self, alice_client: Client, other_workspace: Workspace
    ) -> None:
        other = Membership.objects.get(workspace=other_workspace)

        for act in ("role", "remove"):
            path = f"/members/{other.pk}/{act}/"
            assert alice_client.get(path).status_code == 404
            assert alice_client.post(path, {"role": "member"}).status_code == 404


def test_invitation_can_be_sent_again_and_revoked(
    alice_client: Client, membership: Membership
) -> None:
    invitation = invitations.invite(
        "ina@acme.test", role=Role.ADMIN, by=membership, now=database_now()
    )
    path = f"/members/invitations/{invitation.public_id}"

    again = alice_client.post(f"{path}/resend/", follow=True)
    revoked = alice_client.post(f"{path}/revoke/", follow=True)

    assert "ina@acme.test gets a new link." in text_of(again)
    assert "The invitation of ina@acme.test is revoked." in text_of(revoked)
    assert alice_client.post(f"{path}/revoke/").status_code == 404
