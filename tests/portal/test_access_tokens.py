"""An access token instead of a user name and a password: S0-25 to S0-27, S0-30."""

from __future__ import annotations

import re

import pytest
from django.db import IntegrityError
from django.test import Client

from integrations.models import App, IntegrationDraft, ServiceAccount
from integrations.outside import origins
from tests import factories
from workspaces import secrets
from workspaces.models import AuditEvent, User, Workspace

TOKEN = "t0ken-made-in-the-app"


@pytest.fixture
def app(db: None) -> App:
    """Return an app that takes either."""
    app = factories.AppFactory()
    app.manifest["login_workflows"] = ["access_token", "password"]
    app.save()
    return app


@pytest.fixture
def account(workspace: Workspace, app: App) -> ServiceAccount:
    return factories.ServiceAccountFactory(
        workspace=workspace, app=app, name="svc-token", username="", secret=TOKEN
    )


def typed(app: App, **values: str) -> dict[str, str]:
    return {
        "app": app.slug,
        "name": "svc-token",
        "base_url": "https://bi.example.com",
        "login_workflow": "access_token",
        "token": TOKEN,
        **values,
    }


def page_of(account: ServiceAccount, part: str = "") -> str:
    return f"/service-accounts/{account.public_id}/{part}"


def secret_of(account: ServiceAccount) -> str:
    account.refresh_from_db()
    return secrets.decrypt(account.sealed_secret, account.secret_address)


class TestAdd:
    def test_token_is_all_that_is_asked_for(
        self, alice_client: Client, app: App
    ) -> None:
        """S0-30: it is stored in this product, encrypted."""
        answer = alice_client.post("/service-accounts/new/", typed(app))

        account = ServiceAccount.objects.get()
        assert answer["Location"] == page_of(account)
        assert account.login_workflow == ServiceAccount.LoginWorkflow.ACCESS_TOKEN
        assert account.username == ""
        assert secret_of(account) == TOKEN
        assert TOKEN not in account.sealed_secret

    def test_what_stands_in_the_fields_of_the_other_login_is_left_out(
        self, alice_client: Client, app: App
    ) -> None:
        alice_client.post(
            "/service-accounts/new/", typed(app, username="ann", password="hunter22")
        )

        assert ServiceAccount.objects.get().username == ""

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"token": ""}, "Enter the access token of the account."),
            ({"token": "two words"}, "An access token has no spaces"),
            ({"token": "tok\x7fen"}, "An access token has no spaces"),
            ({"login_workflow": "password"}, "Enter the user name of the account."),
        ],
    )
    def test_what_is_missing_or_no_token_is_named(
        self, alice_client: Client, app: App, values: dict[str, str], said: str
    ) -> None:
        answer = alice_client.post("/service-accounts/new/", typed(app, **values))

        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert TOKEN not in answer.content.decode()
        assert not ServiceAccount.objects.exists()

    def test_s0_26_app_without_such_a_login_refuses_it(
        self, alice_client: Client, app: App
    ) -> None:
        app.manifest["login_workflows"] = ["password"]
        app.save()

        answer = alice_client.post("/service-accounts/new/", typed(app))

        assert answer.status_code == 422
        assert "Demo app has no such login." in answer.content.decode()

    def test_login_that_the_app_prefers_is_chosen_already(
        self, alice_client: Client, app: App
    ) -> None:
        page = alice_client.get(f"/service-accounts/new/?app={app.slug}")

        content = page.content.decode()
        (radio,) = re.findall(
            r'<input type="radio"[^>]*value="access_token"[^>]*>', content
        )
        assert "checked" in radio


class TestPages:
    def test_speak_of_a_token_and_never_show_it(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        for part, words in (
            ("", "Replace access token"),
            ("password/", "New access token"),
            ("delete/", "and its access token are deleted"),
        ):
            content = alice_client.get(page_of(account, part)).content.decode()
            assert words in content
            assert "assword of" not in content
            assert TOKEN not in content

    def test_token_is_replaced(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        answer = alice_client.post(
            page_of(account, "password/"),
            {"password": " n3w-token ", "origins": account.origins},
            follow=True,
        )

        assert secret_of(account) == "n3w-token"
        assert "The access token of svc-token is replaced." in answer.content.decode()

    def test_new_token_that_no_header_can_carry_is_refused(
        self, alice_client: Client, account: ServiceAccount
    ) -> None:
        answer = alice_client.post(
            page_of(account, "password/"),
            {"password": "new\r\nX-Evil: 1", "origins": account.origins},
        )

        assert answer.status_code == 422
        assert "An access token has no spaces" in answer.content.decode()
        assert secret_of(account) == TOKEN


class TestWizard:
    @pytest.fixture
    def draft(self, workspace: Workspace, app: App, alice: User) -> IntegrationDraft:
        answers = {
            "name": "Acme BI",
            "app": app.slug,
            "base_url": "https://bi.example.com",
            "steps": ["app"],
        }
        return IntegrationDraft.objects.create(
            workspace=workspace, created_by=alice, answers=answers
        )

    def test_s0_27_each_login_has_its_own_list_of_accounts(
        self,
        alice_client: Client,
        draft: IntegrationDraft,
        account: ServiceAccount,
        app: App,
        workspace: Workspace,
    ) -> None:
        named = factories.ServiceAccountFactory(workspace=workspace, app=app)

        url = f"/integrations/new/{draft.public_id}/service-account/"
        content = alice_client.get(url).content.decode()

        _, of_token, of_password = content.split('class="of-login"')
        assert 'data-login="access_token"' in of_token
        assert str(account.public_id) in of_token
        assert str(named.public_id) not in of_token
        assert str(named.public_id) in of_password

    def test_saved_token_goes_to_a_new_address_only_with_the_token(
        self, alice_client: Client, draft: IntegrationDraft, account: ServiceAccount
    ) -> None:
        url = f"/integrations/new/{draft.public_id}/service-account/"
        chosen = {
            "login_workflow": "access_token",
            "service_account": str(account.public_id),
        }

        asked = alice_client.post(url, chosen)
        wrong = alice_client.post(url, {**chosen, "password": "another"})
        right = alice_client.post(url, {**chosen, "password": TOKEN})

        assert "Access token of the service account" in asked.content.decode()
        assert "The access token of svc-token is not meant for" in (
            asked.content.decode()
        )
        assert "This is not the access token that is saved" in wrong.content.decode()
        assert right.status_code == 302
        account.refresh_from_db()
        assert origins.is_allowed(account, "https://bi.example.com")
        assert TOKEN not in str(list(AuditEvent.objects.values_list("data")))


def test_account_has_a_user_name_or_a_token(account: ServiceAccount) -> None:
    account.username = "ann"

    with pytest.raises(IntegrityError):
        account.save(update_fields=["username"])
