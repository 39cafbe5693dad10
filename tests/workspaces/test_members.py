"""Who may change whom, and that an Owner stays."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from tests import factories
from workspaces import audit, members
from workspaces.errors import LastOwner, MemberError, NoLongerAllowed, RoleTooHigh
from workspaces.models import AuditEvent, Membership, Role, Workspace


def member(workspace: Workspace, role: Role) -> Membership:
    return factories.MembershipFactory(workspace=workspace, role=role)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPER_ADMIN])
def test_only_an_owner_grants_owner(workspace: Workspace, role: Role) -> None:
    admin, other = member(workspace, role), member(workspace, Role.MEMBER)

    with pytest.raises(RoleTooHigh):
        members.change_role(other, role=Role.OWNER, by=admin)

    other.refresh_from_db()
    assert other.role == Role.MEMBER


def test_admin_makes_nobody_a_super_admin(workspace: Workspace) -> None:
    """Super Admins may do what Admins may not: an Admin would let themselves in."""
    admin = member(workspace, Role.ADMIN)
    chief = member(workspace, Role.SUPER_ADMIN)

    assert Role.SUPER_ADMIN not in members.grantable_roles(admin)
    with pytest.raises(RoleTooHigh, match="a Super Admin or somebody with a higher"):
        members.change_role(admin, role=Role.SUPER_ADMIN, by=admin)
    with pytest.raises(RoleTooHigh):
        members.change_role(chief, role=Role.MEMBER, by=admin)
    with pytest.raises(RoleTooHigh):
        members.remove(chief, by=admin)

    members.change_role(admin, role=Role.SUPER_ADMIN, by=chief)
    admin.refresh_from_db()
    assert admin.role == Role.SUPER_ADMIN


def test_only_an_owner_takes_owner(
    workspace: Workspace, membership: Membership
) -> None:
    admin, owner = member(workspace, Role.ADMIN), member(workspace, Role.OWNER)

    with pytest.raises(RoleTooHigh):
        members.change_role(owner, role=Role.ADMIN, by=admin)
    with pytest.raises(RoleTooHigh):
        members.remove(owner, by=admin)

    members.change_role(owner, role=Role.ADMIN, by=membership)
    owner.refresh_from_db()
    assert owner.role == Role.ADMIN


def test_last_owner_can_neither_leave_nor_be_lowered(membership: Membership) -> None:
    with pytest.raises(LastOwner):
        members.change_role(membership, role=Role.ADMIN, by=membership)
    with pytest.raises(LastOwner):
        members.remove(membership, by=membership)

    membership.refresh_from_db()
    assert membership.role == Role.OWNER


def test_owner_who_cannot_sign_in_does_not_count(
    workspace: Workspace, membership: Membership
) -> None:
    gone = member(workspace, Role.OWNER)
    gone.user.is_active = False
    gone.user.save()

    with pytest.raises(LastOwner):
        members.remove(membership, by=membership)


def test_owner_may_leave_when_there_is_another(
    workspace: Workspace, membership: Membership
) -> None:
    member(workspace, Role.OWNER)

    members.remove(membership, by=membership)

    assert not Membership.objects.filter(pk=membership.pk).exists()
    event = AuditEvent.objects.get(action=audit.Members.LEFT)
    assert event.data == {"role": "owner", "email": "alice@acme.test"}


def test_s0_7_role_that_was_taken_away_meanwhile_does_not_count(
    workspace: Workspace,
) -> None:
    """S0-7: what was read at the start of the request is read again under the lock."""
    stale, other = member(workspace, Role.ADMIN), member(workspace, Role.MEMBER)
    Membership.objects.filter(pk=stale.pk).update(role=Role.MEMBER)

    with pytest.raises(NoLongerAllowed):
        members.change_role(other, role=Role.ADMIN, by=stale)
    with pytest.raises(NoLongerAllowed):
        members.remove(other, by=stale)


def test_change_is_in_the_audit_log(
    workspace: Workspace, membership: Membership
) -> None:
    other = member(workspace, Role.MEMBER)

    members.change_role(other, role=Role.AUDITOR, by=membership)

    event = AuditEvent.objects.get(action=audit.Members.ROLE_CHANGED)
    assert event.actor == membership.user
    assert event.data == {"before": "member", "after": "auditor"}
    assert event.target_label == str(other.user)


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_lower_each_other_leave_one() -> None:
    workspace = factories.WorkspaceFactory()
    first = Membership.objects.get(workspace=workspace)
    second = member(workspace, Role.OWNER)
    start = threading.Barrier(2)
    refused: list[str] = []

    def lower(whom: Membership, by: Membership) -> None:
        start.wait()
        try:
            members.change_role(whom, role=Role.ADMIN, by=by)
        except MemberError as error:
            refused.append(error.message)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=lower, args=pair)
        for pair in ((first, second), (second, first))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert members.owner_count(workspace) == 1
    assert len(refused) == 1
