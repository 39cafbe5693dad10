"""What superusers change in the Django admin is audited like everything else."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client

from integrations.models import Integration
from tests import factories
from tests.confirming import sign_in_verified, with_authenticator
from tests.test_permissions import undone
from workspaces import audit, superusers
from workspaces.errors import LastOwner
from workspaces.factors import usable
from workspaces.management.commands.worker import Worker
from workspaces.models import AuditEvent, Membership, Role, User, Workspace

PEOPLE, MEMBERS = "/admin/workspaces/user/", "/admin/workspaces/membership/"
NEW_PASSWORD = "canary horse battery staple"
PASSWORD_SET = audit.Superusers.PASSWORD_SET


@pytest.fixture
def root(db: None, client: Client) -> Client:
    user = factories.UserFactory(
        email="root@keyway.test", name="Root", is_superuser=True
    )
    sign_in_verified(client, user)
    return client


def last_event() -> AuditEvent:
    event = AuditEvent.objects.latest("id")
    assert event.actor_label == "Root"
    return event


def test_role_is_given_by_the_service(root: Client, workspace: Workspace) -> None:
    member = factories.MembershipFactory(workspace=workspace)

    root.post(f"{MEMBERS}{member.pk}/change/", {"role": "auditor"})

    member.refresh_from_db()
    event = last_event()
    assert member.role == Role.AUDITOR
    assert (event.action, event.workspace) == (
        "workspaces.member.role_changed",
        workspace,
    )
    assert event.data == {"before": "member", "after": "auditor"}


def test_member_is_put_in_and_taken_out(root: Client, workspace: Workspace) -> None:
    user = factories.UserFactory()
    wish = {"user": user.pk, "workspace": workspace.pk, "role": "admin"}

    root.post(f"{MEMBERS}add/", wish)
    made = last_event().action
    member = Membership.objects.get(user=user)
    root.post(f"{MEMBERS}{member.pk}/delete/", {"post": "yes"})

    assert (made, last_event().action) == (
        "workspaces.member.joined",
        "workspaces.member.removed",
    )
    assert not Membership.objects.filter(pk=member.pk).exists()


def test_last_owner_stays(root: Client, workspace: Workspace, alice: User) -> None:
    owner = Membership.objects.get(workspace=workspace, user=alice)
    one = f"{MEMBERS}{owner.pk}"

    lowered = root.post(f"{one}/change/", {"role": "member"})
    removed = root.post(f"{one}/delete/", {"post": "yes"})
    at_once = {"action": "delete_selected", "_selected_action": owner.pk, "post": "yes"}
    root.post(MEMBERS, at_once)

    owner.refresh_from_db()
    assert (lowered.status_code, removed.status_code) == (200, 403)
    assert owner.role == Role.OWNER
    with pytest.raises(LastOwner), undone():
        superusers.remove_member(owner, actor=alice)


def test_person_is_changed_and_the_fields_are_named(root: Client, bob: User) -> None:
    wish = {"email": bob.email, "name": "Bob", "is_superuser": "on"}

    root.post(f"{PEOPLE}{bob.pk}/change/", wish)

    event = last_event()
    assert event.action == "workspaces.portal_account.changed"
    assert event.data == {"email": bob.email, "changed": "is_active, is_superuser"}
    assert root.post(f"{PEOPLE}{bob.pk}/delete/").status_code == 403


def test_aud_08_workspaces_see_what_became_of_their_members(
    root: Client, bob: User, workspace: Workspace, other_workspace: Workspace
) -> None:
    root.post(f"{PEOPLE}{bob.pk}/change/", {"email": bob.email, "name": "Bob"})

    told = AuditEvent.objects.filter(action="workspaces.portal_account.changed")
    assert [event.workspace for event in told.order_by("id")] == [None, workspace]
    bob.refresh_from_db()
    assert not bob.is_active


def test_ui_10_last_owner_is_not_deactivated(
    root: Client, alice: User, workspace: Workspace
) -> None:
    path = f"{PEOPLE}{alice.pk}/change/"
    wish = {"email": alice.email, "name": "Alice"}

    refused = root.post(path, wish)
    alice.refresh_from_db()
    assert alice.is_active
    assert "has no other Owner" in refused.content.decode()

    factories.MembershipFactory(workspace=workspace, role=Role.OWNER)
    root.post(path, wish)
    alice.refresh_from_db()
    assert not alice.is_active


def test_s0_106_tokens_of_whom_a_superuser_deactivates_are_named(
    root: Client, alice: User, workspace: Workspace
) -> None:
    """In the log and by mail: nobody was shown beforehand what stops."""
    owner = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    directory = workspace.directories.get()
    token = factories.issue_token(directory, owner=owner).token

    wish = {"email": owner.user.email, "name": owner.user.name}
    root.post(f"{PEOPLE}{owner.user_id}/change/", wish)
    Worker(threads=1).drain()

    ended = AuditEvent.objects.get(action="tokens.scim_token.owner_ended")
    assert (ended.actor_label, ended.target_id) == ("Root", token.key)
    (told,) = mail.outbox
    assert told.recipients() == [alice.email]
    assert "A superuser of this gateway deactivated this account." in told.body


def test_password_ends_the_sessions_and_is_mailed_and_never_written_down(
    root: Client, alice: User, bob: User, workspace: Workspace
) -> None:
    """The member, and the administrators who still are some, read who did it."""
    factories.MembershipFactory(workspace=workspace, role=Role.OWNER, is_active=False)
    bobs_browser = Client()
    bobs_browser.force_login(bob)
    wish = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    path = f"{PEOPLE}{bob.pk}/password/"

    refused = root.post(path, {**wish, "password2": "another"})
    before = AuditEvent.objects.count()
    root.post(path, {**wish, "usable_password": "true"})
    Worker(threads=1).drain()

    bob.refresh_from_db()
    assert refused.status_code == 200
    assert bob.check_password(NEW_PASSWORD)
    assert bobs_browser.get("/members/")["Location"].startswith("/login/")
    told = AuditEvent.objects.filter(action=PASSWORD_SET)
    assert AuditEvent.objects.count() == before + 2
    assert [event.workspace for event in told.order_by("id")] == [None, workspace]
    assert {event.actor_label for event in told} == {"Root"}
    mails = {tuple(m.recipients()): m for m in mail.outbox}
    assert mails[(bob.email,)].subject == "Root set your password"
    assert "every session was ended" in mails[(bob.email,)].body
    assert mails[(alice.email,)].subject == "Root set Bob's password"
    assert NEW_PASSWORD not in str([m.body for m in mail.outbox])
    assert NEW_PASSWORD not in str(list(AuditEvent.objects.values()))


def test_password_that_is_taken_away_is_called_so(
    root: Client, bob: User, workspace: Workspace
) -> None:
    path = f"{PEOPLE}{bob.pk}/password/"
    wish = {"password1": "", "password2": "", "usable_password": "false"}

    root.post(path, wish)
    refused = AuditEvent.objects.filter(action=PASSWORD_SET).exists()
    root.post(path, {**wish, "unset-password": "Disable"})
    Worker(threads=1).drain()

    bob.refresh_from_db()
    assert not refused
    assert not bob.has_usable_password()
    assert "Root took your password away" in {m.subject for m in mail.outbox}


def test_own_password_is_changed_and_that_is_written_down(
    root: Client, workspace: Workspace
) -> None:
    wish = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    path = "/admin/password_change/"

    root.post(path, {**wish, "old_password": "not this one"})
    refused = AuditEvent.objects.filter(action=PASSWORD_SET).exists()
    root.post(path, {**wish, "old_password": factories.PASSWORD})

    assert not refused
    assert last_event().action == PASSWORD_SET
    assert root.get("/admin/").status_code == 200


def test_second_factors_are_reset_after_a_question(
    root: Client, bob: User, workspace: Workspace
) -> None:
    """As by whoever has the machine: mailed, recorded, all sessions ended."""
    with_authenticator(bob)
    other = factories.MembershipFactory(user=bob).workspace
    bobs_browser = Client()
    bobs_browser.force_login(bob)
    me = User.objects.get(email="root@keyway.test")
    chosen = {
        "action": "reset_second_factors",
        "_selected_action": [bob.pk, me.pk],
    }

    asked = root.post(PEOPLE, chosen).content.decode()
    still = usable(bob)
    done = root.post(PEOPLE, {**chosen, "confirmed": "1"}, follow=True)
    Worker(threads=1).drain()

    assert "every session of theirs is ended" in asked
    assert len(still) == 1
    assert usable(bob) == []
    assert usable(me) != []
    assert "These are your own second factors." in done.content.decode()
    assert bobs_browser.get("/members/")["Location"].startswith("/login/")
    events = AuditEvent.objects.filter(action="workspaces.factor.reset")
    assert {event.workspace for event in events} == {workspace, other}
    assert {event.actor_label for event in events} == {"Root"}
    assert "Root reset your second factors" in {m.subject for m in mail.outbox}


def test_workspace_is_made_and_renamed(root: Client) -> None:
    inline = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    wish = {"name": "New", "slug": "new", **inline}
    root.post("/admin/workspaces/workspace/add/", wish)
    made = last_event()
    one = f"/admin/workspaces/workspace/{Workspace.objects.get(slug='new').pk}/change/"
    root.post(one, {**wish, "name": "Newer"})

    assert made.workspace is not None
    assert (made.action, made.workspace.slug) == (
        "workspaces.workspace.created",
        "new",
    )
    renamed = last_event()
    assert renamed.action == "workspaces.workspace.changed"
    assert renamed.data["changed"] == "name"


def test_integration_is_renamed(root: Client, integration: Integration) -> None:
    path = f"/admin/integrations/integration/{integration.pk}/change/"

    root.post(path, {"name": "Renamed", "identifier": ""})

    event = last_event()
    assert event.action == "integrations.integration.settings_changed"
    assert event.data == {"changed": "name"}
