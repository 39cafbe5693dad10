"""Directory Sync is turned off, behind a confirmation, and on again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.directory_sync import provisioning
from scim.models import GroupMember, Resource, ResourceCount
from tests import factories
from tests.confirming import confirm, with_authenticator
from tests.conftest import ScimClient, scim_client
from tests.directory_sync.conftest import member
from tests.directory_sync.test_pages import PAGE, value_of
from tests.portal.words import text_of
from tests.scim.together import together
from tokens.models import ScimToken
from workspaces import audit, break_glass, directory_sync, members, teams
from workspaces.clock import database_now
from workspaces.errors import MemberError
from workspaces.factors import usable
from workspaces.models import (
    AuditEvent,
    Directory,
    DirectorySync,
    EmailDomain,
    Invitation,
    Membership,
    Role,
    Team,
    User,
    Workspace,
)

IDP = "/settings/idp/"
OFF, ON = f"{IDP}turn-off/", f"{IDP}turn-on/"
ANN, BO = "ann@acme.test", "bo@acme.test"


@pytest.fixture
def people(idp: ScimClient, membership: Membership) -> None:
    """Ann, whom her team makes an Admin, and Bo."""
    ids = [idp.add_user(address)["id"] for address in (ANN, BO)]
    idp.add_group("Admins", ids[0])
    teams.give_role(Team.objects.get(), Role.ADMIN, by=membership)


def press(client: Client, user: User, fate: str) -> Any:
    confirm(client, user, OFF)
    return client.post(OFF, {"fate": fate})


def test_says_what_happens_and_asks_who_it_is(
    alice_client: Client, alice: User, people: None
) -> None:
    hint = ScimToken.objects.get().hint
    refused = alice_client.post(OFF, {"fate": "stay"})
    confirm(alice_client, alice, OFF)

    page = text_of(alice_client.get(OFF))

    assert refused.status_code == 403
    assert f"{hint} is revoked." in page
    assert "1 deleted. Members keep the role that they have now." in page
    assert "2 provisioned and active." in page
    assert directory_sync.of(DirectorySync.objects.get().workspace) is not None


def test_members_stay_as_the_portals(
    alice_client: Client, alice: User, idp: ScimClient, people: None
) -> None:
    answer = press(alice_client, alice, "stay")

    assert (answer.status_code, answer["Location"]) == (302, IDP)
    assert idp.get("/Users").status == 401
    ann, bo = member(ANN), member(BO)
    assert (ann.role, ann.own_role, ann.role_team) == (Role.ADMIN, "", None)
    assert (bo.role, bo.is_active, bo.resource_id) == (Role.MEMBER, True, None)
    assert not Team.objects.exists()
    for model in (Resource, GroupMember, ResourceCount):
        assert not model.objects.exists()
    event = AuditEvent.objects.get(action=audit.Sync.TURNED_OFF)
    assert (event.actor, event.data) == (
        alice,
        {"members_stayed": 2, "members_deactivated": 0, "teams_deleted": 1},
    )
    page = text_of(alice_client.get(IDP))
    assert "Turned off" in page
    assert "Turn Directory Sync on" in page


def test_members_are_deactivated_but_for_the_guarded(
    alice_client: Client,
    alice: User,
    membership: Membership,
    own: Directory,
    people: None,
) -> None:
    """UI-10: whoever turns it off, and somebody who can own, stay in."""
    ann = member(ANN)
    owned = factories.issue_token(own, owner=ann)
    break_glass.mark(member(BO), on=True, by=membership)
    Membership.objects.filter(pk=membership.pk).update(resource_id="of-alice")

    press(alice_client, alice, "deactivate")

    assert [member(a).is_active for a in (ANN, BO, alice.email)] == [False, True, True]
    assert ScimClient(own, owned.plaintext).get("/Users").status == 401
    assert not Invitation.objects.open().filter(membership=ann).exists()
    event = AuditEvent.objects.get(action=audit.Sync.TURNED_OFF)
    assert event.data["members_deactivated"] == 1


def test_an_owner_who_can_sign_in_remains(
    workspace: Workspace, client: Client, people: None
) -> None:
    """UI-10: also where every Owner is the IdP's and an Admin turns it off."""
    owner = Membership.objects.get(workspace=workspace, role=Role.OWNER)
    Membership.objects.filter(pk=owner.pk).update(resource_id="of-alice")
    admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    client.force_login(admin.user)

    press(client, admin.user, "deactivate")

    assert [member(a).is_active for a in (ANN, BO)] == [False, False]
    owner.refresh_from_db()
    assert owner.is_active


def test_who_stands_above_whoever_turns_it_off_stays_in(
    workspace: Workspace, client: Client, people: None
) -> None:
    Membership.objects.filter(user__email_key=ANN).update(role=Role.SUPER_ADMIN)
    admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    client.force_login(admin.user)

    press(client, admin.user, "deactivate")

    assert [member(a).is_active for a in (ANN, BO)] == [True, False]


