"""Sync reads the app and writes nothing there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from integrations import services
from integrations.audit import Action
from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.syncing import holding, sync
from scim.models import Change, GroupMember, Resource
from tests.conftest import JSON, ScimClient
from tests.integrations.outside import USERNAME, Outside
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User

Work = Callable[..., None]
Sync = Callable[[], Job]
State = Provisioning.State
TOMAS = "tomas.novak@example.com"
WALTER = "walter.finch@example.com"


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


@pytest.fixture
def run_sync(integration: Integration) -> Sync:
    """Carry out a sync, and nothing else that waits."""

    def run() -> Job:
        job = ask(integration)
        long_ago = database_now() - timedelta(days=1)
        Job.objects.filter(pk=job.pk).update(due_at=long_ago)
        taken = leases.claim(worker="w", now=database_now())
        assert taken == job
        leases.carry_out(taken)
        taken.refresh_from_db()
        return taken

    return run


def ask(integration: Integration, actor: User | None = None) -> Job:
    return services.request_sync(integration, actor=actor, now=database_now())


def user_of(scim: ScimClient, name: str) -> JSON:
    (user,) = scim.get("/Users", filter=f'userName eq "{name}"').resources
    return user


def group_of(scim: ScimClient, name: str) -> JSON:
    (group,) = scim.get("/Groups", filter=f'displayName eq "{name}"').resources
    return group


def members_of(scim: ScimClient, name: str) -> set[str]:
    names = {u["id"]: u["userName"] for u in scim.get("/Users", count=200).resources}
    return {
        names[member["value"]] for member in group_of(scim, name).get("members", [])
    }


def change_member(scim: ScimClient, op: str, group: str, user: JSON) -> None:
    change: JSON = {"op": op, "path": "members", "value": [{"value": user["id"]}]}
    if op == "remove":
        change = {"op": op, "path": f'members[value eq "{user["id"]}"]'}
    answer = scim.patch(f"/Groups/{group_of(scim, group)['id']}", change)
    assert answer.status in {200, 204}, answer.text


class TestImport:
    def test_users_are_in_the_directory(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        """E0-7, S0-62, S0-67 and S0-70: the gateway lists whom the sync found."""
        run_sync()

        listed = scim.get("/Users", count=100).resources
        assert {u["userName"] for u in listed} == set(outside.users()) - {USERNAME}
        tomas = user_of(scim, TOMAS)
        assert tomas["name"] == {"givenName": "Tomáš", "familyName": "Novák"}
        assert tomas["displayName"] == "Tomáš Novák"
        assert tomas["emails"] == [{"value": TOMAS, "primary": True}]
        assert tomas["active"] is True
        assert user_of(scim, WALTER)["active"] is False
        assert set(Resource.objects.values_list("source", flat=True)) == {"app"}

    def test_groups_are_there_with_their_members(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        run_sync()

        names = {g["displayName"] for g in scim.get("/Groups").resources}
        assert names == {"Engineering", "Sales", "Support"}
        for name in names:
            assert members_of(scim, name) == outside.members(name)

    def test_everybody_is_onboarded(self, run_sync: Sync, scim: ScimClient) -> None:
        run_sync()

        rows = Provisioning.objects.select_related("account", "resource")
        assert rows.count() == 7
        assert all(row.state == State.ONBOARDED for row in rows)
        assert all(row.account and row.resource for row in rows)

    def test_report_counts(self, run_sync: Sync, integration: Integration) -> None:
        before = database_now()

        job = run_sync()

        integration.refresh_from_db()
        assert job.state == Job.State.COMPLETED
        numbers = ("users", "groups", "roles", "new", "changed", "removed")
        assert [job.result[name] for name in numbers] == [7, 3, 0, 10, 0, 0]
        assert job.result["message"] == (
            "Sync finished. 7 users, 3 groups, 0 roles, 0 entitlements. "
            "10 new, 0 changed, 0 removed."
        )
        assert integration.last_synced_at is not None
        assert integration.last_synced_at >= before

    def test_many_pages_are_read(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        for number in range(230):
            outside.add_user(f"many{number:03}@example.com")

        job = run_sync()

        assert job.result["users"] == 237
        assert scim.get("/Users", count=1).body["totalResults"] == 237

    def test_user_of_the_same_name_is_matched(
        self, run_sync: Sync, scim: ScimClient
    ) -> None:
        mine = scim.add_user("Tomas.Novak@EXAMPLE.com", displayName="T. N.")

        run_sync()

        account = AppAccount.objects.get(username=TOMAS)
        assert account.resource is not None
        assert account.resource.public_id == mine["id"]
        assert scim.get("/Users", count=1).body["totalResults"] == 7
        assert scim.get(f"/Users/{mine['id']}").body["displayName"] == "T. N."

    def test_one_that_cannot_be_taken_over_is_told_and_stops_nobody(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        outside.add_user("snow\u2603man", display_name="No user name for SCIM")

        job = run_sync()

        assert job.state == Job.State.COMPLETED
        assert "1 could not be imported." in job.result["message"]
        assert len(job.result["skipped"]) == 1
        assert scim.get("/Users", count=1).body["totalResults"] == 7


class TestTwice:
    def test_changes_nothing(self, run_sync: Sync) -> None:
        run_sync()
        before = everything()

        job = run_sync()

        assert everything() == before
        numbers = ("new", "changed", "removed")
        assert [job.result[name] for name in numbers] == [0, 0, 0]
        assert not Job.objects.exclude(kind=sync.JOB).exists()

    def test_makes_no_work_and_no_write(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        scim.add_user("ann@acme.test", displayName="Ann")
        work()
        outside.forget()

        run_sync()
        work()
        run_sync()
        work()

        assert outside.writes() == []
        assert not Job.objects.filter(state__in=Job.OPEN).exists()


class TestWritesNothing:
    """S0-66: whatever a sync finds, it asks the app and changes nothing there."""

    def test_first_and_later_ones(
        self, run_sync: Sync, work: Work, outside: Outside
    ) -> None:
        run_sync()
        outside.add_user("new@example.com", display_name="New")
        outside.remove_user(TOMAS)
        outside.change_user(WALTER, active=1, last_name="Finch-Hatton")
        outside.add_member("Sales", WALTER)
        outside.remove_member("Support", "jonas.berg@example.com")
        outside.remove_group("Engineering")
        run_sync()
        work()

        assert outside.writes() == []

    def test_with_users_of_the_idp_in_between(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        scim.add_user(TOMAS, displayName="Another name", active=False)

        run_sync()

        assert outside.writes() == []
        assert outside.user(TOMAS)["active"] == 1


class TestJoining:
    """S0-65: a second request is the sync that waits or runs."""

    def test_second_request_joins_the_one_that_waits(
        self, integration: Integration, alice: User
    ) -> None:
        first, second = ask(integration, alice), ask(integration, alice)

        assert first == second
        assert Job.objects.count() == 1
        asked = AuditEvent.objects.filter(action=Action.SYNC_REQUESTED)
        assert [event.actor for event in asked] == [alice]

    @pytest.mark.parametrize("state", Job.LEASED)
    def test_second_request_joins_the_one_that_runs(
        self, integration: Integration, state: str
    ) -> None:
        ask(integration)
        running = leases.claim(worker="w", now=database_now())
        assert running is not None
        Job.objects.update(state=state)

        assert ask(integration) == running
        assert Job.objects.count() == 1

    def test_request_after_the_end_is_a_new_one(
        self, run_sync: Sync, integration: Integration
    ) -> None:
        first = run_sync()

        assert ask(integration) != first

    def test_integrations_sync_apart(
        self, integration: Integration, other_integration: Integration
    ) -> None:
        assert ask(integration) != ask(other_integration)


class TestWhatIsGone:
    def test_account_that_only_the_app_knew_goes_with_its_user(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        run_sync()
        outside.remove_user(TOMAS)

        job = run_sync()

        assert job.result["removed"] == 1
        assert scim.get("/Users", filter=f'userName eq "{TOMAS}"').resources == []
        assert TOMAS not in members_of(scim, "Engineering")
        assert not AppAccount.objects.filter(username=TOMAS).exists()
        assert not Provisioning.objects.filter(user_name=TOMAS).exists()

    def test_user_of_the_idp_stays(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        Integration.objects.update(threshold_percent=100)
        ann = scim.add_user("ann@acme.test")
        work()
        outside.remove_user("ann@acme.test")

        job = run_sync()

        assert job.result["removed"] == 1
        assert scim.get(f"/Users/{ann['id']}").status == 200
        assert Provisioning.objects.get(resource_id_public=ann["id"]).account is None

    def test_account_that_was_made_again_is_known_again(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        run_sync()
        outside.remove_user(TOMAS)
        outside.add_user(TOMAS, display_name="Tomáš again")

        run_sync()
        run_sync()

        account = AppAccount.objects.get(username=TOMAS)
        assert account.external_id == str(outside.user(TOMAS)["id"])
        assert account.resource is not None
        assert user_of(scim, TOMAS)["displayName"] == "Tomáš again"

    def test_group_is_no_longer_matched(self, run_sync: Sync, outside: Outside) -> None:
        run_sync()
        outside.remove_group("Support")

        run_sync()

        names = AppEntitlement.objects.values_list("name", flat=True)
        assert set(names) == {"Engineering", "Sales"}

    def test_half_a_list_makes_nobody_gone(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        run_sync()
        outside.fault("error", path="/api/users")

        job = run_sync()

        assert job.state == Job.State.RETRYING
        assert scim.get("/Users", count=1).body["totalResults"] == 7
        assert AppAccount.objects.count() == 7


class TestChangesInTheApp:
    """E0-7: a change made in the app is applied here without asking."""

    def test_are_followed_for_people_whom_only_the_app_knows(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        run_sync()
        outside.change_user(TOMAS, display_name="T. Novák", active=0)
        outside.change_user(WALTER, login="w.finch@example.com")

        run_sync()

        tomas = user_of(scim, TOMAS)
        assert (tomas["displayName"], tomas["active"]) == ("T. Novák", False)
        assert user_of(scim, "w.finch@example.com")["id"]
        assert scim.get("/Users", filter=f'userName eq "{WALTER}"').resources == []

    def test_do_not_overwrite_what_the_idp_said(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        ann = scim.add_user("ann@acme.test", displayName="Ann")
        work()
        outside.change_user("ann@acme.test", display_name="Changed")

        run_sync()

        assert scim.get(f"/Users/{ann['id']}").body["displayName"] == "Ann"

    def test_imported_user_whom_the_idp_changes_is_provisioned(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        run_sync()
        tomas = user_of(scim, TOMAS)

        scim.patch(
            f"/Users/{tomas['id']}",
            {"op": "replace", "path": "displayName", "value": "From the IdP"},
        )
        work()

        assert outside.user(TOMAS)["display_name"] == "From the IdP"
        assert len(outside.users()) == 8

    def test_change_of_the_idp_is_not_undone_before_it_is_applied(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        run_sync()
        tomas = user_of(scim, TOMAS)
        scim.patch(
            f"/Users/{tomas['id']}",
            {"op": "replace", "path": "displayName", "value": "From the IdP"},
        )

        run_sync()
        between = user_of(scim, TOMAS)
        work()

        assert between["displayName"] == "From the IdP"
        assert outside.user(TOMAS)["display_name"] == "From the IdP"

    def test_membership_follows(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        run_sync()
        outside.add_member("Sales", TOMAS)
        outside.remove_member("Engineering", TOMAS)

        run_sync()

        assert TOMAS in members_of(scim, "Sales")
        assert TOMAS not in members_of(scim, "Engineering")


class TestMembershipsOfTheIdp:
    def test_new_one_is_not_undone_before_it_is_provisioned(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        run_sync()
        change_member(scim, "add", "Sales", user_of(scim, TOMAS))

        run_sync()
        between = members_of(scim, "Sales")
        work()

        assert TOMAS in between
        assert TOMAS in outside.members("Sales")
        run_sync()
        assert TOMAS in members_of(scim, "Sales")

    def test_failed_one_is_not_undone(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        run_sync()
        change_member(scim, "add", "Sales", user_of(scim, TOMAS))
        outside.fault("wrong_types", path="/api/users/")
        work()
        assert Provisioning.objects.get(user_name=TOMAS).state == State.UPDATE_FAILED

        run_sync()

        assert TOMAS in members_of(scim, "Sales")

    def test_removal_is_not_undone_before_it_is_provisioned(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        run_sync()
        tomas = user_of(scim, TOMAS)
        change_member(scim, "add", "Sales", tomas)
        work()
        change_member(scim, "remove", "Sales", tomas)

        run_sync()
        between = members_of(scim, "Sales")
        work()

        assert TOMAS not in between
        assert TOMAS not in outside.members("Sales")
        run_sync()
        assert TOMAS not in members_of(scim, "Sales")

    def test_what_scim_gave_stays_when_somebody_takes_it_away_in_the_app(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        run_sync()
        change_member(scim, "add", "Sales", user_of(scim, TOMAS))
        work()
        outside.remove_member("Sales", TOMAS)

        run_sync()

        assert TOMAS in members_of(scim, "Sales")

    def test_group_that_the_app_gets_later_is_given_to_its_members(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        run_sync()
        scim.add_group("Design", user_of(scim, TOMAS)["id"])
        work()
        outside.add_group("Design")

        run_sync()
        work()

        assert outside.members("Design") == {TOMAS}

    def test_group_of_the_idp_keeps_its_members(
        self, run_sync: Sync, scim: ScimClient, work: Work
    ) -> None:
        ann = scim.add_user("ann@acme.test")
        scim.add_group("Support", ann["id"])

        run_sync()
        work()

        assert members_of(scim, "Support") == {"ann@acme.test"}


class TestFailures:
    def test_wrong_password_says_so_and_needs_attention(
        self, run_sync: Sync, integration: Integration, outside: Outside
    ) -> None:
        outside.set_service_password("another-password-2")

        job = run_sync()

        integration.refresh_from_db()
        assert job.state == Job.State.NOT_COMPLETED
        assert "password" in job.error
        assert outside.password not in job.error
        assert integration.status == Integration.Status.NEEDS_ATTENTION
        assert integration.status_reason == job.error
        assert integration.last_synced_at is None

    def test_success_ends_the_attention(
        self, run_sync: Sync, integration: Integration, outside: Outside
    ) -> None:
        outside.set_service_password("another-password-2")
        run_sync()
        outside.set_service_password(outside.password)

        run_sync()

        integration.refresh_from_db()
        assert integration.status == Integration.Status.ACTIVE

    def test_app_that_is_down_is_tried_five_times(
        self, integration: Integration, outside: Outside, work: Work
    ) -> None:
        outside.stop()
        ask(integration)
        states = []
        for _ in range(5):
            work(waiting=True)
            states.append(Job.objects.get().state)

        assert states == [Job.State.RETRYING] * 4 + [Job.State.NOT_COMPLETED]
        assert Job.objects.get().error

    def test_answer_that_makes_no_sense_ends_it(
        self, run_sync: Sync, outside: Outside
    ) -> None:
        outside.fault("wrong_types", path="/api/groups")

        job = run_sync()

        assert job.state == Job.State.NOT_COMPLETED
        assert "Traceback" not in job.error

    def test_nothing_is_saved_before_all_is_read(
        self, run_sync: Sync, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.fault("error", path="/api/groups")

        job = run_sync()
        between = scim.get("/Users", count=1).body["totalResults"]
        work(waiting=True)

        job.refresh_from_db()
        assert between == 0
        assert job.state == Job.State.COMPLETED
        assert scim.get("/Users", count=1).body["totalResults"] == 7


class TestNumbers:
    def test_tell_what_changed_and_what_was_removed(
        self, run_sync: Sync, outside: Outside
    ) -> None:
        run_sync()
        outside.change_user(TOMAS, display_name="T. Novák")
        outside.add_member("Sales", WALTER)
        outside.remove_group("Engineering")
        outside.add_user("new@example.com")

        job = run_sync()

        # The members of the group that is gone changed as well.
        assert job.result["new"] == 1
        assert job.result["removed"] == 1
        assert job.result["changed"] >= 2


class TestLeavingUsers:
    """Who is to be deleted in the app is not taken over again before that."""

    def test_are_left_alone_while_the_deletion_waits(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        run_sync()
        tomas = user_of(scim, TOMAS)
        scim.delete(f"/Users/{tomas['id']}")

        job = run_sync()

        assert job.state == Job.State.COMPLETED, job.error
        assert scim.get("/Users", filter=f'userName eq "{TOMAS}"').resources == []
        row = Provisioning.objects.get(resource_id_public=tomas["id"])
        assert row.state == State.DELETE_AWAITING
        assert row.account is not None

    def test_are_deleted_afterwards(
        self, run_sync: Sync, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        run_sync()
        tomas = user_of(scim, TOMAS)
        scim.delete(f"/Users/{tomas['id']}")
        run_sync()

        work()
        run_sync()

        assert TOMAS not in outside.users()
        assert scim.get("/Users", filter=f'userName eq "{TOMAS}"').resources == []


class TestThreshold:
    """E0-19: too many users gone halts a sync as a whole."""

    @pytest.fixture
    def two_gone(self, run_sync: Sync, outside: Outside) -> Job:
        """A sync that finds 2 of 7 users gone, and a new one and a change besides."""
        run_sync()
        outside.remove_user(TOMAS)
        outside.remove_user(WALTER)
        outside.add_user("new@example.com")
        outside.remove_group("Engineering")
        return run_sync()

    def test_e0_19_holds_and_applies_nothing(
        self, two_gone: Job, scim: ScimClient, integration: Integration
    ) -> None:
        assert holding.is_held(two_gone)
        assert two_gone.error == (
            "2 of 7 users would be removed (limit 20 %). Nothing was changed."
        )
        assert scim.get("/Users", count=1).body["totalResults"] == 7
        assert len(scim.get("/Groups").resources) == 3
        assert AppAccount.objects.count() == 7
        event = AuditEvent.objects.get(action=Action.SYNC_HELD)
        assert (event.actor, event.data) == (None, {"gone": 2, "known": 7})

    @pytest.mark.parametrize(
        ("percent", "gone", "held"),
        [(28, 2, True), (29, 2, False), (0, 1, True), (0, 0, False), (100, 7, False)],
    )
    def test_is_passed_by_more_than_it(
        self,
        run_sync: Sync,
        integration: Integration,
        outside: Outside,
        percent: int,
        gone: int,
        held: bool,
    ) -> None:
        run_sync()
        Integration.objects.update(threshold_percent=percent)
        for login in sorted(set(outside.users()) - {USERNAME})[:gone]:
            outside.remove_user(login)

        assert holding.is_held(run_sync()) is held

    def test_held_one_waits_for_a_person(self, two_gone: Job, work: Work) -> None:
        work()

        two_gone.refresh_from_db()
        assert holding.is_held(two_gone)

    def test_approved_one_removes_them(
        self,
        two_gone: Job,
        integration: Integration,
        scim: ScimClient,
        work: Work,
        alice: User,
    ) -> None:
        holding.approve(integration, two_gone, actor=alice, now=database_now())
        work()

        two_gone.refresh_from_db()
        assert two_gone.state == Job.State.COMPLETED
        # Two users and a group.
        assert (two_gone.result["new"], two_gone.result["removed"]) == (1, 3)
        assert scim.get("/Users", count=1).body["totalResults"] == 6
        event = AuditEvent.objects.get(action=Action.SYNC_APPROVED)
        assert (event.actor, event.data) == (alice, {"gone": 2})

    def test_approval_covers_only_those_who_were_found_gone(
        self,
        two_gone: Job,
        integration: Integration,
        outside: Outside,
        work: Work,
        alice: User,
    ) -> None:
        holding.approve(integration, two_gone, actor=alice, now=database_now())
        known = set(outside.users()) - {USERNAME, "new@example.com"}
        for login in sorted(known)[:2]:
            outside.remove_user(login)

        work()

        two_gone.refresh_from_db()
        assert holding.is_held(two_gone)
        assert len(holding.gone_of(two_gone)) == 4

    def test_discarded_one_ends_without_a_change(
        self,
        two_gone: Job,
        integration: Integration,
        scim: ScimClient,
        work: Work,
        alice: User,
    ) -> None:
        holding.discard(integration, two_gone, actor=alice, now=database_now())
        work(waiting=True)

        two_gone.refresh_from_db()
        assert two_gone.state == Job.State.NOT_COMPLETED
        assert two_gone.error == "Discarded by Alice. Nothing was changed."
        assert scim.get("/Users", count=1).body["totalResults"] == 7
        assert AuditEvent.objects.filter(action=Action.SYNC_DISCARDED).count() == 1

    @pytest.mark.parametrize("decide", [holding.approve, holding.discard])
    def test_is_decided_once(
        self,
        two_gone: Job,
        integration: Integration,
        alice: User,
        decide: Callable[..., None],
    ) -> None:
        holding.discard(integration, two_gone, actor=alice, now=database_now())

        with pytest.raises(holding.NotHeld):
            decide(integration, two_gone, actor=alice, now=database_now())

    def test_is_decided_for_the_own_integration_only(
        self, two_gone: Job, other_integration: Integration, alice: User
    ) -> None:
        with pytest.raises(holding.NotHeld):
            holding.approve(
                other_integration, two_gone, actor=alice, now=database_now()
            )

    def test_new_request_reads_the_app_again(
        self, two_gone: Job, integration: Integration, outside: Outside, work: Work
    ) -> None:
        outside.add_user("again@example.com")
        Integration.objects.update(threshold_percent=50)

        job = ask(integration)
        work()

        job.refresh_from_db()
        assert job == two_gone
        assert job.state == Job.State.COMPLETED

    def test_users_who_are_to_be_deleted_do_not_count(
        self, run_sync: Sync, scim: ScimClient, outside: Outside
    ) -> None:
        run_sync()
        for name in (TOMAS, WALTER):
            scim.delete(f"/Users/{user_of(scim, name)['id']}")
            outside.remove_user(name)

        assert run_sync().state == Job.State.COMPLETED


def test_account_of_keyway_itself_is_no_person_to_provision(
    run_sync: Sync, scim: ScimClient, outside: Outside
) -> None:
    run_sync()

    found = scim.get("/Users", filter=f'userName eq "{USERNAME}"').resources
    assert found == []
    assert USERNAME in outside.users()


def everything() -> list[object]:
    """Return all rows that a sync may write, without when they were seen."""
    tables = (Resource, GroupMember, Change, AppAccount, AppEntitlement, Provisioning)
    held = AppAccount.entitlements.through.objects.order_by("pk").values()
    rows: list[object] = [list(held)]
    for table in tables:
        for row in table.objects.order_by("pk").values():
            row.pop("seen_at", None)
            rows.append(row)
    return rows
