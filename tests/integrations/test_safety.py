"""What keeps an app from being changed too much, too early or for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail

from integrations import services
from integrations.audit import Action
from integrations.models import AppAccount, Integration, Provisioning, RestorePoint
from integrations.provisioning import (
    observing,
    planning,
    removals,
    restoring,
    unassigning,
    undoing,
    wanted,
)
from integrations.reports import plan as plans
from integrations.syncing import drifting, person
from tests.conftest import JSON, ScimClient
from tests.integrations.outside import Outside
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User

Work = Callable[..., None]
State = Provisioning.State
ANN, BO = "ann.lee@acme.test", "bo@acme.test"
POLICY = Integration.OnUnassign


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


@pytest.fixture
def ann(scim: ScimClient, work: Work) -> JSON:
    """Ann, provisioned."""
    user = scim.add_user(ANN, displayName="Ann Lee", emails=[{"value": ANN}])
    work()
    return user


@pytest.fixture
def team(scim: ScimClient, work: Work) -> list[JSON]:
    """Five people, provisioned. Three removals are too many."""
    Integration.objects.update(threshold_minimum=3)
    users = [scim.add_user(f"p{n}@acme.test", displayName=f"P {n}") for n in range(5)]
    work()
    return users


def row_of(user: JSON) -> Provisioning:
    return Provisioning.objects.get(resource_id_public=user["id"])


def set_active(scim: ScimClient, user: JSON, *, active: bool) -> None:
    change = {"op": "replace", "path": "active", "value": active}
    assert scim.patch(f"/Users/{user['id']}", change).status == 200


def rename(scim: ScimClient, user: JSON, name: str) -> None:
    change = {"op": "replace", "path": "displayName", "value": name}
    assert scim.patch(f"/Users/{user['id']}", change).status == 200


def sync(integration: Integration, work: Work) -> None:
    services.request_sync(integration, actor=None, now=database_now())
    work()


def active_in(outside: Outside) -> int:
    return sum(user["active"] for user in outside.users().values())


class TestObserveOnly:
    @pytest.fixture(autouse=True)
    def observes(self, integration: Integration, alice: User) -> None:
        observing.begin(integration, actor=alice, now=database_now())

    def test_idp_is_answered_and_nothing_is_written(
        self, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        user = scim.add_user(ANN)
        work()
        set_active(scim, user, active=False)
        work()

        assert scim.get(f"/Users/{user['id']}").body["active"] is False
        assert outside.requests() == []
        assert Job.objects.get(kind=wanted.JOB).state == Job.State.HELD

    def test_let_loose_applies_the_plan(
        self,
        integration: Integration,
        scim: ScimClient,
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        user = scim.add_user(ANN)
        work()

        assert observing.let_loose(integration, actor=alice, now=database_now()) == 1
        work()

        assert ANN in outside.users()
        assert row_of(user).state == State.ONBOARDED
        event = AuditEvent.objects.get(action=Action.LET_LOOSE)
        assert (event.actor, event.data) == (alice, {"people": 1})
        now = database_now()
        assert observing.let_loose(integration, actor=alice, now=now) is None

    def test_plan_tells_what_would_be_created_and_granted(
        self, integration: Integration, scim: ScimClient, work: Work
    ) -> None:
        sync(integration, work)
        user = scim.add_user(ANN, displayName="Ann Lee")
        (group,) = scim.get("/Groups", filter='displayName eq "Sales"').resources
        members = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
        scim.patch(f"/Groups/{group['id']}", members)
        work()

        (row,) = plans.rows_of(integration, plans.WAITING)
        (plan,) = planning.plans_of(integration, [row])

        assert plan.kind == planning.Kind.CREATE
        assert plan.granted == ("group Sales",)
        assert plans.numbers(integration).create == 1


class TestThreshold:
    """F28 and SCI-34: too many removals at once stop and wait for a person."""

    def take_away(self, scim: ScimClient, users: list[JSON]) -> None:
        for user in users:
            set_active(scim, user, active=False)

    def test_below_it_nothing_waits(
        self, scim: ScimClient, team: list[JSON], work: Work, outside: Outside
    ) -> None:
        before = active_in(outside)

        self.take_away(scim, team[:2])
        work()

        assert active_in(outside) == before - 2

    def test_above_it_all_that_wait_are_held(
        self,
        integration: Integration,
        scim: ScimClient,
        team: list[JSON],
        work: Work,
        outside: Outside,
    ) -> None:
        """F28: what the IdP takes away beyond the threshold waits for a person."""
        before = active_in(outside)
        outside.forget()

        self.take_away(scim, team[:4])
        rename(scim, team[4], "Somebody else")
        work()

        integration.refresh_from_db()
        assert active_in(outside) == before
        assert outside.user("p4@acme.test")["display_name"] == "Somebody else"
        assert removals.held(integration).count() == 4
        assert all(not scim.get(f"/Users/{u['id']}").body["active"] for u in team[:4])
        job = Job.objects.filter(kind=wanted.JOB, state=Job.State.HELD).latest("id")
        assert "4 of 5 users would be removed (limit 20 %)" in job.error

    def test_deletions_count_alike(
        self,
        integration: Integration,
        scim: ScimClient,
        team: list[JSON],
        work: Work,
        outside: Outside,
    ) -> None:
        for user in team[:3]:
            scim.delete(f"/Users/{user['id']}")
        work()

        integration.refresh_from_db()
        assert removals.held(integration).count() == 3
        assert {f"p{n}@acme.test" for n in range(5)} <= set(outside.users())

    def test_what_was_taken_away_a_moment_ago_counts(
        self,
        integration: Integration,
        scim: ScimClient,
        team: list[JSON],
        work: Work,
        outside: Outside,
    ) -> None:
        before = active_in(outside)
        for user in team[:4]:
            set_active(scim, user, active=False)
            work()

        integration.refresh_from_db()
        assert active_in(outside) == before - 2
        assert removals.held(integration).count() == 2

    def test_administrators_hear_once(
        self, scim: ScimClient, team: list[JSON], work: Work
    ) -> None:
        self.take_away(scim, team[:4])
        work()
        work()

        assert len(mail.outbox) == 1
        assert "wait for a decision" in mail.outbox[0].subject
        assert "/removals/" in mail.outbox[0].body
        assert AuditEvent.objects.filter(action=Action.REMOVALS_HELD).count() == 1

    def test_approve_one_and_then_all(
        self,
        integration: Integration,
        scim: ScimClient,
        team: list[JSON],
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        before = active_in(outside)
        self.take_away(scim, team[:4])
        work()
        integration.refresh_from_db()

        now = database_now()
        one = {team[0]["id"]}
        assert removals.approve(integration, one, actor=alice, now=now) == 1
        work()
        assert active_in(outside) == before - 1
        assert removals.approve(integration, None, actor=alice, now=now) == 3
        work()

        integration.refresh_from_db()
        assert active_in(outside) == before - 4
        assert integration.removals_held_at is None
        set_active(scim, team[4], active=False)
        work()
        assert active_in(outside) == before - 5

    def test_discard_is_what_the_idp_reads(
        self,
        integration: Integration,
        scim: ScimClient,
        team: list[JSON],
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        before = active_in(outside)
        self.take_away(scim, team[:3])
        scim.delete(f"/Users/{team[3]['id']}")
        work()
        integration.refresh_from_db()

        now = database_now()
        assert removals.discard(integration, None, actor=alice, now=now) == 4
        work()

        integration.refresh_from_db()
        assert active_in(outside) == before
        assert scim.get(f"/Users/{team[0]['id']}").body["active"] is True
        (again,) = scim.get("/Users", filter='userName eq "p3@acme.test"').resources
        assert again["active"] is True
        assert row_of(again).is_matched is False
        assert row_of(team[0]).state == State.ONBOARDED
        assert integration.removals_held_at is None
        assert not Job.objects.filter(state__in=Job.OPEN).exists()
        sync(integration, work)
        assert scim.get("/Users", count=1).body["totalResults"] == 5 + 7

    def test_discard_of_somebody_whom_the_idp_has_made_again(
        self,
        integration: Integration,
        scim: ScimClient,
        team: list[JSON],
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        for user in team[:3]:
            scim.delete(f"/Users/{user['id']}")
        work()
        again = scim.add_user("p0@acme.test")
        integration.refresh_from_db()

        now = database_now()
        assert removals.discard(integration, None, actor=alice, now=now) == 3
        work()

        row = row_of(again)
        assert (row.state, row.is_matched) == (State.ONBOARDED, True)
        assert row.account is not None
        assert row.account.username == "p0@acme.test"

    def test_who_comes_back_is_no_removal(
        self,
        integration: Integration,
        scim: ScimClient,
        team: list[JSON],
        work: Work,
        outside: Outside,
    ) -> None:
        before = active_in(outside)
        self.take_away(scim, team[:4])
        work()

        for user in team[:4]:
            set_active(scim, user, active=True)
        work()

        integration.refresh_from_db()
        assert removals.held(integration).count() == 0
        assert active_in(outside) == before
        set_active(scim, team[0], active=False)
        work()
        assert active_in(outside) == before - 1

    def test_another_workspace_decides_nothing(
        self,
        integration: Integration,
        other_integration: Integration,
        scim: ScimClient,
        team: list[JSON],
        work: Work,
        charlie: User,
    ) -> None:
        self.take_away(scim, team[:4])
        work()

        ids = {user["id"] for user in team}
        now = database_now()
        assert removals.approve(other_integration, ids, actor=charlie, now=now) == 0


class TestRemovalPolicy:
    def policy(self, integration: Integration, policy: str) -> None:
        Integration.objects.filter(pk=integration.pk).update(on_unassign=policy)

    @pytest.mark.parametrize("how", ["deactivated", "deleted"])
    def test_never_leaves_the_account(
        self,
        integration: Integration,
        scim: ScimClient,
        ann: JSON,
        work: Work,
        outside: Outside,
        how: str,
    ) -> None:
        self.policy(integration, POLICY.NEVER)
        outside.forget()

        if how == "deleted":
            scim.delete(f"/Users/{ann['id']}")
        else:
            set_active(scim, ann, active=False)
        work()

        assert outside.user(ANN)["active"] == 1
        assert outside.writes() == []
        expected = State.DELETED if how == "deleted" else State.ONBOARDED
        assert row_of(ann).state == expected
        assert AppAccount.objects.filter(username=ANN).exists()

    @pytest.mark.parametrize("how", ["deactivated", "deleted"])
    def test_delete_later_deactivates_first(
        self,
        integration: Integration,
        scim: ScimClient,
        ann: JSON,
        work: Work,
        outside: Outside,
        how: str,
    ) -> None:
        self.policy(integration, POLICY.DELETE_LATER)

        if how == "deleted":
            scim.delete(f"/Users/{ann['id']}")
        else:
            set_active(scim, ann, active=False)
        work()

        assert outside.user(ANN)["active"] == 0
        left = row_of(ann).delete_at
        assert left is not None
        assert timedelta(days=29) < left - database_now() <= timedelta(days=30)

        self.days_pass(integration)
        work()
        assert ANN not in outside.users()

    def days_pass(self, integration: Integration) -> None:
        Provisioning.objects.filter(delete_at__isnull=False).update(
            delete_at=database_now() - timedelta(minutes=1)
        )
        unassigning.delete_due(Job(workspace=integration.workspace))

    def test_who_comes_back_stays(
        self,
        integration: Integration,
        scim: ScimClient,
        ann: JSON,
        work: Work,
        outside: Outside,
    ) -> None:
        self.policy(integration, POLICY.DELETE_LATER)
        set_active(scim, ann, active=False)
        work()

        set_active(scim, ann, active=True)
        work()

        assert row_of(ann).delete_at is None
        self.days_pass(integration)
        work()
        assert outside.user(ANN)["active"] == 1

    def test_who_comes_back_as_another_user_keeps_the_account(
        self,
        integration: Integration,
        scim: ScimClient,
        ann: JSON,
        work: Work,
        outside: Outside,
    ) -> None:
        self.policy(integration, POLICY.DELETE_LATER)
        account = outside.user(ANN)["id"]
        scim.delete(f"/Users/{ann['id']}")
        work()

        again = scim.add_user(ANN)
        work()

        assert row_of(again).state == State.ONBOARDED
        assert row_of(ann).state == State.DELETED
        self.days_pass(integration)
        work()
        assert outside.user(ANN)["id"] == account
        assert outside.user(ANN)["active"] == 1


class TestDrift:
    def test_change_by_hand_is_seen_and_put_right(
        self,
        integration: Integration,
        ann: JSON,
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        sync(integration, work)
        assert not drifting.drifted(integration).exists()
        outside.change_user(ANN, display_name="Somebody", active=0)
        sync(integration, work)

        (row,) = plans.rows_of(integration, plans.DRIFT)
        (plan,) = planning.plans_of(integration, [row])
        assert plan.kind == planning.Kind.REACTIVATE
        assert plans.in_words(plan) == "display name: Somebody → Ann Lee"
        assert outside.user(ANN)["display_name"] == "Somebody"

        found = drifting.drifted(integration)
        now = database_now()
        assert drifting.put_right(integration, found, actor=alice, now=now) == 1
        work()
        assert outside.user(ANN)["display_name"] == "Ann Lee"
        assert outside.user(ANN)["active"] == 1
        assert not drifting.drifted(integration).exists()

    def test_account_deleted_by_hand_has_drifted(
        self, integration: Integration, ann: JSON, work: Work, outside: Outside
    ) -> None:
        Integration.objects.update(threshold_percent=100)
        outside.remove_user(ANN)
        sync(integration, work)

        (row,) = drifting.drifted(integration)
        assert row.resource_id_public == ann["id"]

    def test_grant_taken_by_hand_has_drifted_and_one_given_by_hand_has_not(
        self,
        integration: Integration,
        scim: ScimClient,
        ann: JSON,
        work: Work,
        outside: Outside,
    ) -> None:
        """SCIM touches only what SCIM gave."""
        sync(integration, work)
        (group,) = scim.get("/Groups", filter='displayName eq "Sales"').resources
        members = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
        scim.patch(f"/Groups/{group['id']}", members)
        work()
        outside.add_member("Support", ANN)
        sync(integration, work)
        assert not drifting.drifted(integration).exists()

        outside.remove_member("Sales", ANN)
        sync(integration, work)
        assert drifting.drifted(integration).count() == 1

    def test_one_person_is_synced_alone(
        self,
        integration: Integration,
        ann: JSON,
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        """S0-66: it reads one account and writes nothing."""
        outside.change_user(ANN, display_name="Somebody")
        outside.forget()

        job = person.request(row_of(ann), actor=alice, now=database_now())
        work()

        job.refresh_from_db()
        assert job.state == Job.State.COMPLETED
        assert AppAccount.objects.get(username=ANN).display_name == "Somebody"
        assert drifting.drifted(integration).count() == 1
        assert outside.writes() == []
        paths = [path for _, path, _ in outside.requests() if "/users" in path]
        assert len(paths) == 1


class TestUndo:
    def undo(self, point: RestorePoint, actor: User) -> None:
        undoing.request(point, actor=actor, now=database_now())

    def last(self) -> RestorePoint:
        return RestorePoint.objects.filter(is_undo=False).latest("pk")

    def test_update_gets_its_old_values_back(
        self, scim: ScimClient, ann: JSON, work: Work, outside: Outside, alice: User
    ) -> None:
        rename(scim, ann, "Anna Lee")
        work()
        point = self.last()
        assert undoing.plan([point]).steps == [
            "Change the display name from Anna Lee back to Ann Lee"
        ]

        self.undo(point, alice)
        work()

        row = row_of(ann)
        assert outside.user(ANN)["display_name"] == "Ann Lee"
        assert scim.get(f"/Users/{ann['id']}").body["displayName"] == "Anna Lee"
        assert (row.undone_by, row.state) == (alice, State.ONBOARDED)
        point.refresh_from_db()
        assert point.undone_by == alice
        event = AuditEvent.objects.get(action=Action.UNDO_REQUESTED)
        assert (event.actor, event.data["user"]) == (alice, ann["id"])

    def test_it_lasts_until_the_next_change_of_the_idp(
        self,
        integration: Integration,
        scim: ScimClient,
        ann: JSON,
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        rename(scim, ann, "Anna Lee")
        work()
        self.undo(self.last(), alice)
        work()
        sync(integration, work)
        assert outside.user(ANN)["display_name"] == "Ann Lee"
        assert not drifting.drifted(integration).exists()

        rename(scim, ann, "Anna Maria Lee")
        work()

        assert outside.user(ANN)["display_name"] == "Anna Maria Lee"
        assert row_of(ann).undone_at is None

    def test_created_account_is_deactivated(
        self, ann: JSON, work: Work, outside: Outside, alice: User
    ) -> None:
        self.undo(self.last(), alice)
        work()

        assert outside.user(ANN)["active"] == 0

    def test_deactivation_and_grants_are_taken_back(
        self,
        integration: Integration,
        scim: ScimClient,
        ann: JSON,
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        sync(integration, work)
        (group,) = scim.get("/Groups", filter='displayName eq "Sales"').resources
        members = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
        scim.patch(f"/Groups/{group['id']}", members)
        work()
        set_active(scim, ann, active=False)
        work()
        assert ANN not in outside.members("Sales")

        self.undo(self.last(), alice)
        work()

        assert outside.user(ANN)["active"] == 1
        assert ANN in outside.members("Sales")
        assert [each[2] for each in row_of(ann).granted] == ["group"]

    def test_deleted_account_is_made_again(
        self,
        integration: Integration,
        scim: ScimClient,
        ann: JSON,
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        scim.delete(f"/Users/{ann['id']}")
        work()
        assert ANN not in outside.users()

        self.undo(self.last(), alice)
        work()
        sync(integration, work)

        assert outside.user(ANN)["display_name"] == "Ann Lee"
        (user,) = scim.get("/Users", filter=f'userName eq "{ANN}"').resources
        assert row_of(user).is_matched is False

    def test_run_is_undone_as_a_whole(
        self,
        integration: Integration,
        team: list[JSON],
        work: Work,
        outside: Outside,
        alice: User,
    ) -> None:
        run = self.last().run
        assert RestorePoint.objects.filter(run=run).count() == 5

        asked, refused = undoing.request_run(
            integration, run, actor=alice, now=database_now()
        )
        work()

        assert (asked, refused) == (5, [])
        assert all(outside.user(f"p{n}@acme.test")["active"] == 0 for n in range(5))
        assert not undoing.undoable(integration).exists()

    def test_who_has_work_waiting_is_refused(
        self, scim: ScimClient, ann: JSON, alice: User
    ) -> None:
        rename(scim, ann, "Anna Lee")

        with pytest.raises(undoing.NotNow, match="still has work to do"):
            self.undo(self.last(), alice)

    def test_newer_wish_of_the_idp_takes_the_place_of_an_undo(
        self, scim: ScimClient, ann: JSON, work: Work, outside: Outside, alice: User
    ) -> None:
        self.undo(self.last(), alice)
        rename(scim, ann, "Anna Lee")
        work()

        assert outside.user(ANN)["active"] == 1
        assert outside.user(ANN)["display_name"] == "Anna Lee"

    def test_points_are_pruned(self, integration: Integration, ann: JSON) -> None:
        now = database_now()
        RestorePoint.objects.update(at=now - restoring.KEEP - timedelta(hours=1))

        gone = restoring.prune(Job(workspace=integration.workspace))

        assert gone == {"deleted": 1}
