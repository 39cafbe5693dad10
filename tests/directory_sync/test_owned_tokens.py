"""What becomes of a member's own tokens when Directory Sync takes the member away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail

from integrations.models import Integration
from tests import factories
from tests.conftest import ScimClient
from tests.directory_sync.conftest import member
from tokens import owner_notices
from tokens.audit import Action
from tokens.models import ScimToken
from workspaces import audit, directory_sync, members, sync_ending, teams
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import (
    AuditEvent,
    Directory,
    DirectorySync,
    Job,
    Membership,
    Role,
    Team,
    User,
)

ANN = "ann@acme.test"
Way = Callable[[ScimClient], None]


def patch(idp: ScimClient) -> None:
    operation = {"op": "replace", "path": "active", "value": False}
    answer = idp.patch(f"/Users/{member(ANN).resource_id}", operation)
    assert answer.status == 200


def delete(idp: ScimClient) -> None:
    assert idp.delete(f"/Users/{member(ANN).resource_id}").status == 204


def leave_team(idp: ScimClient) -> None:
    ann = member(ANN).resource_id
    operation = {"op": "remove", "path": f'members[value eq "{ann}"]'}
    path = f"/Groups/{Team.objects.get().resource_id}"
    assert idp.patch(path, operation).status == 200


def delete_team(idp: ScimClient) -> None:
    assert idp.delete(f"/Groups/{Team.objects.get().resource_id}").status == 204


WAYS = pytest.mark.parametrize("way", [patch, delete, leave_team, delete_team])
ENDS = pytest.mark.parametrize("way", [patch, delete])


@pytest.fixture
def ann(idp: ScimClient, membership: Membership) -> Membership:
    """An administrator by her team."""
    idp.add_group("Engineering", idp.add_user(ANN, displayName="Ann")["id"])
    teams.give_role(Team.objects.get(), Role.ADMIN, by=membership)
    return member(ANN)


@pytest.fixture
def theirs(ann: Membership, integration: Integration) -> ScimClient:
    """A connection with a token of Ann's."""
    directory = integration.directory
    issued = factories.issue_token(directory, name="okta-prod", owner=ann)
    client = ScimClient(directory, issued.plaintext)
    assert client.get("/Users").status == 200
    return client


@pytest.fixture
def handing_over(sync: DirectorySync) -> None:
    DirectorySync.objects.filter(pk=sync.pk).update(owned_tokens="hand_over")


def sent() -> list[mail.EmailMessage]:
    Worker(threads=1).drain()
    return [m for m in mail.outbox if "The tokens of" in m.subject]


def recorded() -> list[str]:
    actions = [Action.OWNER_ENDED, Action.HANDED_OVER]
    events = AuditEvent.objects.filter(action__in=actions)
    return [event.action for event in events]


class TestStop:
    @WAYS
    def test_is_what_happens_unless_the_rules_say_otherwise(
        self, idp: ScimClient, theirs: ScimClient, way: Way
    ) -> None:
        """S0-106."""
        way(idp)

        assert theirs.get("/Users").status == 401
        assert ScimToken.objects.get(name="okta-prod").owner_label == "Ann"
        assert recorded() == [Action.OWNER_ENDED]

    @WAYS
    def test_administrators_are_told_which_connections_stopped(
        self, idp: ScimClient, theirs: ScimClient, own: Directory, way: Way
    ) -> None:
        """One mail for all of them, and none to whom they belonged."""
        factories.issue_token(own, name="second", owner=member(ANN))

        way(idp)

        [told] = sent()
        assert told.recipients() == ["alice@acme.test"]
        assert told.subject == "The tokens of Ann stopped"
        token = ScimToken.objects.get(name="okta-prod")
        assert f"- {token} of Acme Demo: http" in told.body
        assert "/settings/connected-services/" in told.body
        second = ScimToken.objects.get(name="second")
        assert f"- {second} of Directory Sync: http" in told.body
        assert "are cut off" in told.body
        assert theirs.token not in told.body


