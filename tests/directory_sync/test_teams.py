"""SCIM groups of the workspace's own directory: teams, and the roles that they give."""

from __future__ import annotations

import pytest

from tests import factories
from tests.conftest import ScimClient
from tests.directory_sync.conftest import member
from workspaces import audit, break_glass, directory_sync, members, teams
from workspaces.errors import MemberError, RoleTooHigh
from workspaces.models import (
    AuditEvent,
    DirectorySync,
    Membership,
    Role,
    Team,
    TeamMember,
)
from workspaces.refusals import RoleFromTeam

ANN = "ann@acme.test"
BO = "bo@acme.test"


def people(team: Team) -> list[str]:
    return sorted(
        TeamMember.objects.filter(team=team).values_list(
            "membership__user__email", flat=True
        )
    )


def member_ops(op: str, *ids: str) -> dict[str, object]:
    return {"op": op, "path": "members", "value": [{"value": i} for i in ids]}


@pytest.fixture
def ann(idp: ScimClient) -> str:
    return str(idp.add_user(ANN)["id"])


@pytest.fixture
def team(idp: ScimClient, ann: str) -> Team:
    made = idp.add_group("Engineering", ann)
    return Team.objects.get(resource_id=made["id"])


def test_group_becomes_a_team_with_its_members(team: Team) -> None:
    """S0-86."""
    assert (team.name, people(team)) == ("Engineering", [ANN])


def test_team_follows_the_name_and_the_members_of_the_group(
    idp: ScimClient, team: Team, ann: str
) -> None:
    bo = idp.add_user(BO)["id"]
    path = f"/Groups/{team.resource_id}"

    idp.patch(path, {"op": "replace", "path": "displayName", "value": "R&D"})
    idp.patch(path, member_ops("add", bo))
    idp.patch(path, {"op": "remove", "path": f'members[value eq "{ann}"]'})

    team.refresh_from_db()
    assert (team.name, people(team)) == ("R&D", [BO])


def test_deleted_group_takes_team_and_role_away(
    idp: ScimClient, team: Team, membership: Membership
) -> None:
    teams.give_role(team, Role.ADMIN, by=membership)
    assert member(ANN).role == Role.ADMIN

    assert idp.delete(f"/Groups/{team.resource_id}").status == 204

    assert not Team.objects.exists()
    assert (member(ANN).role, member(ANN).own_role) == (Role.MEMBER, "")


def test_highest_role_of_all_teams_counts(
    idp: ScimClient, team: Team, ann: str, membership: Membership
) -> None:
    other = Team.objects.get(resource_id=idp.add_group("Audit", ann)["id"])

    teams.give_role(other, Role.AUDITOR, by=membership)
    teams.give_role(team, Role.SUPER_ADMIN, by=membership)
    assert (member(ANN).role, member(ANN).role_team) == (Role.SUPER_ADMIN, team)

    idp.patch(f"/Groups/{team.resource_id}", member_ops("remove", ann))
    assert (member(ANN).role, member(ANN).role_team) == (Role.AUDITOR, other)

    idp.patch(f"/Groups/{other.resource_id}", member_ops("remove", ann))
    assert (member(ANN).role, member(ANN).role_team) == (Role.MEMBER, None)


def test_own_role_that_is_higher_stays(
    idp: ScimClient, team: Team, membership: Membership
) -> None:
    members.change_role(member(ANN), role=Role.ADMIN, by=membership)

    teams.give_role(team, Role.AUDITOR, by=membership)

    assert (member(ANN).role, member(ANN).role_team) == (Role.ADMIN, None)


def test_reactivated_member_gets_the_role_of_the_team_and_no_other(
    idp: ScimClient, team: Team, ann: str, membership: Membership
) -> None:
    teams.give_role(team, Role.AUDITOR, by=membership)
    members.change_role(member(ANN), role=Role.ADMIN, by=membership)
    for on in (False, True):
        idp.patch(f"/Users/{ann}", {"op": "replace", "path": "active", "value": on})

    assert (member(ANN).role, member(ANN).role_team) == (Role.AUDITOR, team)


