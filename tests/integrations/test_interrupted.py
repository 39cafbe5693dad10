"""What was begun and ended in the middle is done again, and is done once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from integrations import services
from integrations.models import AppAccount, Integration, Provisioning
from integrations.provisioning import applying, wanted
from integrations.syncing import sync
from scim.models import GroupMember, Resource
from tests.conftest import JSON, ScimClient
from tests.integrations.outside import USERNAME, Outside
from workspaces import faults, leases
from workspaces.clock import database_now
from workspaces.models import Job

Work = Callable[..., None]
Die = Callable[..., None]
CALLS_UNTIL_GIVEN = 4
"""Log in, look up, read again, give."""

PEOPLE = [f"user{number}@acme.test" for number in range(6)]


class Died(BaseException):
    """The process is gone: nothing that handles errors sees it."""


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


@pytest.fixture
def die(monkeypatch: pytest.MonkeyPatch) -> Die:
    """Let a process die when it comes by a point for the nth time."""

    def arm(point: str, *, nth: int = 1) -> None:
        passed: list[str] = []

        def hook(reached: str) -> None:
            passed.append(reached)
            if passed.count(point) == nth:
                monkeypatch.setattr(faults, "hook", None)
                raise Died

        monkeypatch.setattr(faults, "hook", hook)

    return arm


@pytest.mark.django_db(transaction=True)
def test_a_user_deleted_while_the_app_is_asked_is_deleted_there_next(
    integration: Integration,
    scim: ScimClient,
    work: Work,
    outside: Outside,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F20: no lease has to end for it, and nothing is held to have failed."""
    user = scim.add_user()

    def delete(reached: str) -> None:
        if reached == "app.before_change":
            monkeypatch.setattr(faults, "hook", None)
            assert scim.delete(f"/Users/{user['id']}").status == 204

    monkeypatch.setattr(faults, "hook", delete)

    work()

    assert "ann@acme.test" not in outside.users()
    assert not AppAccount.objects.filter(username="ann@acme.test").exists()
    (overtaken, deletion) = Job.objects.filter(kind=wanted.JOB).order_by("pk")
    assert "deleted the user while this ran" in overtaken.error
    assert deletion.state == Job.State.COMPLETED


def outlive_leases() -> None:
    """Let a worker find what the dead one held."""
    later = database_now() + leases.LEASE + timedelta(seconds=1)
    assert leases.release_expired(now=later) == 1


def read(integration: Integration) -> Job:
    return services.request_sync(integration, actor=None, now=database_now())