class TestCause:
    """The mail names what it was: not always Directory Sync."""

    def test_of_the_idp(self, idp: ScimClient, theirs: ScimClient) -> None:
        delete(idp)

        [told] = sent()
        assert "Ann: Directory Sync deactivated or deleted this member" in told.body

    def test_of_an_administrator_who_lowers_a_teams_role(
        self, theirs: ScimClient, membership: Membership
    ) -> None:
        team = Team.objects.get()

        teams.give_role(team, None, by=membership)

        [told] = sent()
        assert (
            "Ann: Alice changed the role that the team Engineering gives its members."
            in told.body
        )
        assert "Directory Sync" not in told.body
        ended = AuditEvent.objects.get(action=Action.OWNER_ENDED)
        assert ended.actor == membership.user
        changed = AuditEvent.objects.filter(action=audit.Members.ROLE_CHANGED)
        assert changed.order_by("-id")[0].actor == membership.user

    def test_of_turning_directory_sync_off(
        self, theirs: ScimClient, membership: Membership
    ) -> None:
        sync_ending.turn_off(
            membership.workspace,
            fate=sync_ending.Fate.DEACTIVATE,
            by=membership,
            now=database_now(),
        )

        [told] = sent()
        assert "Ann: Alice turned Directory Sync off" in told.body


@pytest.mark.usefixtures("handing_over")
class TestHandOver:
    @WAYS
    def test_token_goes_on_as_the_workspaces(
        self, idp: ScimClient, theirs: ScimClient, way: Way
    ) -> None:
        way(idp)

        assert theirs.get("/Users").status == 200
        token = ScimToken.objects.get(name="okta-prod")
        assert (token.owner, token.owner_label) == (None, "")

    @WAYS
    def test_is_recorded_with_the_former_owner(
        self, idp: ScimClient, theirs: ScimClient, way: Way
    ) -> None:
        way(idp)

        assert recorded() == [Action.HANDED_OVER]
        event = AuditEvent.objects.get(action=Action.HANDED_OVER)
        token = ScimToken.objects.get(name="okta-prod")
        assert (event.actor, event.target_id) == (None, token.key)
        assert event.data == {
            "directory": theirs.directory.key,
            "former_owner": "Ann",
        }

    @pytest.mark.parametrize(
        ("way", "action"),
        [(patch, audit.Sync.DEACTIVATED), (delete, audit.Sync.DEPROVISIONED)],
    )
    def test_event_of_the_member_does_not_say_that_it_stopped(
        self, idp: ScimClient, theirs: ScimClient, way: Way, action: audit.Sync
    ) -> None:
        way(idp)

        event = AuditEvent.objects.get(action=action)
        token = ScimToken.objects.get(name="okta-prod")
        assert event.data["handed_over"] == f"{token} of Acme Demo"
        assert "stops" not in event.data

    @WAYS
    def test_administrators_are_told_which_connections_go_on(
        self, idp: ScimClient, theirs: ScimClient, way: Way
    ) -> None:
        way(idp)

        [told] = sent()
        assert told.recipients() == ["alice@acme.test"]
        assert told.subject == "The tokens of Ann were handed over to the workspace"
        token = ScimToken.objects.get(name="okta-prod")
        assert f"- {token} of Acme Demo: http" in told.body
        assert "Replace those that Ann may have kept" in told.body
        assert theirs.token not in told.body

    def test_reactivated_member_does_not_get_it_back(
        self, idp: ScimClient, theirs: ScimClient, ann: Membership
    ) -> None:
        patch(idp)

        operation = {"op": "replace", "path": "active", "value": True}
        idp.patch(f"/Users/{ann.resource_id}", operation)

        assert member(ANN).role == Role.ADMIN
        assert ScimToken.objects.get(name="okta-prod").owner is None

    @ENDS
    def test_what_had_stopped_before_stays_stopped(
        self, idp: ScimClient, own: Directory, ann: Membership, way: Way
    ) -> None:
        """Neither a revoked token nor one whose owner lost the role before works again."""
        revoked = factories.issue_token(own, name="revoked", owner=ann)
        ScimToken.objects.filter(pk=revoked.token.pk).update(revoked_at=database_now())
        lowered = factories.issue_token(own, name="lowered", owner=ann)
        Membership.objects.filter(pk=ann.pk).update(role=Role.MEMBER, own_role="")

        way(idp)

        for issued in (revoked, lowered):
            client = ScimClient(own, issued.plaintext)
            assert client.get("/Users").status == 401
        assert recorded() == []
        assert sent() == []

    def test_token_of_another_member_is_untouched(
        self,
        idp: ScimClient,
        theirs: ScimClient,
        own: Directory,
        membership: Membership,
    ) -> None:
        factories.issue_token(own, name="alices", owner=membership)

        patch(idp)

        assert ScimToken.objects.get(name="alices").owner == membership

    def test_role_that_may_manage_tokens_keeps_it(
        self, idp: ScimClient, theirs: ScimClient, ann: Membership
    ) -> None:
        """Another team takes over: nothing ends."""
        Membership.objects.filter(pk=ann.pk).update(own_role=Role.SUPER_ADMIN)

        leave_team(idp)

        assert ScimToken.objects.get(name="okta-prod").owner == ann
        assert recorded() == []

    def test_refused_deactivation_hands_nothing_over(
        self, idp: ScimClient, theirs: ScimClient, ann: Membership
    ) -> None:
        """A break-glass account stays, and so do its tokens."""
        Membership.objects.filter(pk=ann.pk).update(is_break_glass=True)
        operation = {"op": "replace", "path": "active", "value": False}

        answer = idp.patch(f"/Users/{ann.resource_id}", operation)

        assert answer.status == 403
        assert ScimToken.objects.get(name="okta-prod").owner == ann
        assert not Job.objects.filter(kind=owner_notices.JOB).exists()

    def test_role_that_a_person_lowers_stops_it_as_ever(
        self, theirs: ScimClient, ann: Membership, membership: Membership
    ) -> None:
        """The rule is about what Directory Sync does."""
        Membership.objects.filter(pk=ann.pk).update(role_team=None, own_role="")

        members.change_role(member(ANN), role=Role.AUDITOR, by=membership)

        assert theirs.get("/Users").status == 401
        assert recorded() == [Action.OWNER_ENDED]
        assert not Job.objects.filter(kind=owner_notices.JOB).exists()

    def test_rule_of_another_workspace_does_not_count(
        self,
        idp: ScimClient,
        theirs: ScimClient,
        sync: DirectorySync,
        other_integration: Integration,
        charlie: User,
    ) -> None:
        DirectorySync.objects.filter(pk=sync.pk).update(owned_tokens="stop")
        other = other_integration.workspace
        turned_on = directory_sync.turn_on(other, actor=charlie, now=database_now())
        DirectorySync.objects.filter(pk=turned_on.pk).update(owned_tokens="hand_over")

        patch(idp)

        assert theirs.get("/Users").status == 401


