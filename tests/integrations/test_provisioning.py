"""From a SCIM request to an account in the outside app, through a real one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from integrations import services
from integrations.models import AppAccount, Integration, Provisioning
from integrations.outside import health
from integrations.provisioning import applying, reconciling, wanted
from scim.models import Resource
from tests.conftest import JSON, ScimClient, scim_client
from tests.integrations.outside import USERNAME, Outside
from workspaces import directory_sync, jobs, leases
from workspaces.clock import database_now
from workspaces.models import DirectorySync, EmailDomain, Job, User

Work = Callable[..., None]
State = Provisioning.State

ANN = "ann.lee@acme.test"
ANN_DOCUMENT = {
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "displayName": "Ann Lee",
    "emails": [{"value": ANN, "primary": True}],
}


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


@pytest.fixture
def ann(scim: ScimClient, work: Work) -> JSON:
    """Ann, provisioned."""
    user = scim.add_user(ANN, **ANN_DOCUMENT)
    work()
    return user


@pytest.fixture
def engineering(integration: Integration, scim: ScimClient, work: Work) -> JSON:
    """The SCIM group that stands for the app's group, after a sync."""
    services.request_sync(integration, actor=None, now=database_now())
    work()
    (group,) = scim.get("/Groups", filter='displayName eq "Engineering"').resources
    return group


def row_of(user: JSON) -> Provisioning:
    return Provisioning.objects.get(resource_id_public=user["id"])


def set_active(scim: ScimClient, user: JSON, *, active: bool) -> None:
    change = {"op": "replace", "path": "active", "value": active}
    assert scim.patch(f"/Users/{user['id']}", change).status == 200


def put_in(scim: ScimClient, group: JSON, user: JSON) -> None:
    members = [{"value": user["id"]}]
    change = {"op": "add", "path": "members", "value": members}
    assert scim.patch(f"/Groups/{group['id']}", change).status in {200, 204}


def take_out(scim: ScimClient, group: JSON, user: JSON) -> None:
    change = {"op": "remove", "path": f'members[value eq "{user["id"]}"]'}
    assert scim.patch(f"/Groups/{group['id']}", change).status in {200, 204}


