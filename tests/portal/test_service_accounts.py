"""Service accounts: add, replace the password, check now, used by, delete.

S0-30, and the pages under /service-accounts/.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations import service_accounts
from integrations.audit import Action
from integrations.models import App, Integration, ServiceAccount
from tests import factories
from tests.integrations.conftest import connected, outside, outside_process, work
from tests.integrations.outside import Outside
from workspaces import secrets
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, Workspace

__all__ = ["connected", "outside", "outside_process", "work"]

SECRET = "s3cret-of-the-account"


@pytest.fixture
def app(db: None) -> App:
    return factories.AppFactory()


@pytest.fixture
def account(workspace: Workspace) -> ServiceAccount:
    return factories.ServiceAccountFactory(workspace=workspace, name="svc-scim")


def typed(app: App, **values: str) -> dict[str, str]:
    return {
        "app": app.slug,
        "name": "svc-scim",
        "base_url": "https://bi.example.com",
        "login_workflow": "password",
        "username": "keyway",
        "password": SECRET,
        **values,
    }


def page_of(account: ServiceAccount, part: str = "") -> str:
    return f"/service-accounts/{account.public_id}/{part}"


def password_of(account: ServiceAccount) -> str:
    account.refresh_from_db()
    return secrets.decrypt(account.sealed_secret, account.secret_address)


class TestAdd:
    def test_is_saved_with_its_secret_encrypted(
        self, alice_client: Client, app: App
    ) -> None:
        """S0-30: it is stored in this product."""
        answer = alice_client.post("/service-accounts/new/", typed(app))

        account = ServiceAccount.objects.get()
        assert answer["Location"] == page_of(account)
        assert password_of(account) == SECRET
        assert SECRET not in account.sealed_secret
        assert AuditEvent.objects.filter(action=Action.SERVICE_ACCOUNT_ADDED).exists()

    def test_s0_30_page_asks_for_an_admin_of_the_app_that_is_no_person(
        self, alice_client: Client, app: App
    ) -> None:
        page = alice_client.get("/service-accounts/new/").content.decode()

        assert "A live account in the app with the app" in page
        assert "own admin role" in page
        assert "s account: it would stop when the person leaves." in page

    def test_password_is_on_no_page(self, alice_client: Client, app: App) -> None:
        refused = alice_client.post("/service-accounts/new/", typed(app, name=""))
        alice_client.post("/service-accounts/new/", typed(app))
        account = ServiceAccount.objects.get()

        assert refused.status_code == 422
        for page in (
            refused,
            alice_client.get("/service-accounts/"),
            alice_client.get(page_of(account)),
            alice_client.get(page_of(account, "password/")),
        ):
            assert SECRET not in page.content.decode()

    def test_what_was_typed_is_kept_but_for_the_password(
        self, alice_client: Client, app: App
    ) -> None:
        answer = alice_client.post("/service-accounts/new/", typed(app, name=""))

        content = answer.content.decode()
        assert "There is a problem" in content
        assert "Enter a name for the service account." in content
        assert 'value="keyway"' in content
        assert "<title>Error: Add service account" in content

    def test_name_is_unique_in_the_workspace(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        answer = alice_client.post("/service-accounts/new/", typed(account.app))

        assert answer.status_code == 422
        assert "Another service account of this workspace is called svc-scim" in (
            answer.content.decode()
        )
        assert ServiceAccount.objects.count() == 1

    def test_s0_26_unsupported_workflow_is_shown_with_the_reason_and_refused(
        self, alice_client: Client, app: App
    ) -> None:
        page = alice_client.get("/service-accounts/new/").content.decode()
        answer = alice_client.post(
            "/service-accounts/new/", typed(app, login_workflow="sso")
        )

        assert "Single sign-on with your IdP" in page
        assert "Access token" in page
        assert page.count("Not available:") == 1
        assert answer.status_code == 422
        assert "This login workflow is not available." in answer.content.decode()

    @pytest.mark.parametrize("slug", ["no-such-app", "a\x00b", ""])
    def test_only_an_app_of_the_catalog_can_be_chosen(
        self, alice_client: Client, app: App, slug: str
    ) -> None:
        answer = alice_client.post(
            "/service-accounts/new/", {**typed(app), "app": slug}
        )

        assert answer.status_code == 422
        assert "Choose the app that the account is in." in answer.content.decode()


class TestReplacePassword:
    def test_replaces_it_and_writes_it_down(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        answer = alice_client.post(
            page_of(account, "password/"),
            {"password": SECRET, "origins": ["http://127.0.0.1:9"]},
            follow=True,
        )

        assert password_of(account) == SECRET
        assert "The password of svc-scim is replaced." in answer.content.decode()
        event = AuditEvent.objects.filter(action=Action.SECRET_REPLACED).get()
        assert event.target_label == "svc-scim"
        assert SECRET not in str(event.data)

    def test_empty_password_changes_nothing(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        before = password_of(account)

        answer = alice_client.post(
            page_of(account, "password/"),
            {"password": "", "origins": ["http://127.0.0.1:9"]},
        )

        assert answer.status_code == 422
        assert password_of(account) == before

    def test_is_checked_at_once_where_it_is_used(
        self,
        alice_client: Client,
        connected: Integration,
        outside: Outside,
        work: Callable[..., None],
    ) -> None:
        account = connected.service_account

        alice_client.post(
            page_of(account, "password/"),
            {"password": "wrong", "origins": [outside.base_url]},
        )
        work()

        page = alice_client.get(page_of(account)).content.decode()
        assert "Needs attention" in page
        assert "does not accept" in page
        connected.refresh_from_db()
        assert connected.status == Integration.Status.NEEDS_ATTENTION

    def test_dialog_is_the_same_form(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        answer = alice_client.get(
            page_of(account, "password/"), headers={"hx-request": "true"}
        )

        content = answer.content.decode()
        assert content.lstrip().startswith("<dialog")
        assert f'action="{page_of(account, "password/")}' in content


class TestCheckNow:
    def test_logs_in_to_the_app(
        self,
        alice_client: Client,
        connected: Integration,
        outside: Outside,
        work: Callable[..., None],
    ) -> None:
        """S0-30: it is live, and the app shows it what only an admin may see."""
        account = connected.service_account

        answer = alice_client.post(page_of(account, "check/"))
        waiting = alice_client.get(page_of(account)).content.decode()
        work()
        done = alice_client.get(page_of(account)).content.decode()

        assert answer["Location"] == page_of(account)
        assert "data-poll" in waiting
        assert ("POST", "/api/session", 201) in outside.requests() or (
            "POST",
            "/api/session",
            200,
        ) in outside.requests()
        assert outside.writes() == []
        assert "Logged in for 1 integration." in done
        assert "data-poll" not in done

    def test_second_click_starts_no_second_job(
        self, alice_client: Client, connected: Integration
    ) -> None:
        account = connected.service_account

        alice_client.post(page_of(account, "check/"))
        alice_client.post(page_of(account, "check/"))

        assert Job.objects.filter(kind=service_accounts.JOB).count() == 1

    def test_is_not_offered_where_no_integration_names_an_address(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        answer = alice_client.post(page_of(account, "check/"), follow=True)

        content = answer.content.decode()
        assert "Check now" not in content
        assert "No integration uses svc-scim" in content
        assert not Job.objects.exists()

    def test_outcome_is_unknown_once_the_password_is_replaced(
        self,
        alice_client: Client,
        connected: Integration,
        outside: Outside,
        work: Callable[..., None],
    ) -> None:
        account = connected.service_account
        alice_client.post(page_of(account, "check/"))
        work()
        assert state_of(account) == "passed"

        ServiceAccount.objects.update(secret_set_at=database_now())

        account.refresh_from_db()
        assert state_of(account) == "outdated"

    def test_answer_to_the_poll_is_the_part_that_waits(
        self, alice_client: Client, connected: Integration
    ) -> None:
        account = connected.service_account
        alice_client.post(page_of(account, "check/"))

        answer = alice_client.get(
            page_of(account, "check/"), headers={"hx-request": "true"}
        )

        content = answer.content.decode()
        assert content.lstrip().startswith('<div id="check"')
        assert "Running" in content


class TestDelete:
    def test_forgets_what_nobody_uses(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        answer = alice_client.post(page_of(account, "delete/"), follow=True)

        assert "svc-scim is deleted." in answer.content.decode()
        assert not ServiceAccount.objects.exists()
        event = AuditEvent.objects.get(action=Action.SERVICE_ACCOUNT_DELETED)
        assert event.target_label == "svc-scim"

    def test_is_refused_while_it_is_used(
        self, alice_client: Client, integration: Integration
    ) -> None:
        account = integration.service_account
        page = alice_client.get(page_of(account, "delete/")).content.decode()

        answer = alice_client.post(page_of(account, "delete/"))

        assert "is in use" in page
        assert "Acme Demo" in page
        assert "Delete service account</button>" not in page
        assert answer.status_code == 409
        assert ServiceAccount.objects.filter(pk=account.pk).exists()
        assert not AuditEvent.objects.filter(
            action=Action.SERVICE_ACCOUNT_DELETED
        ).exists()


class TestList:
    def test_shows_app_login_and_by_how_many_it_is_used(
        self, alice_client: Client, integration: Integration
    ) -> None:
        content = alice_client.get("/service-accounts/").content.decode()

        assert integration.service_account.name in content
        assert "Username and password" in content
        assert "svc-keyway" in content
        assert "<span>1</span>" in content

    def test_empty_list_says_what_belongs_here(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        content = alice_client.get("/service-accounts/").content.decode()

        assert "No service accounts yet" in content
        assert "Add service account" in content

    def test_search_that_finds_nothing_offers_to_clear_it(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        content = alice_client.get("/service-accounts/?q=zzz").content.decode()

        assert "No service account matches “zzz”." in content
        assert "svc-scim" not in content

    def test_takes_as_many_queries_for_many_as_for_one(
        self, alice_client: Client, account: ServiceAccount, workspace: Workspace
    ) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                alice_client.get("/service-accounts/")
            return len(captured)

        one = queries()
        for _ in range(10):
            factories.IntegrationFactory(workspace=workspace)

        assert queries() == one

    def test_another_tenant_sees_none_of_it(
        self, account: ServiceAccount, charlie: object, other_workspace: Workspace
    ) -> None:
        client = Client()
        client.force_login(other_workspace.memberships.get().user)

        assert "svc-scim" not in client.get("/service-accounts/").content.decode()
        for part in ("", "password/", "check/", "delete/"):
            assert client.get(page_of(account, part)).status_code == 404


def state_of(account: ServiceAccount) -> str:
    now = database_now()
    return service_accounts.checks([account], now=now)[account.pk].state