@pytest.mark.parametrize("fate", ["", "both"])
def test_nonsense_turns_nothing_off(
    alice_client: Client, alice: User, people: None, fate: str
) -> None:
    answer = press(alice_client, alice, fate)

    assert answer.status_code == 422
    assert directory_sync.turned_off(Team.objects.get().workspace) is None


def test_turned_on_again_it_starts_anew_with_the_same_people(
    alice_client: Client, alice: User, own: Directory, people: None
) -> None:
    former = {a: member(a).pk for a in (ANN, BO)}
    url = own.base_url
    press(alice_client, alice, "deactivate")

    assert alice_client.post(ON)["Location"] == PAGE
    value = value_of(alice_client.post(f"{PAGE}token/"))
    idp = ScimClient(own, value)
    idp.add_user(ANN)

    assert directory_sync.directory_of(own.workspace).base_url == url
    ann = member(ANN)
    assert (ann.pk, ann.is_active, ann.role) == (former[ANN], True, Role.MEMBER)
    assert not member(BO).is_active
    assert EmailDomain.objects.get().proven_at is not None
    assert idp.get("/Users").body["totalResults"] == 1
    actions = AuditEvent.objects.filter(action=audit.Sync.TURNED_ON)
    assert actions.count() == 2


def test_adding_a_domain_does_not_turn_it_on_again(
    alice_client: Client, alice: User, people: None
) -> None:
    press(alice_client, alice, "stay")

    alice_client.post(PAGE, {"domains": "acme.de"})

    assert directory_sync.turned_off(EmailDomain.objects.all()[0].workspace) is not None


def test_off_twice_and_on_twice_do_no_harm(
    alice_client: Client, alice: User, people: None
) -> None:
    press(alice_client, alice, "stay")
    again = alice_client.post(OFF, {"fate": "deactivate"})
    alice_client.post(ON)
    alice_client.post(ON)

    assert again["Location"] == IDP
    assert member(ANN).is_active
    assert AuditEvent.objects.filter(action=audit.Sync.TURNED_OFF).count() == 1


class TestRemovingAMember:
    def test_who_is_managed_is_removed_in_the_idp(
        self, alice_client: Client, membership: Membership, people: None
    ) -> None:
        with pytest.raises(MemberError, match="Unassign them there"):
            members.remove(member(BO), by=membership)

        page = alice_client.get("/members/").content.decode()
        assert "Your IdP provisions this member. Unassign them there." in page
        assert f"/members/{member(BO).pk}/remove/" not in page

    def test_who_is_unassigned_is_removed_here_and_starts_anew(
        self, alice_client: Client, idp: ScimClient, people: None
    ) -> None:
        bo = member(BO)
        bo.user.set_password(factories.PASSWORD)
        bo.user.save()
        with_authenticator(bo.user)
        path = f"/Users/{bo.resource_id}"
        idp.patch(path, {"op": "replace", "path": "active", "value": False})

        answer = alice_client.post(f"/members/{bo.pk}/remove/")

        assert answer["Location"] == "/members/"
        bo.user.refresh_from_db()
        assert not bo.user.memberships.exists()
        assert not bo.user.has_usable_password()
        assert usable(bo.user) == []
        # Assigned again, they are a member again.
        idp.patch(path, {"op": "replace", "path": "active", "value": True})
        assert member(BO).is_active

    def test_after_directory_sync_everybody_can_be_removed(
        self, alice_client: Client, alice: User, people: None
    ) -> None:
        press(alice_client, alice, "stay")
        ann = member(ANN)

        alice_client.post(f"/members/{ann.pk}/remove/")

        assert not Membership.objects.filter(pk=ann.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_writes_that_are_under_way_neither_fail_hard_nor_leave_anything() -> None:
    """A SCIM write and the end of Directory Sync at once: in, or refused."""
    workspace = factories.WorkspaceFactory()
    by = Membership.objects.get(workspace=workspace)
    directory_sync.turn_on(workspace, actor=by.user, now=database_now())
    EmailDomain.objects.create(
        workspace=workspace,
        name="acme.test",
        created_at=database_now(),
        proven_at=database_now(),
    )
    idp = scim_client(directory_sync.directory_of(workspace))

    def off() -> int:
        provisioning.turn_off(
            workspace, fate=provisioning.Fate.STAY, by=by, now=database_now()
        )
        return 0

    statuses = together(
        [
            *(lambda n=n: idp.post("/Users", user(n)).status for n in range(3)),
            *(lambda n=n: idp.post("/Groups", group(n)).status for n in range(3)),
            off,
        ]
    )

    assert {s for s in statuses if s} <= {201, 401, 403}
    assert not Team.objects.exists()
    assert not Membership.objects.filter(resource_id__isnull=False).exists()
    assert not Resource.objects.exists()


def user(number: int) -> dict[str, object]:
    return {"userName": f"{number}.{ANN}", "active": True}


def group(number: int) -> dict[str, object]:
    return {"displayName": f"Group {number}"}
