"""The left tabs of **Settings**: General, Security settings, Service account."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from integrations import configuration
from integrations.audit import Action
from integrations.models import Integration
from integrations.provisioning import wanted
from tests import factories
from tests.conftest import ScimClient
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User, Workspace


def words(answer: object) -> str:
    content: str = answer.content.decode()  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", content)))


@pytest.fixture
def path(integration: Integration) -> str:
    return f"/integrations/{integration.directory.key}/settings/"


GENERAL = {
    "name": "Acme Redmine",
    "base_url": "http://127.0.0.1:9/app/",
    "sync_schedule": "0 */6 * * *",
    "on_unassign": "delete",
    "calls_per_second": "5",
    "confirms_with_app": "yes",
}


class TestGeneral:
    def test_shows_what_is_set(self, alice_client: Client, path: str) -> None:
        content = alice_client.get(f"{path}general/").content.decode()

        assert 'value="Acme Demo"' in content
        assert 'value="http://127.0.0.1:9"' in content
        assert "Only when somebody presses Sync" in content

    def test_saves_and_records(
        self, alice_client: Client, alice: User, integration: Integration, path: str
    ) -> None:
        answer = alice_client.post(f"{path}general/", GENERAL, follow=True)

        integration.refresh_from_db()
        assert answer.redirect_chain == [(f"{path}general/", 302)]
        assert "Saved." in words(answer)
        assert integration.name == "Acme Redmine"
        assert integration.base_url == "http://127.0.0.1:9/app"
        assert integration.sync_schedule == "0 */6 * * *"
        assert integration.on_unassign == "delete"
        assert integration.calls_per_second == 5
        assert integration.confirms_with_app
        event = AuditEvent.objects.get(action=Action.SETTINGS_CHANGED)
        assert event.actor == alice
        assert event.data == {
            "changed": "base_url, calls_per_second, confirms_with_app, name, on_unassign,"
            " sync_schedule"
        }

    def test_unchanged_writes_nothing(self, alice_client: Client, path: str) -> None:
        alice_client.post(f"{path}general/", GENERAL)

        answer = alice_client.post(f"{path}general/", GENERAL, follow=True)

        assert "Nothing was changed." in words(answer)
        assert AuditEvent.objects.filter(action=Action.SETTINGS_CHANGED).count() == 1

    @pytest.mark.parametrize(
        ("field", "value", "error"),
        [
            ("name", "", "This field is required"),
            ("name", "Taken", "Another integration of this workspace is called Taken"),
            ("base_url", "", "Enter the address of the app."),
            ("base_url", "http://10.0.0.1", "The address of the app is not allowed"),
            ("base_url", "javascript:alert(1)", "The address of the app is not usable"),
            ("sync_schedule", "5", "Select a valid choice"),
            ("on_unassign", "explode", "Select a valid choice"),
            ("calls_per_second", "-1", "greater than or equal to 0"),
            ("confirms_with_app", "maybe", "Select a valid choice"),
        ],
    )
    def test_refuses_and_keeps_what_was_typed(
        self,
        alice_client: Client,
        integration: Integration,
        path: str,
        field: str,
        value: str,
        error: str,
    ) -> None:
        factories.IntegrationFactory(
            workspace=integration.workspace,
            service_account=integration.service_account,
            name="Taken",
        )

        answer = alice_client.post(f"{path}general/", {**GENERAL, field: value})

        assert answer.status_code == 422
        assert error in words(answer)
        assert "There is a problem" in words(answer)
        assert b"/app/" in answer.content or field == "base_url"
        integration.refresh_from_db()
        assert integration.name == "Acme Demo"

    def test_identifier_is_asked_for_where_the_app_has_one(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        app = integration.app
        app.manifest["identifier"] = {"label": "Organization ID", "help": "Ask them."}
        app.save()

        page = words(alice_client.get(f"{path}general/"))
        alice_client.post(f"{path}general/", {**GENERAL, "identifier": "org-7"})

        assert "Organization ID" in page
        assert "Ask them." in page
        integration.refresh_from_db()
        assert integration.identifier == "org-7"


class TestSecuritySettings:
    def test_e0_19_has_a_slider_of_20_percent_and_update(
        self, alice_client: Client, path: str
    ) -> None:
        answer = alice_client.get(f"{path}security/")

        slider = re.search(rb'<input type="range"[^>]*>', answer.content)
        assert slider is not None
        for part in (b'min="0"', b'max="100"', b'value="20"', b'name="threshold"'):
            assert part in slider[0]
        page = words(answer)
        assert "Threshold" in page
        assert "20 %" in page
        assert "Update" in page

    def test_e0_19_update_saves_and_records(
        self, alice_client: Client, alice: User, integration: Integration, path: str
    ) -> None:
        answer = alice_client.post(
            f"{path}security/", {"threshold": "35", "minimum": "5"}, follow=True
        )

        integration.refresh_from_db()
        assert integration.threshold_percent == 35
        assert "The threshold is 35 %." in words(answer)
        event = AuditEvent.objects.get(action=Action.THRESHOLD_CHANGED)
        assert event.actor == alice
        assert event.data == {"before": 20, "after": 35, "minimum": 5}

    @pytest.mark.parametrize("value", ["", "-1", "101", "x", "20.5", "1e9"])
    def test_refuses_what_is_no_percentage(
        self, alice_client: Client, integration: Integration, path: str, value: str
    ) -> None:
        answer = alice_client.post(
            f"{path}security/", {"threshold": value, "minimum": "5"}
        )

        assert answer.status_code == 422
        integration.refresh_from_db()
        assert integration.threshold_percent == 20

    def test_same_value_is_no_news(self, alice_client: Client, path: str) -> None:
        alice_client.post(f"{path}security/", {"threshold": "20", "minimum": "5"})

        assert not AuditEvent.objects.filter(action=Action.THRESHOLD_CHANGED).exists()


class TestServiceAccount:
    def test_tells_which_one_and_how_its_login_is(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        new = words(alice_client.get(f"{path}service-account/"))
        Integration.objects.update(
            status="needs_attention", status_reason="Refused.", status_at=database_now()
        )
        refused = words(alice_client.get(f"{path}service-account/"))

        assert integration.service_account.name in new
        assert "Unknown not used yet" in new
        assert "No other account is saved for Demo app." in new
        assert "Login Needs attention" in refused
        assert factories.SERVICE_PASSWORD not in new

    def test_other_one_of_the_same_app_can_be_chosen(
        self,
        alice_client: Client,
        alice: User,
        integration: Integration,
        workspace: Workspace,
        path: str,
    ) -> None:
        other = factories.ServiceAccountFactory(workspace=workspace, name="admin-two")

        answer = alice_client.post(
            f"{path}service-account/", {"account": str(other.public_id)}, follow=True
        )

        integration.refresh_from_db()
        assert integration.service_account == other
        assert "Keyway works with admin-two now." in words(answer)
        event = AuditEvent.objects.get(action=Action.SERVICE_ACCOUNT_CHOSEN)
        assert (event.actor, event.data["after"]) == (alice, "admin-two")

    def test_waiting_work_tries_the_new_one_at_once(
        self, integration: Integration, scim: ScimClient, alice: User
    ) -> None:
        scim.add_user()
        job = leases.claim(worker="w", now=database_now())
        assert job is not None
        leases.retry(job, "Refused.", now=database_now())
        other = factories.ServiceAccountFactory(workspace=integration.workspace)
        now = database_now()

        configuration.choose_service_account(integration, other, actor=alice, now=now)

        assert Job.objects.get(kind=wanted.JOB).due_at <= now

    @pytest.mark.parametrize("whose", ["app", "tenant", "nobody", "junk"])
    def test_no_other_can_be_chosen(
        self,
        alice_client: Client,
        integration: Integration,
        other_integration: Integration,
        path: str,
        whose: str,
    ) -> None:
        values = {
            "app": str(
                factories.ServiceAccountFactory(
                    workspace=integration.workspace,
                    app=factories.AppFactory(slug="flask-appbuilder"),
                ).public_id
            ),
            "tenant": str(other_integration.service_account.public_id),
            "nobody": "00000000-0000-0000-0000-000000000000",
            "junk": "'; --",
        }
        factories.ServiceAccountFactory(workspace=integration.workspace)
        before = integration.service_account

        answer = alice_client.post(
            f"{path}service-account/", {"account": values[whose]}
        )

        assert answer.status_code == 422
        integration.refresh_from_db()
        assert integration.service_account == before

    def test_service_refuses_that_too(
        self, integration: Integration, other_integration: Integration, alice: User
    ) -> None:
        with pytest.raises(configuration.OtherApp):
            configuration.choose_service_account(
                integration,
                other_integration.service_account,
                actor=alice,
                now=database_now(),
            )


class TestDangerZone:
    def test_offers_pause_and_delete_with_numbers(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        scim.add_user()

        page = words(alice_client.get(f"{path}danger-zone/"))

        assert "1 user, 0 groups and 1 token for good" in page
        assert "Delete integration" in page

    def test_offers_resume_while_it_is_paused(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        alice_client.post(f"/integrations/{integration.directory.key}/pause/")

        content = alice_client.get(f"{path}danger-zone/").content.decode()

        assert "Resume" in content
        assert f"/integrations/{integration.directory.key}/resume/" in content