def test_nobody_lowers_by_hand_what_a_team_gives(
    team: Team, membership: Membership
) -> None:
    teams.give_role(team, Role.ADMIN, by=membership)

    with pytest.raises(RoleFromTeam, match="Engineering"):
        members.change_role(member(ANN), role=Role.AUDITOR, by=membership)

    members.change_role(member(ANN), role=Role.SUPER_ADMIN, by=membership)
    assert (member(ANN).role, member(ANN).role_team) == (Role.SUPER_ADMIN, None)


def test_no_team_makes_owners(team: Team, membership: Membership) -> None:
    with pytest.raises(RoleTooHigh):
        teams.give_role(team, Role.OWNER, by=membership)


def test_admin_lets_no_team_and_no_rule_make_super_admins(
    team: Team, membership: Membership
) -> None:
    admin = factories.MembershipFactory(workspace=membership.workspace, role=Role.ADMIN)
    sync = DirectorySync.objects.get()
    rules = directory_sync.Rules(
        default_role=Role.SUPER_ADMIN,
        adopts=sync.adopts,
        allows_unproven=sync.allows_unproven,
        owned_tokens=DirectorySync.OwnedTokens(sync.owned_tokens),
    )

    with pytest.raises(RoleTooHigh):
        teams.give_role(team, Role.SUPER_ADMIN, by=admin)
    with pytest.raises(RoleTooHigh):
        directory_sync.change_rules(sync, rules, by=admin)

    teams.give_role(team, Role.SUPER_ADMIN, by=membership)
    with pytest.raises(RoleTooHigh):
        teams.give_role(team, None, by=admin)


def test_admin_brings_back_no_role_that_an_owner_took_from_the_rules_meanwhile(
    team: Team, membership: Membership
) -> None:
    admin = factories.MembershipFactory(workspace=membership.workspace, role=Role.ADMIN)
    seen = DirectorySync.objects.get()
    seen.default_role = Role.SUPER_ADMIN
    rules = directory_sync.Rules(
        default_role=Role.SUPER_ADMIN,
        adopts=seen.adopts,
        allows_unproven=seen.allows_unproven,
        owned_tokens=DirectorySync.OwnedTokens(seen.owned_tokens),
    )

    with pytest.raises(RoleTooHigh):
        directory_sync.change_rules(seen, rules, by=admin)


def test_member_without_rights_gives_no_role(team: Team) -> None:
    with pytest.raises(MemberError):
        teams.give_role(team, Role.ADMIN, by=member(ANN))


def test_idp_cannot_lower_a_break_glass_account(
    idp: ScimClient, team: Team, ann: str, membership: Membership
) -> None:
    teams.give_role(team, Role.ADMIN, by=membership)
    break_glass.mark(member(ANN), on=True, by=membership)

    left = idp.patch(f"/Groups/{team.resource_id}", member_ops("remove", ann))
    gone = idp.delete(f"/Groups/{team.resource_id}")

    assert (left.status, gone.status) == (403, 403)
    assert "cannot lower its role" in left.body["detail"]
    assert (member(ANN).role, people(team)) == (Role.ADMIN, [ANN])
    assert len(idp.get(f"/Groups/{team.resource_id}").body["members"]) == 1
    assert AuditEvent.objects.filter(action=audit.Sync.REFUSED).count() == 2


def test_change_of_role_by_a_team_is_in_the_audit_log(
    team: Team, membership: Membership
) -> None:
    teams.give_role(team, Role.ADMIN, by=membership)

    event = AuditEvent.objects.get(action=audit.Members.ROLE_CHANGED)
    assert event.data == {"before": "member", "after": "admin", "team": "Engineering"}


def test_group_in_a_group_makes_nobody_a_member_of_the_team(
    idp: ScimClient, team: Team
) -> None:
    outer = idp.add_group("Everybody", team.resource_id)

    assert people(Team.objects.get(resource_id=outer["id"])) == []