class TestSync:
    """F27: a sync dies in the middle of a first import."""

    @pytest.fixture
    def dead(
        self,
        integration: Integration,
        work: Work,
        die: Die,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Job:
        monkeypatch.setattr(sync, "BATCH", 2)
        job = read(integration)
        die("sync.batch_saved", nth=2)
        with pytest.raises(Died):
            work()
        return job

    def test_is_not_shown_as_done(self, dead: Job, integration: Integration) -> None:
        outlive_leases()

        dead.refresh_from_db()
        integration.refresh_from_db()
        assert AppAccount.objects.count() == 4
        assert integration.last_synced_at is None
        assert dead.state == Job.State.RETRYING
        assert dead.error == "The worker stopped in the middle."

    def test_goes_on_and_takes_everybody_once(
        self, dead: Job, integration: Integration, outside: Outside, work: Work
    ) -> None:
        outlive_leases()
        work(waiting=True)

        dead.refresh_from_db()
        integration.refresh_from_db()
        names = sorted(set(outside.users()) - {USERNAME})
        accounts = AppAccount.objects.values_list("username", flat=True)
        users = Resource.objects.filter(resource_type="User")
        assert dead.state == Job.State.COMPLETED
        assert integration.last_synced_at is not None
        assert sorted(accounts) == names
        assert users.count() == Provisioning.objects.count() == len(names)
        assert outside.writes() == []


@pytest.mark.parametrize("then", ["deactivated", "deleted"])
def test_a_user_taken_away_while_a_job_begins_is_taken_away_in_the_app(
    integration: Integration,
    scim: ScimClient,
    outside: Outside,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
    then: str,
) -> None:
    """F20: PostgreSQL reads the row anew once it has its lock, and the user not."""
    user = scim.add_user("ann@acme.test")["id"]
    work()
    begin = applying._begin

    def begin_too_early(job: Job) -> Provisioning | None:
        monkeypatch.setattr(applying, "_begin", begin)
        row = begin(job)
        assert row is not None
        if then == "deleted":
            scim.delete(f"/Users/{user}")
        else:
            change = {"op": "replace", "path": "active", "value": False}
            scim.patch(f"/Users/{user}", change)
        now = Provisioning.objects.get(pk=row.pk)
        row.state, row.desired_version = now.state, now.desired_version
        return row

    monkeypatch.setattr(applying, "_begin", begin_too_early)
    scim.patch(f"/Users/{user}", {"op": "replace", "value": {"displayName": "Ann"}})

    work()
    work(waiting=True)

    account = outside.users().get("ann@acme.test")
    assert account is None or not account["active"]


class TestGroup:
    """F26: half a group is sent, or half of it is given, when something dies."""

    @pytest.fixture
    def group(self, integration: Integration, scim: ScimClient, work: Work) -> JSON:
        read(integration)
        work()
        (found,) = scim.get("/Groups", filter='displayName eq "Sales"').resources
        return found

    @pytest.fixture
    def before(self, group: JSON, outside: Outside) -> set[str]:
        return outside.members(group["displayName"])

    @pytest.fixture
    def users(self, integration: Integration, scim: ScimClient) -> list[str]:
        return [scim.add_user(name)["id"] for name in PEOPLE]

    def test_is_whole_once_the_idp_starts_anew(
        self, scim: ScimClient, group: JSON, users: list[str], die: Die
    ) -> None:
        add(scim, group, users[:3])
        die("scim.before_commit")
        with pytest.raises(Died):
            add(scim, group, users[3:])
        assert members_of(group) >= set(users[:3])
        assert not members_of(group) & set(users[3:])

        add(scim, group, users[:3])
        add(scim, group, users[3:])

        assert members_of(group) >= set(users)
        held = GroupMember.objects.filter(group__public_id=group["id"])
        assert held.count() == len(members_of(group))
        waiting = Job.objects.filter(subject__in=users, state__in=Job.WAITING)
        assert waiting.count() == len(users)

    @pytest.mark.parametrize("point", ["app.before_change", "app.after_call"])
    def test_is_given_to_the_rest_by_the_next_worker(
        self,
        scim: ScimClient,
        group: JSON,
        before: set[str],
        users: list[str],
        outside: Outside,
        work: Work,
        die: Die,
        point: str,
    ) -> None:
        work()
        add(scim, group, users)
        outside.forget()
        die(point, nth=5)
        with pytest.raises(Died):
            work()
        given = outside.members("Sales") - before
        assert set() < given < set(PEOPLE)

        outlive_leases()
        work(waiting=True)

        assert outside.members("Sales") == before | set(PEOPLE)
        assert all(write.startswith("PUT") for write in outside.writes())

    @pytest.mark.parametrize("then", ["left", "deactivated"])
    def test_what_was_given_and_nobody_heard_of_is_taken_again(
        self,
        scim: ScimClient,
        group: JSON,
        before: set[str],
        outside: Outside,
        work: Work,
        die: Die,
        then: str,
    ) -> None:
        """F15: the app gave it, the answer was lost, and then it is due no more."""
        user = scim.add_user(PEOPLE[0])["id"]
        work()
        add(scim, group, [user])
        die("app.after_call", nth=CALLS_UNTIL_GIVEN)
        with pytest.raises(Died):
            work()
        assert outside.members("Sales") == before | {PEOPLE[0]}

        path, change = f"/Groups/{group['id']}", {"op": "remove"}
        change["path"] = f'members[value eq "{user}"]'
        if then == "deactivated":
            path = f"/Users/{user}"
            change = {"op": "replace", "path": "active", "value": False}
        assert scim.patch(path, change).status in {200, 204}
        outlive_leases()
        work(waiting=True)

        assert outside.members("Sales") == before
        assert Provisioning.objects.get(resource_id_public=user).granting == []


def add(scim: ScimClient, group: JSON, users: Sequence[str]) -> None:
    members = [{"value": user} for user in users]
    change = {"op": "add", "path": "members", "value": members}
    assert scim.patch(f"/Groups/{group['id']}", change).status in {200, 204}


def members_of(group: JSON) -> set[str]:
    held = GroupMember.objects.filter(group__public_id=group["id"])
    return set(held.values_list("member__public_id", flat=True))


def cycle(scim: ScimClient, people: Sequence[str]) -> None:
    """Do for each person what an IdP's full cycle does: look, then create or write."""
    for name in people:
        found = scim.get("/Users", filter=f'userName eq "{name}"').resources
        if not found:
            scim.add_user(name, displayName=name.title())
            continue
        answer = scim.patch(
            f"/Users/{found[0]['id']}",
            {"op": "replace", "path": "active", "value": True},
            {"op": "replace", "path": "displayName", "value": name.title()},
        )
        assert answer.status == 200


def test_full_cycle_in_the_middle_of_one_writes_nothing_twice(
    integration: Integration, scim: ScimClient, outside: Outside, work: Work, die: Die
) -> None:
    """F25: an IdP that begins anew makes no duplicate and switches nobody off."""
    cycle(scim, PEOPLE[:4])
    die("app.after_call", nth=5)
    with pytest.raises(Died):
        work()

    cycle(scim, PEOPLE)
    outlive_leases()
    work(waiting=True)

    assert outside.writes() == ["POST /api/users"] * len(PEOPLE)
    assert set(PEOPLE) < set(outside.users())
    assert Resource.objects.filter(resource_type="User").count() == len(PEOPLE)