class TestLife:
    """S0-69: users are provisioned, changed and deprovisioned."""

    def test_request_calls_nobody(self, scim: ScimClient, outside: Outside) -> None:
        user = scim.add_user(ANN)
        set_active(scim, user, active=False)
        assert scim.delete(f"/Users/{user['id']}").status == 204

        assert outside.requests() == []

    def test_new_user_waits_for_the_worker(self, scim: ScimClient) -> None:
        user = scim.add_user(ANN)

        row = row_of(user)
        job = Job.objects.get(kind=wanted.JOB)
        assert row.state == State.PROVISIONING_AWAITING
        assert (job.subject, job.state) == (user["id"], Job.State.QUEUED)
        assert job.trigger == Job.Trigger.SCIM

    def test_create(self, ann: JSON, outside: Outside) -> None:
        """E0-2, E0-9: a joiner gets an account in an app that knows no SCIM."""

        account = outside.user(ANN)
        row = row_of(ann)

        assert account["email"] == ANN
        assert (account["first_name"], account["last_name"]) == ("Ann", "Lee")
        assert account["display_name"] == "Ann Lee"
        assert account["active"] == 1
        assert account["external_ref"] == ann["id"]
        assert row.state == State.ONBOARDED
        assert row.applied_version == row.desired_version
        assert row.account is not None
        assert row.account.external_id == str(account["id"])
        assert row.last_error == ""

    def test_change(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        """E0-9: a mover's account is updated."""

        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "name.familyName", "value": "Novák"},
            {"op": "replace", "path": "displayName", "value": "Ann Novák"},
        )
        assert row_of(ann).state == State.UPDATE_AWAITING
        work()

        account = outside.user(ANN)
        assert account["last_name"] == "Novák"
        assert account["display_name"] == "Ann Novák"
        assert row_of(ann).state == State.ONBOARDED

    def test_rename_keeps_the_account(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        before = outside.user(ANN)["id"]

        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "userName", "value": "ann.novak@acme.test"},
        )
        work()

        assert ANN not in outside.users()
        assert outside.user("ann.novak@acme.test")["id"] == before
        assert row_of(ann).user_name == "ann.novak@acme.test"

    def test_deactivate_and_reactivate(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        """E0-9: a leaver's account is switched off, and on again."""

        set_active(scim, ann, active=False)
        work()
        inactive = outside.user(ANN)
        set_active(scim, ann, active=True)
        work()
        active = outside.user(ANN)

        assert (inactive["active"], active["active"]) == (0, 1)
        assert inactive["id"] == active["id"]

    def test_delete(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        assert scim.delete(f"/Users/{ann['id']}").status == 204
        waiting = row_of(ann).state
        work()

        assert waiting == State.DELETE_AWAITING
        assert ANN not in outside.users()
        row = row_of(ann)
        assert (row.state, row.resource, row.account) == (State.DELETED, None, None)
        assert not AppAccount.objects.filter(username=ANN).exists()

    def test_created_again_after_it_was_deleted(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        scim.delete(f"/Users/{ann['id']}")
        work()

        again = scim.add_user(ANN)
        work()

        assert outside.user(ANN)["external_ref"] == again["id"]
        assert {row_of(ann).state, row_of(again).state} == {
            State.DELETED,
            State.ONBOARDED,
        }

    def test_created_and_deleted_before_the_worker_looks(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        user = scim.add_user(ANN)
        scim.delete(f"/Users/{user['id']}")
        work()

        assert outside.writes() == []
        assert row_of(user).state == State.DELETED

    def test_who_may_not_log_in_gets_no_account(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        scim.add_user(ANN, active=False)
        work()

        assert outside.writes() == []

    def test_unchanged_user_makes_no_work(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.forget()

        set_active(scim, ann, active=True)
        work()

        assert outside.requests() == []

    def test_account_that_was_changed_by_hand_is_put_right(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.change_user(ANN, last_name="Changed", active=0)

        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "displayName", "value": "A. Lee"},
        )
        work()

        account = outside.user(ANN)
        assert (account["last_name"], account["active"]) == ("Lee", 1)

    def test_account_that_was_deleted_by_hand_is_made_again(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.remove_user(ANN)

        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "displayName", "value": "A. Lee"},
        )
        work()

        assert outside.user(ANN)["display_name"] == "A. Lee"
        row = row_of(ann)
        assert row.state == State.ONBOARDED
        assert row.account is not None
        assert row.account.external_id == str(outside.user(ANN)["id"])

    def test_delete_of_what_is_gone_already_succeeds(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.remove_user(ANN)

        scim.delete(f"/Users/{ann['id']}")
        work()

        assert row_of(ann).state == State.DELETED


class TestGroups:
    """S0-69: groups of the IdP are groups of the app."""

    def test_membership_is_granted_and_revoked(
        self,
        ann: JSON,
        engineering: JSON,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        """E0-6: a group of the IdP hands out what the app's group gives."""

        put_in(scim, engineering, ann)
        work()
        granted = outside.members("Engineering")
        take_out(scim, engineering, ann)
        work()

        assert ANN in granted
        assert ANN not in outside.members("Engineering")
        assert row_of(ann).granted == []

    def test_only_what_scim_gave_is_taken_away(
        self,
        ann: JSON,
        engineering: JSON,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        outside.add_member("Sales", ANN)
        put_in(scim, engineering, ann)
        work()
        take_out(scim, engineering, ann)
        work()

        assert ANN in outside.members("Sales")
        assert ANN not in outside.members("Engineering")

    def test_access_of_the_page_shows_what_the_account_holds(
        self,
        ann: JSON,
        engineering: JSON,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        outside.add_member("Sales", ANN)
        put_in(scim, engineering, ann)
        work()

        account = row_of(ann).account

        assert account is not None
        names = account.entitlements.values_list("name", flat=True)
        assert set(names) == {"Sales", "Engineering"}

    def test_deactivation_takes_the_grants_and_reactivation_gives_them_back(
        self,
        ann: JSON,
        engineering: JSON,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        put_in(scim, engineering, ann)
        work()
        set_active(scim, ann, active=False)
        work()
        inactive = outside.members("Engineering")
        set_active(scim, ann, active=True)
        work()

        assert ANN not in inactive
        assert ANN in outside.members("Engineering")

    def test_deleted_group_is_revoked_from_its_members(
        self,
        ann: JSON,
        engineering: JSON,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        put_in(scim, engineering, ann)
        work()

        assert scim.delete(f"/Groups/{engineering['id']}").status == 204
        work()

        assert ANN not in outside.members("Engineering")

    def test_group_that_the_app_lacks_grants_nothing(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.forget()
        scim.add_group("Only in the IdP", ann["id"])
        work()

        assert outside.writes() == []
        assert row_of(ann).state == State.ONBOARDED

    def test_group_of_the_idp_is_matched_by_name_at_the_next_sync(
        self,
        ann: JSON,
        integration: Integration,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        scim.add_group("engineering", ann["id"])
        work()
        before = outside.members("Engineering")
        services.request_sync(integration, actor=None, now=database_now())
        work()

        assert ANN not in before
        assert ANN in outside.members("Engineering")
        assert len(scim.get("/Groups").resources) == 3

    def test_grant_is_repeated_if_somebody_took_it_away_by_hand(
        self,
        ann: JSON,
        engineering: JSON,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        put_in(scim, engineering, ann)
        work()
        outside.remove_member("Engineering", ANN)

        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "displayName", "value": "A. Lee"},
        )
        work()

        assert ANN in outside.members("Engineering")

    def test_members_of_a_user_that_is_deleted_are_gone_everywhere(
        self,
        ann: JSON,
        engineering: JSON,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        put_in(scim, engineering, ann)
        work()
        scim.delete(f"/Users/{ann['id']}")
        work()

        group = scim.get(f"/Groups/{engineering['id']}").body
        assert ann["id"] not in [m["value"] for m in group.get("members", [])]
        assert ANN not in outside.members("Engineering")


class TestAccountsThatAreThere:
    def test_account_of_the_same_name_is_adopted(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        before = outside.user("tomas.novak@example.com")

        user = scim.add_user("Tomas.Novak@Example.com", displayName="Tomáš N.")
        work()

        after = outside.users()
        assert len(after) == 8
        adopted = next(u for u in after.values() if u["id"] == before["id"])
        assert adopted["display_name"] == "Tomáš N."
        assert adopted["external_ref"] == user["id"]
        assert row_of(user).state == State.ONBOARDED
        assert not [w for w in outside.writes() if w == "POST /api/users"]

    def test_adoption_keeps_what_the_account_held(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        scim.add_user("tomas.novak@example.com", displayName="Tomáš N.")
        work()

        assert "tomas.novak@example.com" in outside.members("Engineering")

    def test_two_users_never_share_an_account(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        """E0-8: a connected account is one person's own."""

        outside.change_user(ANN, login="bea@acme.test")

        bea = scim.add_user("bea@acme.test")
        work()

        row = row_of(bea)
        assert row.state == State.PROVISIONING_FAILED
        assert "belongs to another user" in row.last_error
        assert row.account is None
        assert row_of(ann).account is not None
        assert outside.user("bea@acme.test")["external_ref"] == ann["id"]

    def test_name_that_the_app_has_given_away_fails_with_its_reason(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "userName", "value": "mei.tanaka@example.com"},
        )
        work()

        row = row_of(ann)
        assert row.state == State.UPDATE_FAILED
        assert "already has an account with this user name" in row.last_error
        assert outside.user(ANN)["external_ref"] == ann["id"]
        assert outside.user("mei.tanaka@example.com")["external_ref"] == ""

    def test_failed_one_is_tried_again_when_asked(
        self,
        ann: JSON,
        alice: User,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "userName", "value": "mei.tanaka@example.com"},
        )
        work()
        outside.remove_user("mei.tanaka@example.com")

        wanted.retry(row_of(ann), actor=alice, now=database_now())
        work()

        row = row_of(ann)
        assert (row.state, row.last_error) == (State.ONBOARDED, "")
        assert outside.user("mei.tanaka@example.com")["external_ref"] == ann["id"]
        assert Job.objects.latest("id").actor == alice

    def test_account_of_keyway_itself_is_never_taken_over(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        before = outside.user(USERNAME)

        user = scim.add_user(USERNAME.upper(), displayName="Mine now", active=True)
        work()

        row = row_of(user)
        assert row.state == State.PROVISIONING_FAILED
        assert "account with which Keyway works" in row.last_error
        assert outside.user(USERNAME) == before
        assert outside.writes() == []

    def test_name_that_is_free_again_goes_to_the_next(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        """Ann leaves her name to another in one batch of the IdP."""
        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "userName", "value": "ann.old@acme.test"},
        )
        new = scim.add_user(ANN)
        work()

        assert outside.user("ann.old@acme.test")["external_ref"] == ann["id"]
        assert outside.user(ANN)["external_ref"] == new["id"]
        assert row_of(new).state == State.ONBOARDED


class TestWrongServicePassword:
    def test_waits_with_the_reason_and_goes_on_when_it_is_replaced(
        self,
        integration: Integration,
        alice: User,
        scim: ScimClient,
        outside: Outside,
        work: Work,
    ) -> None:
        outside.set_service_password("another-password-2")
        user = scim.add_user(ANN)
        work()

        row, job = row_of(user), Job.objects.get(kind=wanted.JOB)
        integration.refresh_from_db()
        assert row.state == State.PROVISIONING_AWAITING
        assert "password" in row.last_error
        assert row.next_attempt_at is not None
        assert row.next_attempt_at > database_now() + timedelta(seconds=50)
        assert job.state == Job.State.RETRYING
        assert integration.status == Integration.Status.NEEDS_ATTENTION
        assert integration.status_reason == row.last_error

        services.replace_secret(
            integration.service_account,
            secret="another-password-2",
            origins=[outside.base_url],
            actor=alice,
            now=database_now(),
        )
        work()

        integration.refresh_from_db()
        assert row_of(user).state == State.ONBOARDED
        assert ANN in outside.users()
        assert integration.status == Integration.Status.ACTIVE
        assert integration.status_reason == ""

    def test_is_not_tried_again_and_again(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        """An app may lock the service account after a few wrong passwords."""
        outside.set_service_password("another-password-2")
        scim.add_user(ANN)
        work()
        outside.forget()

        work()

        assert outside.requests() == []

    def test_password_that_cannot_be_decrypted_asks_for_it_again(
        self, integration: Integration, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        account = integration.service_account
        account.sealed_secret = "v1.7.AAAA"
        account.save()
        user = scim.add_user(ANN)
        work()

        integration.refresh_from_db()
        assert outside.requests() == []
        assert "Enter it again" in row_of(user).last_error
        assert integration.status == Integration.Status.NEEDS_ATTENTION

    def test_password_shows_in_no_row(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.set_service_password("another-password-2")
        scim.add_user(ANN)
        work()

        rows = [
            *Provisioning.objects.values(),
            *Job.objects.values(),
            *Integration.objects.values(),
        ]
        assert outside.password not in str(rows)


class TestAppIsDown:
    def test_waits_and_goes_on_when_it_is_back(
        self, integration: Integration, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.stop()
        user = scim.add_user(ANN)
        work()
        row, job = row_of(user), Job.objects.get()

        assert row.state == State.PROVISIONING_AWAITING
        assert row.attempts == 1
        assert row.last_error
        assert "Traceback" not in row.last_error
        assert row.next_attempt_at is not None
        assert job.state == Job.State.RETRYING
        assert abs(job.due_at - row.next_attempt_at) < timedelta(seconds=2)

        outside.start()
        work(waiting=True)

        row = row_of(user)
        assert (row.state, row.attempts, row.last_error) == (State.ONBOARDED, 2, "")
        assert row.next_attempt_at is None
        assert ANN in outside.users()

    def test_waits_longer_each_time(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.stop()
        user = scim.add_user(ANN)
        waits = []
        for _ in range(6):
            work(waiting=True)
            waits.append(row_of(user).next_attempt_at - database_now())

        assert waits[0] <= 2 * timedelta(seconds=1)
        # From the fifth on it is the lane that waits longer each time.
        assert timedelta(seconds=13) <= waits[-1]
        assert waits[-1] <= timedelta(seconds=64)

    def test_gives_up_in_the_end_and_says_so(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        user = scim.add_user(ANN)
        Job.objects.update(max_failures=2)
        outside.stop()
        work()
        work(waiting=True)

        row = row_of(user)
        assert row.state == State.PROVISIONING_FAILED
        assert row.last_error
        assert row.next_attempt_at is None
        assert Job.objects.get().state == Job.State.NOT_COMPLETED

    def test_change_meanwhile_is_what_arrives(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.stop()
        for name in ("First", "Second", "Third"):
            scim.patch(
                f"/Users/{ann['id']}",
                {"op": "replace", "path": "displayName", "value": name},
            )
            work()
        outside.start()
        work(waiting=True)

        assert outside.user(ANN)["display_name"] == "Third"
        assert outside.writes() == [f"PATCH /api/users/{outside.user(ANN)['id']}"]

    def test_waits_as_long_as_the_app_asks_for(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.fault("rate", seconds=300)
        user = scim.add_user(ANN)
        work()

        wait = row_of(user).next_attempt_at - database_now()

        assert timedelta(seconds=290) < wait <= timedelta(seconds=300)

    @pytest.mark.parametrize("mode", ["error", "drop", "html"])
    def test_passing_failure_ends_well(
        self, scim: ScimClient, outside: Outside, work: Work, mode: str
    ) -> None:
        user = scim.add_user(ANN)
        outside.fault(mode, path="/api/users")
        work()
        failed = row_of(user)
        work(waiting=True)

        assert failed.last_error
        assert row_of(user).state == State.ONBOARDED
        assert outside.user(ANN)["external_ref"] == user["id"]

    def test_answer_that_makes_no_sense_fails_for_good_and_says_so(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        user = scim.add_user(ANN)
        outside.fault("wrong_types", path="/api/users")
        work()

        row = row_of(user)
        assert row.state == State.PROVISIONING_FAILED
        assert row.last_error
        assert Job.objects.get().state == Job.State.NOT_COMPLETED


class TestManyChanges:
    def test_a_hundred_changes_are_one_job(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        outside.forget()
        jobs_before = Job.objects.count()

        for number in range(100):
            answer = scim.patch(
                f"/Users/{ann['id']}",
                {"op": "replace", "path": "displayName", "value": f"Ann {number}"},
            )
            assert answer.status == 200
        work()

        assert Job.objects.count() == jobs_before + 1
        assert outside.user(ANN)["display_name"] == "Ann 99"
        assert len(outside.writes()) == 1
        row = row_of(ann)
        assert row.applied_version == row.desired_version == 101

    def test_change_while_one_runs_makes_one_more_and_wins(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        def rename(value: str) -> None:
            scim.patch(
                f"/Users/{ann['id']}",
                {"op": "replace", "path": "displayName", "value": value},
            )

        rename("First")
        running = leases.claim(worker="w", now=database_now())
        assert running is not None
        row = applying._begin(running)
        assert row is not None
        rename("Second")
        rename("Third")
        applying._succeed(running, row)
        leases.complete(running, None, now=database_now())
        between = row_of(ann)
        work()

        assert between.state == State.UPDATE_AWAITING
        assert outside.user(ANN)["display_name"] == "Third"
        assert row_of(ann).state == State.ONBOARDED
        assert Job.objects.filter(subject=ann["id"]).count() == 3

    def test_failure_of_an_older_wish_does_not_touch_the_newer(
        self, ann: JSON, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "userName", "value": "mei.tanaka@example.com"},
        )
        running = leases.claim(worker="w", now=database_now())
        assert running is not None
        row = applying._begin(running)
        assert row is not None
        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "userName", "value": "ann.b@acme.test"},
        )
        error = applying.PermanentFailure("This login is taken.")
        with pytest.raises(jobs.GiveUp):
            applying._fail(running, row, error)
        leases.give_up(running, error.message, now=database_now())
        between = row_of(ann)
        work()

        assert (between.state, between.last_error) == (State.UPDATE_AWAITING, "")
        assert row_of(ann).state == State.ONBOARDED
        assert "ann.b@acme.test" in outside.users()

    def test_worker_that_dies_after_the_call_makes_no_second_account(
        self, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        user = scim.add_user(ANN)
        now = database_now()
        job = leases.claim(worker="dies", now=now)
        assert job is not None
        with transaction.atomic():
            leases.carry_out(job)
            transaction.set_rollback(True)
        assert ANN in outside.users()
        assert row_of(user).account is None

        leases.release_expired(now=now + leases.LEASE + timedelta(seconds=1))
        work(waiting=True)

        assert outside.writes().count("POST /api/users") == 1
        assert row_of(user).state == State.ONBOARDED

    def test_asks_the_database_no_more_than_it_must(
        self, integration: Integration, scim: ScimClient, work: Work
    ) -> None:
        """What a job costs, whatever else waits or is there."""
        user = scim.add_user("first@acme.test")
        work()
        scim.add_user(ANN)
        with CaptureQueriesContext(connection) as creating:
            work()
        wanted.want(
            integration.directory,
            [Resource.objects.get(public_id=user["id"]).pk],
            now=database_now(),
        )
        with CaptureQueriesContext(connection) as looking:
            work()

        # Without what the transaction around this test adds, with a look for more.
        counts = [
            sum("SAVEPOINT" not in query["sql"] for query in queries)
            for queries in (creating, looking)
        ]
        assert counts == [35, 25]

    def test_work_for_a_row_that_is_up_to_date_calls_nobody(
        self, ann: JSON, integration: Integration, outside: Outside, work: Work
    ) -> None:
        outside.forget()
        jobs.enqueue(
            wanted.JOB,
            workspace=integration.workspace,
            subject=ann["id"],
            trigger=Job.Trigger.COMMAND,
            now=database_now(),
        )
        work()

        assert outside.requests() == []
        assert Job.objects.latest("id").state == Job.State.COMPLETED


class TestTenants:
    def test_job_of_one_workspace_does_not_touch_the_row_of_another(
        self,
        ann: JSON,
        other_integration: Integration,
        outside: Outside,
        work: Work,
    ) -> None:
        Provisioning.objects.filter(resource_id_public=ann["id"]).update(
            state=State.UPDATE_AWAITING, desired_version=9
        )
        outside.forget()
        jobs.enqueue(
            wanted.JOB,
            workspace=other_integration.workspace,
            subject=ann["id"],
            trigger=Job.Trigger.COMMAND,
            now=database_now(),
        )
        work()

        assert outside.requests() == []
        assert row_of(ann).state == State.UPDATE_AWAITING

    def test_two_integrations_with_one_app_are_apart(
        self, ann: JSON, other_integration: Integration, other_scim: ScimClient
    ) -> None:
        """E0-1: an integration is one gateway with its own users, for one app."""

        twin = other_scim.add_user(ANN)

        assert twin["id"] != ann["id"]
        assert row_of(twin).integration == other_integration
        assert Resource.objects.filter(user_name_key=ANN).count() == 2

    def test_changes_of_directory_sync_make_no_jobs(
        self, integration: Integration
    ) -> None:
        own = integration.workspace.directories.get(kind="directory_sync")

        directory_sync.turn_on(integration.workspace, actor=None, now=database_now())
        DirectorySync.objects.update(allows_unproven=True, sends_invites=False)
        EmailDomain.objects.create(
            workspace=integration.workspace,
            name=ANN.partition("@")[2],
            created_at=database_now(),
        )

        answer = scim_client(own).post("/Users", {"userName": ANN})

        assert answer.status == 201
        assert not Job.objects.exists()
        assert not Provisioning.objects.exists()


def test_success_is_noted_only_when_it_is_news(
    integration: Integration,
) -> None:
    health.note_success(integration, now=database_now())

    integration.refresh_from_db()
    assert integration.status_at is None


class TestUnexpectedError:
    def test_ends_as_failed_with_a_reason_and_can_be_retried(
        self,
        integration: Integration,
        scim: ScimClient,
        work: Work,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        user = scim.add_user(ANN)
        Job.objects.update(max_failures=1)

        def breaks(*_: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(reconciling, "apply", breaks)
        work()

        row = row_of(user)
        assert row.state == State.PROVISIONING_FAILED
        assert "unexpected" in row.last_error
        assert "a bug" not in row.last_error
