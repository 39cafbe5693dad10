"""Invitations: one use, seven days, the link in the e-mail alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from tests import factories
from workspaces import audit, invitations
from workspaces.clock import database_now
from workspaces.errors import AlreadyMember, InvitationOver, OtherPerson, RoleTooHigh
from workspaces.management.commands.worker import Worker
from workspaces.models import (
    AuditEvent,
    Invitation,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)

INA = "Ina@Acme.test"


def invite(by: Membership, email: str = INA, role: Role = Role.ADMIN) -> Invitation:
    return invitations.invite(email, role=role, by=by, now=database_now())


def link() -> str:
    """Let the worker send the e-mail, and return the path of its link."""
    Worker(threads=1).drain()
    found = re.search(
        r"http://testserver(/invitations/\S+/)", str(mail.outbox[-1].body)
    )
    assert found
    return found[1]


def expire(invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(
        expires_at=database_now() - timedelta(seconds=1)
    )


def test_email_says_who_invites_where_and_as_what(membership: Membership) -> None:
    invite(membership)

    path = link()

    (message,) = mail.outbox
    assert message.to == [INA]
    assert message.subject == "Join Acme on Keyway"
    assert "Alice invites you to join Acme on Keyway as Admin." in message.body
    assert path in message.body


def test_link_is_kept_nowhere(membership: Membership) -> None:
    invite(membership)

    token = link().split("/")[2]

    invitation = Invitation.objects.get()
    assert len(invitation.digest) == 64
    job = Job.objects.get(kind=invitations.JOB)
    for row in (invitation, job, *AuditEvent.objects.all()):
        assert token not in repr(row.__dict__)


def test_new_person_sets_a_name_and_a_password(
    client: Client, membership: Membership
) -> None:
    invite(membership)
    path = link()
    assert b"Ina@Acme.test" in client.get(path).content

    weak = client.post(path, {"name": "Ina", "password": "password"})
    answer = client.post(path, {"name": "Ina", "password": "nine green hedgehogs"})

    assert weak.status_code == 422
    assert (answer.status_code, answer["Location"]) == (302, "/")
    ina = User.objects.get(email_key="ina@acme.test")
    assert ina.check_password("nine green hedgehogs")
    assert Membership.objects.get(user=ina).role == Role.ADMIN
    assert client.get("/members/").status_code == 200
    assert AuditEvent.objects.filter(action=audit.Members.JOINED, actor=ina).exists()


def test_link_works_once(client: Client, membership: Membership) -> None:
    invite(membership)
    path = link()
    client.post(path, {"name": "Ina", "password": "nine green hedgehogs"})

    again = Client().get(path)

    assert again.status_code == 404
    assert b"does not work any more" in again.content


def test_link_works_for_seven_days(client: Client, membership: Membership) -> None:
    before = database_now()
    invitation = invite(membership)
    path = link()
    assert timedelta(days=7) <= invitation.expires_at - before < timedelta(days=7.01)

    expire(invitation)

    assert client.get(path).status_code == 404
    posted = client.post(path, {"name": "I", "password": "nine green hedgehogs"})
    assert posted.status_code == 404
    assert not User.objects.filter(email_key="ina@acme.test").exists()


def test_newer_link_ends_the_older(client: Client, membership: Membership) -> None:
    invitation = invite(membership)
    first = link()
    invitations.renew(invitation, by=membership, now=database_now())
    second = link()

    assert Invitation.objects.count() == 1
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200


def test_revoked_invitation_is_over(client: Client, membership: Membership) -> None:
    invitation = invite(membership)
    path = link()

    invitations.revoke(invitation, by=membership, now=database_now())

    assert client.get(path).status_code == 404
    with pytest.raises(InvitationOver):
        invitations.revoke(invitation, by=membership, now=database_now())


def test_email_is_not_sent_after_the_revocation(membership: Membership) -> None:
    invitation = invite(membership)
    invitations.revoke(invitation, by=membership, now=database_now())

    Worker(threads=1).drain()

    assert mail.outbox == []


def test_who_has_an_account_signs_in_and_joins(
    client: Client, membership: Membership
) -> None:
    ina = factories.UserFactory(email="ina@acme.test", name="Ina")
    invite(membership)
    path = link()
    assert f"/login/?next={path}".encode() in client.get(path).content
    refused = client.post(path, {"name": "x", "password": "nine green hedgehogs"})
    assert not Membership.objects.filter(user=ina).exists()
    assert refused.status_code == 200

    client.force_login(ina)
    answer = client.post(path)

    assert answer.status_code == 302
    assert Membership.objects.get(user=ina).role == Role.ADMIN


def test_other_person_cannot_take_it(
    client: Client, membership: Membership, charlie: User
) -> None:
    invitation = invite(membership)
    path = link()
    client.force_login(charlie)

    page = client.post(path)

    assert b"You are signed in as charlie@other.test" in page.content
    assert not Membership.objects.filter(user=charlie).exists()
    with pytest.raises(OtherPerson):
        invitations.accept_as(invitation, charlie, now=database_now())


def test_member_is_not_invited_again(membership: Membership) -> None:
    with pytest.raises(AlreadyMember):
        invite(membership, "ALICE@acme.test")


def test_only_an_owner_invites_an_owner(workspace: Workspace) -> None:
    admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)

    with pytest.raises(RoleTooHigh):
        invite(admin, role=Role.OWNER)


def test_admin_cannot_send_an_owners_invitation_again(
    workspace: Workspace, membership: Membership
) -> None:
    admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    invitation = invite(membership, role=Role.OWNER)

    with pytest.raises(RoleTooHigh):
        invitations.renew(invitation, by=admin, now=database_now())
    with pytest.raises(RoleTooHigh):
        invitations.revoke(invitation, by=admin, now=database_now())


def test_admin_cannot_lower_an_owners_invitation(
    workspace: Workspace, membership: Membership
) -> None:
    admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    invitation = invite(membership, role=Role.OWNER)

    with pytest.raises(RoleTooHigh):
        invite(admin, role=Role.MEMBER)

    invitation.refresh_from_db()
    assert (invitation.role, invitation.invited_by) == (Role.OWNER, membership.user)


def test_admin_sends_no_way_in_to_who_stands_above(
    workspace: Workspace, membership: Membership
) -> None:
    """The role of now counts, not the one of the open invitation."""
    admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    above = factories.MembershipFactory(workspace=workspace)
    now = database_now()
    invitation = invitations.send_way_in(above, by=admin, now=now)
    above.role = Role.SUPER_ADMIN
    above.save(update_fields=["role"])

    for send in (
        lambda: invitations.send_way_in(above, by=admin, now=now),
        lambda: invitations.renew(
            Invitation.objects.get(pk=invitation.pk), by=admin, now=now
        ),
    ):
        with pytest.raises(RoleTooHigh):
            send()


def test_mail_server_that_is_down_is_tried_again(
    membership: Membership, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    invite(membership)

    Worker(threads=1).drain()

    job = Job.objects.get(kind=invitations.JOB)
    assert job.state == Job.State.RETRYING
    assert job.error.startswith("The mail server did not take the email.")