class TestMail:
    def test_member_without_tokens_makes_none(
        self, idp: ScimClient, ann: Membership
    ) -> None:
        patch(idp)

        assert not Job.objects.filter(kind=owner_notices.JOB).exists()

    def test_second_time_is_told_too(
        self, idp: ScimClient, theirs: ScimClient, ann: Membership
    ) -> None:
        """Stopped, brought back by the team's role, and stopped again."""
        patch(idp)
        operation = {"op": "replace", "path": "active", "value": True}
        idp.patch(f"/Users/{ann.resource_id}", operation)
        assert theirs.get("/Users").status == 200

        patch(idp)

        assert len(sent()) == 2

    def test_tokens_that_are_gone_by_then_make_none(
        self, idp: ScimClient, theirs: ScimClient
    ) -> None:
        patch(idp)
        ScimToken.objects.filter(name="okta-prod").delete()

        assert sent() == []
        job = Job.objects.get(kind=owner_notices.JOB)
        assert job.result["note"] == "The tokens are gone."

    def test_name_with_a_line_break_stays_in_its_line(
        self, idp: ScimClient, theirs: ScimClient
    ) -> None:
        ScimToken.objects.filter(name="okta-prod").update(
            owner_label="Ann\r\nBcc: eve@elsewhere.test"
        )

        patch(idp)

        [told] = sent()
        assert told.subject == "The tokens of Ann Bcc: eve@elsewhere.test stopped"
