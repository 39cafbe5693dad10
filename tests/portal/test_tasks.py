"""**Tasks**, the people who do them, and the lists that prove them."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.models import AccountList, App, Integration, IntegrationDraft, Task
from tests import factories
from tests.conftest import ScimClient, scim_client
from tests.integrations.conftest import work
from tests.integrations.test_tasks import ANN, ANN_DOCUMENT, Work, by_hand
from workspaces.models import User, Workspace

__all__ = ["work"]


@pytest.fixture
def integration(workspace: Workspace) -> Integration:
    return by_hand(workspace)


@pytest.fixture
def scim(integration: Integration) -> ScimClient:
    return scim_client(integration.directory)


@pytest.fixture
def task(scim: ScimClient, work: Work) -> Task:
    scim.add_user(ANN, **ANN_DOCUMENT)
    work()
    return Task.objects.get()


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


class TestTask:
    def test_says_what_to_do_value_by_value(
        self, alice_client: Client, task: Task
    ) -> None:
        page = text(alice_client, f"/tasks/{task.public_id}/")

        for words in ("Create an account", ANN, "Ann Lee", "Badge system", "Alice"):
            assert words in page
        assert "Mark as done" in page
        assert 'href="https://badges.acme.test"' in page

    def test_mark_as_done_ends_the_provisioning(
        self, alice_client: Client, task: Task, integration: Integration, work: Work
    ) -> None:
        page = text(alice_client, f"/tasks/{task.public_id}/")
        version = page.partition('name="version" value="')[2].partition('"')[0]

        answer = alice_client.post(
            f"/tasks/{task.public_id}/done/", {"version": version}, follow=True
        )
        work()

        assert f"The task for {ANN} is done." in answer.content.decode()
        users = f"/integrations/{integration.directory.key}/users/"
        assert "Onboarded" in text(alice_client, users)

    def test_steps_that_nobody_saw_are_not_marked(
        self, alice_client: Client, task: Task
    ) -> None:
        answer = alice_client.post(
            f"/tasks/{task.public_id}/done/", {"version": "old"}, follow=True
        )

        assert "This task has changed since you opened it." in answer.content.decode()
        task.refresh_from_db()
        assert task.state == Task.State.OPEN

    def test_reason_is_shown_where_the_provisioning_failed(
        self, alice_client: Client, task: Task
    ) -> None:
        path = f"/tasks/{task.public_id}/cannot-be-done/"
        page = text(alice_client, path)
        version = page.partition('name="version" value="')[2].partition('"')[0]

        empty = alice_client.post(path, {"version": version, "reason": ""})
        alice_client.post(path, {"version": version, "reason": "No licence is left."})

        assert "Enter the reason." in empty.content.decode()
        person = f"/activity/people/{task.provisioning.resource_id_public}/"
        assert "No licence is left." in text(alice_client, person)
        assert "Mark as done" not in text(alice_client, f"/tasks/{task.public_id}/")


class TestWaiting:
    def test_user_shows_the_task_instead_of_a_state(
        self, alice_client: Client, task: Task, integration: Integration
    ) -> None:
        key, user = integration.directory.key, task.provisioning.resource_id_public
        for path in (
            f"/integrations/{key}/users/",
            f"/integrations/{key}/users/{user}/",
            f"/activity/people/{user}/",
        ):
            page = text(alice_client, path)
            assert "Waiting for a person" in page
            assert f"/tasks/{task.public_id}/" in page

    def test_page_does_not_ask_again_and_again(
        self, alice_client: Client, task: Task, integration: Integration
    ) -> None:
        page = text(alice_client, f"/integrations/{integration.directory.key}/users/")

        assert 'id="users"' in page
        assert "every 3s" not in page


class TestList:
    def test_shows_the_open_ones_and_filters(
        self, alice_client: Client, task: Task, integration: Integration
    ) -> None:
        key = integration.directory.key

        assert ANN in text(alice_client, "/tasks/")
        assert ANN in text(alice_client, f"/tasks/?integration={key}&q=ann")
        for query in ("state=done", "q=nobody", "state=no-such"):
            shown = ANN in text(alice_client, f"/tasks/?{query}")
            assert shown == (query == "state=no-such")

    def test_takes_as_many_queries_for_many_as_for_one(
        self, alice_client: Client, task: Task, scim: ScimClient, work: Work
    ) -> None:
        def queries(path: str) -> int:
            with CaptureQueriesContext(connection) as captured:
                alice_client.get(path)
            return len(captured)

        users = f"/integrations/{scim.directory.key}/users/"
        one = queries("/tasks/"), queries(users)
        for number in range(5):
            scim.add_user(f"person{number}@acme.test")
        work()

        assert (queries("/tasks/"), queries(users)) == one

    def test_another_tenant_sees_none_of_it(
        self, task: Task, charlie: User, other_workspace: Workspace
    ) -> None:
        client = Client()
        client.force_login(charlie)

        assert ANN not in text(client, "/tasks/?state=all")
        assert client.get(f"/tasks/{task.public_id}/").status_code == 404
        assert client.post(f"/tasks/{task.public_id}/done/").status_code == 404


class TestPeople:
    def test_are_named_and_shown(
        self, alice_client: Client, alice: User, bob: User, integration: Integration
    ) -> None:
        path = f"/integrations/{integration.directory.key}/settings/people/"

        refused = alice_client.post(path, {"people": [bob.pk]})
        alice_client.post(path, {"people": [alice.pk]})

        assert refused.status_code == 422
        assert [each.user for each in integration.assignees.all()] == [alice]
        assert "checked" in text(alice_client, path)

    def test_page_is_for_apps_by_hand_alone(
        self, alice_client: Client, workspace: Workspace, integration: Integration
    ) -> None:
        other = factories.IntegrationFactory(workspace=workspace)
        ours, theirs = integration.directory.key, other.directory.key

        for page in ("settings/people/", "accounts-list/"):
            path = f"/integrations/{theirs}/{page}"
            assert alice_client.get(path).status_code == 404
        account = f"/integrations/{ours}/settings/service-account/"
        assert alice_client.get(account).status_code == 404


class TestAccountsList:
    def test_sync_asks_for_it(
        self, alice_client: Client, integration: Integration
    ) -> None:
        key = integration.directory.key

        answer = alice_client.post(f"/integrations/{key}/sync/")

        assert answer["Location"] == f"/integrations/{key}/accounts-list/"

    def test_is_shown_before_it_is_imported(
        self, alice_client: Client, integration: Integration, work: Work
    ) -> None:
        path = f"/integrations/{integration.directory.key}/accounts-list/"
        file = SimpleUploadedFile("a.csv", b"username\nann\nbob")

        answer = alice_client.post(path, {"file": file})
        preview = text(alice_client, answer["Location"])
        assert "2 accounts in" in preview
        assert "New: 2" in preview
        assert not integration.accounts.exists()

        alice_client.post(answer["Location"])
        work()
        assert integration.accounts.count() == 2
        assert AccountList.objects.get().rows == []
        again = alice_client.get(answer["Location"], follow=True)
        assert "This list was imported already." in again.content.decode()

    def test_problems_name_their_lines(
        self, alice_client: Client, integration: Integration
    ) -> None:
        path = f"/integrations/{integration.directory.key}/accounts-list/"
        file = SimpleUploadedFile("a.csv", b"username,active\nann,perhaps\n,yes")

        answer = alice_client.post(path, {"file": file})

        assert answer.status_code == 422
        content = answer.content.decode()
        assert "Line 2: active is" in content
        assert "Line 3: the username is empty." in content
        assert not AccountList.objects.exists()


class TestWizard:
    def test_needs_no_service_account(
        self, alice_client: Client, workspace: Workspace, work: Work
    ) -> None:
        app: App = factories.AppFactory(slug="by-hand")
        alice_client.post(
            "/integrations/new/",
            {"name": "Badges", "app": app.slug, "base_url": "badges.acme.test"},
        )
        draft = f"/integrations/new/{IntegrationDraft.objects.get().public_id}"

        assert "No service account is needed" in text(
            alice_client, f"{draft}/service-account/"
        )
        alice_client.post(f"{draft}/service-account/")
        alice_client.post(f"{draft}/settings/", {"skip": "1"})
        alice_client.post(f"{draft}/check/")
        assert "Reach the app" not in text(alice_client, f"{draft}/check/")
        work()

        made = Integration.objects.get(name="Badges")
        assert made.service_account is None
        overview = f"/integrations/{made.directory.key}/overview/"
        assert alice_client.get(overview).status_code == 200
