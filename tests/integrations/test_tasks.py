"""An app by hand: what the IdP wants becomes a task, and a list proves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail

from integrations import services as integrations
from integrations.audit import Action
from integrations.models import (
    AccountList,
    AppAccount,
    Integration,
    Provisioning,
    Task,
)
from integrations.provisioning import wanted
from integrations.syncing import schedule, sync
from integrations.tasks import lists, mailing, rows, services
from tests import factories
from tests.conftest import JSON, ScimClient
from tests.integrations.conftest import work
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, Role, User, Workspace

__all__ = ["work"]

Work = Callable[..., None]
State = Provisioning.State
ANN = "ann.lee@acme.test"
ANN_DOCUMENT = {
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "displayName": "Ann Lee",
    "emails": [{"value": ANN, "primary": True}],
}
IN_THE_LIST = f"{ANN},{ANN},Ann Lee,yes,"


@pytest.fixture
def integration(workspace: Workspace) -> Integration:
    return by_hand(workspace)


def by_hand(workspace: Workspace) -> Integration:
    return integrations.create(
        workspace,
        app=factories.AppFactory(slug="by-hand"),
        service_account=None,
        name="Badge system",
        base_url="https://badges.acme.test",
        actor=None,
    )


@pytest.fixture
def ann(scim: ScimClient, work: Work) -> JSON:
    """Ann, whom nobody has put into the app yet."""
    user = scim.add_user(ANN, **ANN_DOCUMENT)
    work()
    return user


@pytest.fixture
def onboarded(ann: JSON, alice: User, work: Work) -> JSON:
    """Ann, whom Alice says to have put into the app."""
    mark_done(alice)
    work()
    return ann


def row_of(user: JSON) -> Provisioning:
    return Provisioning.objects.get(resource_id_public=user["id"])


def open_task() -> Task:
    return Task.objects.get(state=Task.State.OPEN)


def words() -> list[str]:
    return [step["words"] for step in open_task().steps]


def mark_done(actor: User) -> None:
    task = open_task()
    services.done(
        task, version=services.version_of(task), actor=actor, now=database_now()
    )


def bring_list(integration: Integration, actor: User, *lines: str) -> Job:
    text = "\n".join(["username,email,display_name,active,groups", *lines])
    uploaded = lists.upload(
        integration,
        file_name="accounts.csv",
        rows=rows.read(text.encode()),
        actor=actor,
        now=database_now(),
    )
    return lists.import_list(uploaded, actor=actor, now=database_now())


def change(scim: ScimClient, user: JSON, path: str, value: object) -> None:
    answer = scim.patch(
        f"/Users/{user['id']}", {"op": "replace", "path": path, "value": value}
    )
    assert answer.status == 200, answer.text


class TestAsk:
    def test_new_user_waits_for_a_person(self, ann: JSON) -> None:
        """E0-2: what no interface of the app can do, a person is asked for."""

        task, row = open_task(), row_of(ann)
        job = Job.objects.get(kind=wanted.JOB)

        assert words() == ["Create an account"]
        assert {"label": "User name", "value": ANN} in task.steps[0]["values"]
        assert row.state == State.PROVISIONING_AWAITING
        assert (row.account, row.last_error) == (None, "")
        assert job.state == Job.State.HELD
        assert job.result == {"task": str(task.public_id)}
        assert not AppAccount.objects.exists()

    def test_change_before_it_is_done_changes_the_task(
        self, ann: JSON, scim: ScimClient, work: Work
    ) -> None:
        change(scim, ann, "displayName", "Ann Novak")
        work()

        assert Task.objects.count() == 1
        assert {"label": "Display name", "value": "Ann Novak"} in (
            open_task().steps[0]["values"]
        )

    def test_user_who_leaves_before_it_is_done_takes_the_task_back(
        self, ann: JSON, scim: ScimClient, work: Work
    ) -> None:
        assert scim.delete(f"/Users/{ann['id']}").status == 204
        work()

        assert Task.objects.get().state == Task.State.NOT_NEEDED
        assert row_of(ann).state == State.DELETED

    def test_nothing_is_asked_twice(self, ann: JSON, work: Work) -> None:
        Job.objects.update(state=Job.State.QUEUED)
        work()

        assert Task.objects.count() == 1
        assert AuditEvent.objects.filter(action=Action.TASK_OPENED).count() == 1
        assert not AuditEvent.objects.filter(action=Action.TASK_CHANGED).exists()


class TestDone:
    def test_is_taken_for_what_the_app_shows(
        self, onboarded: JSON, integration: Integration
    ) -> None:
        row = row_of(onboarded)

        assert row.state == State.ONBOARDED
        assert row.account is not None
        assert (row.account.username, row.account.is_active) == (ANN, True)
        assert Task.objects.get().state == Task.State.DONE
        assert AuditEvent.objects.filter(action=Action.TASK_DONE).exists()

    def test_next_change_asks_for_the_difference_alone(
        self, onboarded: JSON, scim: ScimClient, work: Work, alice: User
    ) -> None:
        change(scim, onboarded, "name.familyName", "Novak")
        work()
        (step,) = open_task().steps
        assert step["values"] == [{"label": "Family name", "value": "Novak"}]

        mark_done(alice)
        work()
        assert row_of(onboarded).state == State.ONBOARDED

    def test_deactivate_and_reactivate(
        self, onboarded: JSON, scim: ScimClient, work: Work, alice: User
    ) -> None:
        change(scim, onboarded, "active", value=False)
        work()
        assert words() == [f"Deactivate the account {ANN}: it must not log in"]
        mark_done(alice)
        work()
        assert not AppAccount.objects.get().is_active

        change(scim, onboarded, "active", value=True)
        work()
        assert words() == [f"Reactivate the account {ANN}"]

    def test_delete(
        self, onboarded: JSON, scim: ScimClient, work: Work, alice: User
    ) -> None:
        assert scim.delete(f"/Users/{onboarded['id']}").status == 204
        work()
        assert words() == [f"Delete the account {ANN}"]
        assert row_of(onboarded).state == State.DELETE_AWAITING

        mark_done(alice)
        work()
        assert row_of(onboarded).state == State.DELETED
        assert not AppAccount.objects.exists()

    def test_change_since_the_page_was_opened_is_not_marked(
        self, ann: JSON, scim: ScimClient, work: Work, alice: User
    ) -> None:
        seen = open_task()
        version = services.version_of(seen)
        change(scim, ann, "displayName", "Ann Novak")
        work()

        with pytest.raises(services.NotOpen):
            services.done(seen, version=version, actor=alice, now=database_now())

        assert open_task().closed_at is None

    def test_wish_that_came_in_between_is_the_next_task(
        self, ann: JSON, scim: ScimClient, work: Work, alice: User
    ) -> None:
        """The person did what the task said; the IdP has changed its mind since."""
        change(scim, ann, "displayName", "Ann Novak")
        mark_done(alice)
        work()

        (step,) = open_task().steps
        assert step["values"] == [{"label": "Display name", "value": "Ann Novak"}]


class TestCannotBeDone:
    def test_fails_with_the_reason_and_can_be_retried(
        self, ann: JSON, alice: User, integration: Integration, work: Work
    ) -> None:
        task = open_task()
        services.cannot_be_done(
            task,
            version=services.version_of(task),
            reason="No licence is left.",
            actor=alice,
            now=database_now(),
        )
        row = row_of(ann)
        assert row.state == State.PROVISIONING_FAILED
        assert (
            row.last_error == "Alice says that it cannot be done: No licence is left."
        )
        assert Job.objects.get(kind=wanted.JOB).state == Job.State.NOT_COMPLETED

        wanted.retry(row, actor=alice, now=database_now())
        work()
        assert open_task().pk != task.pk


class TestProof:
    def test_list_that_shows_it_proves_the_task(
        self, onboarded: JSON, integration: Integration, alice: User, work: Work
    ) -> None:
        job = bring_list(integration, alice, IN_THE_LIST)
        work()

        job.refresh_from_db()
        assert job.state == Job.State.COMPLETED, job.error
        assert Task.objects.get().proved_at is not None
        assert row_of(onboarded).state == State.ONBOARDED
        assert AppAccount.objects.count() == 1

    def test_list_without_the_account_opens_the_task_again(
        self, onboarded: JSON, integration: Integration, alice: User, work: Work
    ) -> None:
        integration.threshold_percent = 100
        integration.save()
        bring_list(integration, alice, "bob@acme.test,bob@acme.test,Bob,yes,")
        work()

        task = open_task()
        assert task.finding == f"The list has no account {ANN}."
        assert words() == ["Create an account"]
        assert row_of(onboarded).state == State.UPDATE_AWAITING
        assert AuditEvent.objects.filter(action=Action.TASK_REOPENED).exists()

    def test_list_with_another_value_opens_the_task_with_the_difference(
        self, onboarded: JSON, integration: Integration, alice: User, work: Work
    ) -> None:
        bring_list(integration, alice, f"{ANN},{ANN},Anne Lee,yes,")
        work()

        task = open_task()
        assert task.finding == (
            "Display name is Anne Lee in the list, and should be Ann Lee."
        )
        (step,) = task.steps
        assert step["values"] == [{"label": "Display name", "value": "Ann Lee"}]

    def test_list_is_older_than_what_was_done_since(
        self,
        onboarded: JSON,
        scim: ScimClient,
        integration: Integration,
        alice: User,
        work: Work,
    ) -> None:
        text = f"username,email,display_name\n{ANN},{ANN},Ann Lee"
        uploaded = lists.upload(
            integration,
            file_name="a.csv",
            rows=rows.read(text.encode()),
            actor=alice,
            now=database_now(),
        )
        change(scim, onboarded, "displayName", "Ann Novak")
        work()
        mark_done(alice)
        lists.import_list(uploaded, actor=alice, now=database_now())
        work()

        assert AppAccount.objects.get().display_name == "Ann Novak"
        assert not Task.objects.filter(state=Task.State.OPEN).exists()

    def test_groups_of_a_list_can_be_given(
        self,
        onboarded: JSON,
        scim: ScimClient,
        integration: Integration,
        alice: User,
        work: Work,
    ) -> None:
        bring_list(integration, alice, IN_THE_LIST, "bob@acme.test,,,yes,Vault")
        work()
        (vault,) = scim.get("/Groups").resources
        member = {"op": "add", "path": "members", "value": [{"value": onboarded["id"]}]}
        scim.patch(f"/Groups/{vault['id']}", member)
        work()
        assert words() == ["Give the group Vault"]

        mark_done(alice)
        work()
        assert row_of(onboarded).given == {("group", "Vault")}

    def test_sync_without_a_list_says_what_is_missing(
        self, integration: Integration, work: Work
    ) -> None:
        job = integrations.request_sync(integration, actor=None, now=database_now())
        work()

        job.refresh_from_db()
        assert job.state == Job.State.NOT_COMPLETED
        assert "Upload one under Accounts list" in job.error

    def test_list_without_most_users_is_held(
        self, onboarded: JSON, integration: Integration, alice: User, work: Work
    ) -> None:
        job = bring_list(integration, alice, "bob@acme.test,,,yes,")
        work()

        job.refresh_from_db()
        assert job.state == Job.State.HELD
        assert AppAccount.objects.count() == 1


class TestMail:
    def test_is_one_to_each_person_for_all_new_tasks(
        self, ann: JSON, scim: ScimClient, work: Work, workspace: Workspace
    ) -> None:
        factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
        factories.MembershipFactory(workspace=workspace, role=Role.MEMBER)
        scim.add_user("bea@acme.test")
        work()
        assert mail.outbox == []

        work(waiting=True)

        assert len(mail.outbox) == 2
        assert all("2 tasks to do in Acme" in each.subject for each in mail.outbox)
        assert all(len(each.to) == 1 for each in mail.outbox)
        assert "bea@acme.test in Badge system" in mail.outbox[0].body
        assert "Lee" not in mail.outbox[0].body

    def test_goes_to_the_named_people_alone(
        self, ann: JSON, alice: User, integration: Integration, work: Work
    ) -> None:
        admin = factories.MembershipFactory(
            workspace=integration.workspace, role=Role.ADMIN
        ).user
        services.assign(integration, [admin], actor=alice)
        work(waiting=True)

        assert [each.to for each in mail.outbox] == [[admin.email]]

    def test_reminds_after_days_and_not_before(
        self, ann: JSON, work: Work, workspace: Workspace
    ) -> None:
        work(waiting=True)
        mail.outbox.clear()
        job = Job(workspace=workspace, kind=mailing.REMIND, subject="x")
        assert mailing.remind(job) == {"sent": 0}

        Task.objects.update(mailed_at=database_now() - timedelta(days=4))

        assert mailing.remind(job) == {"sent": 1}
        assert "1 task still open in Acme" in mail.outbox[0].subject
        assert mailing.remind(job) == {"sent": 0}


class TestRows:
    def test_reads_what_a_spreadsheet_writes(self) -> None:
        """With a byte order mark, semicolons and empty lines."""
        text = (
            "\ufeffUsername;Display name;Active;Groups;Roles\r\n"
            'ann;"Lee; Ann";no;"Vault; Editors";\r\n\r\n'
        )

        assert rows.read(text.encode()) == [
            {
                "username": "ann",
                "email": "",
                "display_name": "Lee; Ann",
                "active": False,
                "group": ["Editors", "Vault"],
                "role": [],
            }
        ]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "Line 1: the column username is missing."),
            (b"name,email\nx,y", "Line 1: the column username is missing."),
            (b"username,shoe size\nx,y", "Line 1: shoe_size is not known here."),
            (b"username,username\nx,y", "Line 1: a column is there twice."),
            (b"username\n", "The file has a header and no accounts."),
            (b"username,email\n,x", "Line 2: the username is empty."),
            (b"username\nann\nAnn", "Line 3: Ann is there already, in line 2."),
            (b"username,active\nann,maybe", "Line 2: active is \u201cmaybe\u201d."),
            (b"username,email\nann", "Line 2: 1 values, and the header has 2"),
            (b"username\n" + b"x" * 256, "Line 2: username has more than 255"),
            (b'username\n"ann', "Line 2: unexpected end of data."),
            (b"\xff\xfe", "The file is not in UTF-8."),
            (b"username\n\x00", "The file is no CSV file."),
            (b"x" * (rows.LARGEST_BYTES + 1), "larger than 5 MB"),
        ],
    )
    def test_says_what_is_wrong_and_in_which_line(
        self, content: bytes, said: str
    ) -> None:
        with pytest.raises(rows.InvalidList) as failure:
            rows.read(content)

        assert said in " ".join(failure.value.problems)

    def test_names_the_first_ten_problems(self) -> None:
        text = "username,active\n" + "\n".join(f"ann{n},x" for n in range(12))

        with pytest.raises(rows.InvalidList) as failure:
            rows.read(text.encode())

        assert len(failure.value.problems) == 11
        assert failure.value.problems[-1] == "And 2 more."


class TestFreshList:
    @pytest.fixture(autouse=True)
    def nightly(self, integration: Integration) -> None:
        Integration.objects.update(sync_schedule="0 2 * * *")

    def ask(self, *, hours: int = 0) -> int:
        """Let the schedule look when the last list is so old."""
        now = database_now()
        AccountList.objects.update(uploaded_at=now - timedelta(hours=hours))
        Integration.objects.update(next_sync_at=now)
        return schedule.ask_for_due(now)

    def test_is_asked_for_once_the_last_one_is_older_than_the_schedule(
        self, integration: Integration, alice: User, work: Work
    ) -> None:
        bring_list(integration, alice, IN_THE_LIST)
        work()

        assert self.ask(hours=23) == 0
        assert self.ask(hours=49) == 1
        assert self.ask(hours=50) == 0

        work()
        (sent,) = mail.outbox
        assert sent.subject == "Keyway: Badge system needs a fresh accounts list"
        assert sent.recipients() == [alice.email]
        assert f"{integration.directory.key}/accounts-list/" in sent.body
        assert "The last list is of" in sent.body

    def test_is_asked_for_where_there_was_none(self, work: Work) -> None:
        assert self.ask() == 1

        work()

        assert "There is no list yet." in mail.outbox[0].body
        assert not Job.objects.filter(kind=sync.JOB).exists()

    def test_that_came_meanwhile_is_not_asked_for(
        self, integration: Integration, alice: User, work: Work
    ) -> None:
        assert self.ask() == 1
        bring_list(integration, alice, IN_THE_LIST)

        work()

        assert mail.outbox == []
