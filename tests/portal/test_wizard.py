"""New app integration: the steps, the draft, and Test and save.

S0-14, S0-16 to S0-41, S0-131.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from integrations.audit import Action
from integrations.connectors.browser import availability
from integrations.models import App, Integration, IntegrationDraft, ServiceAccount
from integrations.outside import origins
from integrations.set_up import drafts, setup_check
from tests import factories
from tests.conftest import ScimClient
from tests.integrations.conftest import outside, outside_process, work
from tests.integrations.outside import USERNAME, Outside
from tests.real_apps.servers import free_port
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User, Workspace

__all__ = ["outside", "outside_process", "work"]

NEW = "/integrations/new/"
HTMX = {"hx-request": "true"}
Work = Callable[..., None]


@pytest.fixture
def app(db: None) -> App:
    return factories.AppFactory()


@pytest.fixture
def account(workspace: Workspace, outside: Outside) -> ServiceAccount:
    return factories.ServiceAccountFactory(
        workspace=workspace,
        name="svc",
        username=USERNAME,
        secret=outside.password,
        base_url=outside.base_url,
    )


@pytest.fixture
def draft(workspace: Workspace, alice: User, app: App) -> IntegrationDraft:
    answers = {"name": "Acme BI", "app": app.slug, "base_url": "http://127.0.0.1:9"}
    return drafts.start(workspace, answers=answers, actor=alice)


@pytest.fixture
def ready(
    draft: IntegrationDraft, account: ServiceAccount, outside: Outside
) -> IntegrationDraft:
    """A draft that lacks nothing."""
    draft.answers |= {
        "base_url": outside.base_url,
        "login_workflow": "password",
        "service_account": str(account.public_id),
        "steps": list(drafts.STEPS),
    }
    draft.save()
    return draft


@pytest.fixture
def app_with_id(app: App) -> App:
    manifest = {
        **app.manifest,
        "slug": "boards",
        "name": "Boards",
        "identifier": {"label": "Team ID", "help": "It is in the app's address."},
    }
    return App.objects.create(
        slug="boards",
        name="Boards",
        category="Planning",
        connector="http",
        manifest=manifest,
    )


def step(draft: IntegrationDraft, name: str) -> str:
    return f"/integrations/new/{draft.public_id}/{name}/"


def first(app: App, **values: str) -> dict[str, str]:
    return {
        "name": "Acme BI",
        "app": app.slug,
        "base_url": "https://bi.example.com",
        **values,
    }


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def result_of(draft: IntegrationDraft) -> dict[str, Any]:
    draft.refresh_from_db()
    return draft.check_result


class TestStart:
    def test_s0_14_list_has_the_button(
        self, alice_client: Client, integration: Integration
    ) -> None:
        content = text(alice_client.get("/integrations/"))

        assert re.search(rf'href="{NEW}"[^>]*>.*?Create integration', content)

    def test_empty_list_has_the_button_too(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        assert text(alice_client.get("/integrations/")).count(f'href="{NEW}"') == 2

    def test_s0_16_opens_on_select_app(self, alice_client: Client, app: App) -> None:
        content = text(alice_client.get(NEW))

        assert "<h1>New app integration</h1>" in content
        assert re.search(r'aria-current="step".{0,200}Select app', content)
        assert '<option value="demo-app" >Demo app</option>' in content

    def test_s0_131_names_what_must_be_at_hand(
        self, alice_client: Client, app: App
    ) -> None:
        content = text(alice_client.get(NEW))

        assert "What you need at hand" in content
        for need in ("A place in the app", "A service account", "The login method"):
            assert need in content
        assert "The business or organization ID" in content

    def test_reading_the_page_makes_no_draft(
        self, alice_client: Client, app: App
    ) -> None:
        alice_client.get(NEW)

        assert not IntegrationDraft.objects.exists()


class TestSelectApp:
    def test_s0_24_next_leads_to_the_service_account(
        self, alice_client: Client, app: App, workspace: Workspace
    ) -> None:
        answer = alice_client.post(NEW, first(app))

        draft = IntegrationDraft.objects.get()
        assert answer["Location"] == step(draft, "service-account")
        assert draft.workspace == workspace
        assert draft.answers["app"] == "demo-app"
        assert AuditEvent.objects.filter(action=Action.DRAFT_STARTED).count() == 1

    def test_s0_17_name_is_required_and_unique(
        self, alice_client: Client, app: App, integration: Integration
    ) -> None:
        none = alice_client.post(NEW, first(app, name=""))
        taken = alice_client.post(NEW, first(app, name=integration.name))

        assert none.status_code == taken.status_code == 422
        assert "Enter a name for the integration." in text(none)
        assert "Another integration of this workspace is called" in text(taken)
        assert not IntegrationDraft.objects.exists()

    def test_s0_18_typing_filters_the_apps(
        self, alice_client: Client, app: App, app_with_id: App
    ) -> None:
        found = text(alice_client.get(f"{NEW}apps/?q=demo"))
        by_category = text(alice_client.get(f"{NEW}apps/?q=PLANN"))

        assert 'data-value="demo-app"' in found
        assert "boards" not in found
        assert 'data-value="boards"' in by_category

    def test_s0_18_no_match_says_so(self, alice_client: Client, app: App) -> None:
        answer = text(alice_client.get(f"{NEW}apps/?q=%3Cb%3Ex"))

        assert "No app in the catalog matches “&lt;b&gt;x”." in answer
        assert "role=" in answer
        assert "<b>" not in answer

    def test_s0_18_no_match_names_what_takes_every_app(
        self, alice_client: Client, app: App
    ) -> None:
        factories.AppFactory(slug="scim-app")
        factories.AppFactory(slug="by-hand")

        answer = text(alice_client.get(f"{NEW}apps/?q=zzz"))

        assert "For every other app there are “Any app" in answer
        assert "“Any app with SCIM”" in answer
        assert "“Any app, by hand”" in answer

    def test_name_that_was_typed_filters_until_the_field_is_touched(
        self, alice_client: Client, app: App, app_with_id: App
    ) -> None:
        named = text(alice_client.get(f"{NEW}apps/?q=&name=Acme+Boards"))
        nothing = text(alice_client.get(f"{NEW}apps/?q=&name=Acme"))

        assert "boards" in named
        assert "demo-app" not in named
        assert nothing.count('role="option"') == 2

    def test_at_most_eight_apps_are_shown(self, alice_client: Client, app: App) -> None:
        for number in range(9):
            factories.AppFactory(slug=f"app-{number}", manifest=app.manifest)

        answer = text(alice_client.get(f"{NEW}apps/"))

        assert answer.count('role="option"') == 8
        assert "There are more." in answer

    def test_search_works_without_a_script(
        self, alice_client: Client, app: App, app_with_id: App
    ) -> None:
        content = text(alice_client.get(f"{NEW}?q=board"))

        assert '<option value="boards"' in content
        assert '<option value="demo-app"' not in content

    @pytest.mark.parametrize("slug", ["no-such", "", "a\x00b"])
    def test_s0_19_only_an_app_of_the_catalog_can_be_chosen(
        self, alice_client: Client, app: App, slug: str
    ) -> None:
        answer = alice_client.post(
            NEW, {**first(app), "app": slug, "app_text": "Somewhat"}
        )

        assert answer.status_code == 422
        assert "No app in the catalog matches “Somewhat”." in text(answer)
        assert 'value="Acme BI"' in text(answer)
        assert not IntegrationDraft.objects.exists()

    def test_s0_19_app_that_is_not_offered_cannot_be_chosen(
        self, alice_client: Client, app: App
    ) -> None:
        App.objects.update(is_offered=False)

        assert alice_client.post(NEW, first(app)).status_code == 422
        assert "demo-app" not in text(alice_client.get(f"{NEW}apps/"))

    def test_s0_20_identifier_is_asked_only_where_the_app_has_one(
        self, alice_client: Client, app: App, app_with_id: App
    ) -> None:
        """S0-20, S0-21 and S0-22: with its own label and help."""
        without = text(alice_client.get(f"{NEW}app-fields/?app=demo-app"))
        with_id = text(alice_client.get(f"{NEW}app-fields/?app=boards"))

        assert "id_identifier" not in without
        assert "Team ID" in with_id
        assert "It is in the app&#x27;s address." in with_id

    def test_app_that_needs_a_browser_says_so_where_there_is_none(
        self, alice_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        factories.AppFactory(slug="wagtail")
        url = f"{NEW}app-fields/?app=wagtail"
        monkeypatch.setattr(availability, "executable", lambda: "/usr/bin/chromium")
        there = text(alice_client.get(url))
        monkeypatch.setattr(availability, "executable", lambda: "")
        lacking = text(alice_client.get(url))

        assert "Keyway has no" not in there
        assert availability.NO_CHROMIUM in html.unescape(lacking)

    def test_s0_23_identifier_is_required_and_kept(
        self, alice_client: Client, app_with_id: App
    ) -> None:
        lacking = alice_client.post(NEW, first(app_with_id))
        alice_client.post(NEW, first(app_with_id, identifier="acme"))

        assert lacking.status_code == 422
        assert "Enter the Team ID." in text(lacking)
        assert IntegrationDraft.objects.get().answers["identifier"] == "acme"

    @pytest.mark.parametrize(
        "url", ["", "ftp://x.test", "https://u:p@x.test", "http://10.0.0.1"]
    )
    def test_address_that_may_not_be_called_is_refused(
        self, alice_client: Client, app: App, url: str
    ) -> None:
        answer = alice_client.post(NEW, first(app, base_url=url))

        assert answer.status_code == 422
        assert 'href="#id_base_url"' in text(answer)

    def test_s0_40_going_back_keeps_what_was_entered(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        content = text(alice_client.get(step(draft, "app")))

        assert 'value="Acme BI"' in content
        assert 'value="http://127.0.0.1:9"' in content
        assert '<option value="demo-app" selected>' in content

    def test_another_app_drops_what_depends_on_it(
        self, alice_client: Client, ready: IntegrationDraft, app_with_id: App
    ) -> None:
        alice_client.post(step(ready, "app"), first(app_with_id, identifier="acme"))

        ready.refresh_from_db()
        assert "service_account" not in ready.answers
        assert ready.answers["steps"] == ["app"]


class TestServiceAccount:
    def test_s0_25_offers_the_workflows_and_says_why_one_is_not(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        content = text(alice_client.get(step(draft, "service-account")))

        assert "Select login workflow" in content
        assert "Username and password" in content
        # S0-26: visible, not selectable, with the reason.
        for value in ("sso", "access_token"):
            (radio,) = re.findall(
                rf'<input type="radio"[^>]*value="{value}"[^>]*>', content
            )
            assert "disabled" in radio
        assert content.count("Not available:") == 2

    def test_s0_27_lists_the_accounts_of_that_app(
        self,
        alice_client: Client,
        draft: IntegrationDraft,
        account: ServiceAccount,
        app_with_id: App,
        workspace: Workspace,
        other_workspace: Workspace,
    ) -> None:
        factories.ServiceAccountFactory(
            workspace=workspace, app=app_with_id, name="of-boards"
        )
        factories.ServiceAccountFactory(workspace=other_workspace, name="of-other")

        content = text(alice_client.get(step(draft, "service-account")))

        assert str(account.public_id) in content
        assert "of-boards" not in content
        assert "of-other" not in content

    def test_s0_28_empty_list_points_to_saving_one(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        content = text(alice_client.get(step(draft, "service-account")))

        assert "No account is saved for Demo app" in content
        assert f"/service-accounts/new/?app=demo-app&amp;draft={draft.public_id}" in (
            content
        )

    def test_account_that_is_added_on_the_way_is_chosen(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        answer = alice_client.post(
            "/service-accounts/new/",
            {
                "app": "demo-app",
                "name": "svc-2",
                "login_workflow": "password",
                "base_url": "http://127.0.0.1:9",
                "username": "x",
                "password": "y",
                "draft": str(draft.public_id),
            },
        )

        account = ServiceAccount.objects.get()
        back = f"{step(draft, 'service-account')}?account={account.public_id}"
        assert answer["Location"] == back
        content = text(alice_client.get(back))
        chosen = re.findall(
            r'name="service_account" value="[^"]*"[^>]*checked', content
        )
        assert len(chosen) == 1

    def test_s0_29_one_account_must_be_chosen(
        self, alice_client: Client, draft: IntegrationDraft, account: ServiceAccount
    ) -> None:
        answer = alice_client.post(
            step(draft, "service-account"), {"login_workflow": "password"}
        )

        assert answer.status_code == 422
        assert "Choose a service account." in text(answer)

    def test_account_of_another_tenant_is_refused(
        self,
        alice_client: Client,
        draft: IntegrationDraft,
        other_workspace: Workspace,
    ) -> None:
        theirs = factories.ServiceAccountFactory(workspace=other_workspace)

        answer = alice_client.post(
            step(draft, "service-account"),
            {"login_workflow": "password", "service_account": str(theirs.public_id)},
        )

        assert answer.status_code == 422
        draft.refresh_from_db()
        assert "service_account" not in draft.answers

    def test_next_leads_to_the_settings(
        self,
        alice_client: Client,
        draft: IntegrationDraft,
        account: ServiceAccount,
        outside: Outside,
    ) -> None:
        answer = alice_client.post(
            step(draft, "service-account"),
            {
                "login_workflow": "password",
                "service_account": str(account.public_id),
                "password": outside.password,
            },
        )

        assert answer["Location"] == step(draft, "settings")


class TestSettings:
    def test_s0_31_skip_keeps_the_defaults(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        outside: Outside,
        work: Work,
    ) -> None:
        answer = alice_client.post(
            step(ready, "settings"),
            {"skip": "1", "sync_schedule": "0 */6 * * *", "on_unassign": "delete"},
        )
        alice_client.post(step(ready, "check"))
        work()

        assert answer["Location"] == step(ready, "advanced")
        made = Integration.objects.get()
        assert (made.sync_schedule, made.on_unassign) == ("", "deactivate")

    def test_what_is_chosen_reaches_the_integration(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        outside: Outside,
        work: Work,
    ) -> None:
        alice_client.post(
            step(ready, "settings"),
            {"sync_schedule": "0 */6 * * *", "on_unassign": "delete"},
        )
        alice_client.post(step(ready, "check"))
        work()

        made = Integration.objects.get()
        assert (made.sync_schedule, made.on_unassign) == ("0 */6 * * *", "delete")

    def test_only_what_the_connector_can_do_is_offered(
        self, alice_client: Client, draft: IntegrationDraft, app: App
    ) -> None:
        app.manifest["capabilities"]["delete"] = False
        app.save()

        content = text(alice_client.get(step(draft, "settings")))
        refused = alice_client.post(
            step(draft, "settings"), {"sync_schedule": "", "on_unassign": "delete"}
        )

        assert 'value="deactivate"' in content
        assert 'value="delete"' not in content
        assert refused.status_code == 422


class TestAdvanced:
    def test_s0_32_has_the_user_schema_and_s0_35_test_and_save(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        content = text(alice_client.get(step(draft, "advanced")))
        head, _, body = content.partition('class="wizard"')

        assert "Test and save" in head
        assert f'href="{step(draft, "user-schema")}"' in body

    def test_what_is_missing_leads_back_to_its_step(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        answer = alice_client.post(step(draft, "check"), follow=True)

        assert answer.redirect_chain == [(step(draft, "service-account"), 302)]
        assert "Choose the service account" in text(answer)
        assert not Job.objects.exists()


class TestCheck:
    def test_s0_36_shows_the_page_while_a_job_checks(
        self, alice_client: Client, ready: IntegrationDraft
    ) -> None:
        answer = alice_client.post(step(ready, "check"), follow=True)

        assert answer.redirect_chain == [(step(ready, "check"), 302)]
        content = text(answer)
        assert "Checking your integration setup…" in content
        assert "data-poll" in content
        for label in setup_check.LABELS.values():
            assert label in content
        assert Job.objects.get().kind == drafts.CHECK

    def test_s0_37_success_creates_it_and_names_the_next_step(
        self,
        alice_client: Client,
        alice: User,
        ready: IntegrationDraft,
        outside: Outside,
        work: Work,
    ) -> None:
        """S0-71 as well: the message names the next step."""
        alice_client.post(step(ready, "check"))
        work()
        answer = alice_client.get(step(ready, "check"), follow=True)

        made = Integration.objects.get()
        key = made.directory.key
        assert answer.redirect_chain == [
            (f"/integrations/{key}/settings/connected-services/", 302)
        ]
        assert "Acme BI is connected. Next: generate a token" in text(answer)
        assert made.base_url == outside.base_url
        assert made.service_account.name == "svc"
        assert AuditEvent.objects.get(action=Action.CREATED).actor == alice
        assert "Acme BI" in text(alice_client.get("/integrations/"))

    def test_s0_41_has_its_own_gateway_and_no_token(
        self, alice_client: Client, ready: IntegrationDraft, work: Work
    ) -> None:
        alice_client.post(step(ready, "check"))
        work()

        directory = Integration.objects.get().directory
        assert directory.kind == Directory.Kind.GATEWAY
        assert not directory.tokens.exists()

    def test_changes_nothing_in_the_app(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        outside: Outside,
        work: Work,
    ) -> None:
        alice_client.post(step(ready, "check"))
        work()

        assert outside.writes() == []

    def test_steps_tick_off_in_order(
        self, alice_client: Client, ready: IntegrationDraft, work: Work
    ) -> None:
        alice_client.post(step(ready, "check"))
        work()

        steps = result_of(ready)["steps"]
        assert [s["key"] for s in steps] == list(setup_check.LABELS)
        assert {s["state"] for s in steps} == {"done"}
        assert "A user and a group were read." in steps[2]["detail"]

    def test_s0_39_second_click_and_reload_start_no_second_job(
        self, alice_client: Client, ready: IntegrationDraft, work: Work
    ) -> None:
        for _ in range(3):
            alice_client.post(step(ready, "check"))
            alice_client.get(step(ready, "check"))
        assert Job.objects.filter(kind=drafts.CHECK).count() == 1
        work()
        alice_client.post(step(ready, "check"))
        work()

        assert Integration.objects.count() == 1
        assert Job.objects.filter(kind=drafts.CHECK).count() == 1

    def test_job_that_runs_twice_creates_it_once(
        self, alice_client: Client, ready: IntegrationDraft, work: Work
    ) -> None:
        alice_client.post(step(ready, "check"))
        work()
        job = Job.objects.get(kind=drafts.CHECK)
        Job.objects.update(state=Job.State.QUEUED)
        work()

        job.refresh_from_db()
        assert job.state == Job.State.COMPLETED
        assert Integration.objects.count() == 1

    def test_poll_leads_on_when_it_is_done(
        self, alice_client: Client, ready: IntegrationDraft, work: Work
    ) -> None:
        alice_client.post(step(ready, "check"))
        waiting = alice_client.get(step(ready, "check"), headers=HTMX)
        work()
        done = alice_client.get(step(ready, "check"), headers=HTMX)

        assert waiting.content.decode().lstrip().startswith('<div id="check"')
        assert done["HX-Redirect"].endswith("/settings/connected-services/")

    def test_every_step_of_a_finished_draft_leads_to_the_integration(
        self, alice_client: Client, ready: IntegrationDraft, work: Work
    ) -> None:
        alice_client.post(step(ready, "check"))
        work()

        for name in ("app", "service-account", "settings", "advanced"):
            answer = alice_client.get(step(ready, name))
            assert answer["Location"].endswith("/settings/connected-services/")
        assert "Drafts" not in text(alice_client.get("/integrations/"))


class TestStop:
    def stop(self, client: Client, draft: IntegrationDraft) -> Any:
        return client.post(f"{step(draft, 'check')}stop/", follow=True)

    def test_leads_back_to_what_was_entered_and_creates_nothing(
        self,
        alice_client: Client,
        alice: User,
        ready: IntegrationDraft,
        work: Work,
    ) -> None:
        alice_client.post(step(ready, "check"))
        before = IntegrationDraft.objects.get().answers

        answer = self.stop(alice_client, ready)
        work()

        assert answer.redirect_chain == [(step(ready, "advanced"), 302)]
        assert "The check is stopped. Nothing was created" in text(answer)
        assert not Integration.objects.exists()
        assert result_of(ready) == {}
        assert IntegrationDraft.objects.get().answers == before
        job = Job.objects.get()
        assert (job.state, job.ended_by) == (Job.State.NOT_COMPLETED, alice)
        assert AuditEvent.objects.get(action=Action.DRAFT_CHECK_STOPPED).actor == alice

    @pytest.mark.parametrize("at", list(setup_check.LABELS.values()))
    def test_in_the_middle_leaves_nothing_half_created(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        work: Work,
        monkeypatch: pytest.MonkeyPatch,
        at: str,
    ) -> None:
        alice_client.post(step(ready, "check"))
        write = setup_check._Record._write

        def written(record: Any, result: dict[str, Any]) -> None:
            write(record, result)
            if setup_check.LABELS[record.current] == at:
                self.stop(alice_client, ready)

        monkeypatch.setattr(setup_check._Record, "_write", written)
        work()

        assert not Integration.objects.exists()
        assert result_of(ready) == {}
        monkeypatch.undo()
        alice_client.post(step(ready, "check"))
        work()
        assert Integration.objects.count() == 1

    def test_too_late_leads_to_the_integration(
        self, alice_client: Client, ready: IntegrationDraft, work: Work
    ) -> None:
        alice_client.post(step(ready, "check"))
        work()

        answer = self.stop(alice_client, ready)

        assert "is connected" in text(answer)
        assert Integration.objects.count() == 1

    def test_button_is_on_the_page_while_it_runs(
        self, alice_client: Client, ready: IntegrationDraft
    ) -> None:
        before = text(alice_client.get(step(ready, "check")))
        alice_client.post(step(ready, "check"))
        running = text(alice_client.get(step(ready, "check")))

        assert "check/stop/" not in before
        assert "check/stop/" in running


class TestFailure:
    """S0-38: which check failed and why, whose side, and the way back."""

    def fail(self, client: Client, draft: IntegrationDraft, work: Work) -> str:
        client.post(step(draft, "check"))
        work()
        answer = client.get(step(draft, "check"))
        assert not Integration.objects.exists()
        assert not Directory.objects.filter(kind=Directory.Kind.GATEWAY).exists()
        return text(answer)

    def test_app_that_is_away(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        account: ServiceAccount,
        work: Work,
    ) -> None:
        ready.answers["base_url"] = f"http://127.0.0.1:{free_port()}"
        ready.save()
        origins.allow(account, ready.answers["base_url"], actor=None)

        content = self.fail(alice_client, ready, work)

        assert result_of(ready)["steps"][0] == {
            "key": "reach",
            "state": "failed",
            "detail": "",
        }
        assert "The app cannot be reached." in content
        assert "At fault: The app&#x27;s address, or the network" in content
        assert f'href="{step(ready, "app")}"' in content
        assert "Try again" in content
        assert "data-poll" not in content

    def test_password_that_is_refused(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        outside: Outside,
        account: ServiceAccount,
        work: Work,
    ) -> None:
        outside.set_service_password("another-password")
        try:
            content = self.fail(alice_client, ready, work)
        finally:
            outside.set_service_password(outside.password)

        states = [s["state"] for s in result_of(ready)["steps"]]
        assert states == ["done", "failed"]
        assert "does not accept the service account" in content
        assert "At fault: The service account." in content
        assert f'href="{step(ready, "service-account")}"' in content
        assert f"/service-accounts/{account.public_id}/password/?draft=" in content

    def test_account_without_rights(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        outside: Outside,
        work: Work,
    ) -> None:
        outside.change_user(USERNAME, is_admin=0)

        content = self.fail(alice_client, ready, work)

        assert "lacks the right to do this in the app" in content
        assert "At fault: The rights of the service account in the app." in content

    def test_app_that_breaks_is_at_fault_itself(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        outside: Outside,
        work: Work,
    ) -> None:
        outside.fault("error", path="/api/users")

        content = self.fail(alice_client, ready, work)

        assert "At fault: The app." in content

    def test_what_was_entered_is_kept_and_can_be_tried_again(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        outside: Outside,
        work: Work,
    ) -> None:
        before = dict(ready.answers)
        outside.fault("error", path="/api/users")
        self.fail(alice_client, ready, work)
        assert result_of(ready)["state"] == "failed"
        assert ready.answers == before

        alice_client.post(step(ready, "check"))
        work()

        assert Integration.objects.count() == 1

    def test_failed_check_leads_to_its_calls(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        outside: Outside,
        work: Work,
    ) -> None:
        outside.change_user(USERNAME, is_admin=0)
        self.fail(alice_client, ready, work)

        page = alice_client.get(step(ready, "check")).content.decode()
        (url,) = re.findall(r'href="(/activity/jobs/[^"]+)">Calls of this check', page)

        assert "/api/session" in text(alice_client.get(url))

    def test_step_to_mend_tells_what_failed(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        outside: Outside,
        work: Work,
    ) -> None:
        outside.change_user(USERNAME, is_admin=0)
        self.fail(alice_client, ready, work)

        there = text(alice_client.get(step(ready, "service-account")))
        elsewhere = text(alice_client.get(step(ready, "app")))

        assert "The last check failed" in there
        assert "The last check failed" not in elsewhere

    def test_name_that_was_taken_meanwhile(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        workspace: Workspace,
        work: Work,
    ) -> None:
        alice_client.post(step(ready, "check"))
        factories.IntegrationFactory(workspace=workspace, name="Acme BI")
        work()

        content = text(alice_client.get(step(ready, "check")))
        assert "Another integration of this workspace is called Acme BI." in content
        assert Integration.objects.count() == 1

    def test_account_that_was_deleted_meanwhile(
        self,
        alice_client: Client,
        ready: IntegrationDraft,
        account: ServiceAccount,
        work: Work,
    ) -> None:
        alice_client.post(step(ready, "check"))
        account.delete()

        work()

        assert "The service account was deleted." in (
            text(alice_client.get(step(ready, "check")))
        )

    def test_worker_that_died_is_told_at_the_end(
        self, alice_client: Client, ready: IntegrationDraft
    ) -> None:
        alice_client.post(step(ready, "check"))
        for _ in range(2):
            Job.objects.update(due_at=database_now())
            assert leases.claim(worker="w", now=database_now()) is not None
            leases.release_expired(now=database_now() + timedelta(minutes=5))

        content = text(alice_client.get(step(ready, "check")))

        assert "The worker stopped in the middle." in content
        assert "Try again" in content

    def test_change_during_the_check_is_not_saved_unchecked(
        self,
        ready: IntegrationDraft,
        alice: User,
        work: Work,
    ) -> None:
        drafts.request_check(ready, actor=alice, now=database_now())
        job = leases.claim(worker="w", now=database_now())
        assert job is not None
        setup = drafts.complete(ready)
        drafts.answer(
            IntegrationDraft.objects.get(), {"name": "Other"}, step="advanced"
        )

        with pytest.raises(drafts.Changed):
            drafts.finish(ready, setup, steps=[], job=job)

        assert not Integration.objects.exists()


class TestDrafts:
    def test_list_offers_to_continue(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        content = text(alice_client.get("/integrations/"))

        assert "Drafts" in content
        assert "Acme BI" in content
        assert f'href="{step(draft, "service-account")}"' in content

    def test_another_tenant_finds_nothing(
        self, draft: IntegrationDraft, charlie: User, other_workspace: Workspace
    ) -> None:
        client = Client()
        client.force_login(charlie)

        assert "Acme BI" not in text(client.get("/integrations/"))
        for name in (
            "app",
            "service-account",
            "settings",
            "advanced",
            "user-schema",
            "check",
            "delete",
        ):
            assert client.get(step(draft, name)).status_code == 404

    def test_can_be_deleted(
        self, alice_client: Client, draft: IntegrationDraft
    ) -> None:
        asked = alice_client.get(step(draft, "delete"))
        alice_client.post(step(draft, "delete"))

        assert "Delete draft" in text(asked)
        assert not IntegrationDraft.objects.exists()
        assert AuditEvent.objects.filter(action=Action.DRAFT_DELETED).exists()

    def test_is_kept_for_seven_days(
        self, draft: IntegrationDraft, workspace: Workspace
    ) -> None:
        job = Job(workspace=workspace)
        now = database_now()

        def prune_after(age: timedelta) -> bool:
            IntegrationDraft.objects.update(updated_at=now - age)
            drafts.prune(job)
            return not IntegrationDraft.objects.exists()

        assert not prune_after(timedelta(days=6, hours=23))
        assert prune_after(timedelta(days=7, minutes=1))

    def test_holds_no_secret(
        self, ready: IntegrationDraft, account: ServiceAccount, outside: Outside
    ) -> None:
        assert outside.password not in str(ready.answers)


class TestOnUnassign:
    @pytest.fixture
    def made(
        self, alice_client: Client, ready: IntegrationDraft, work: Work
    ) -> Integration:
        alice_client.post(step(ready, "check"))
        work()
        return Integration.objects.get()

    @pytest.fixture
    def scim(self, made: Integration) -> ScimClient:
        issued = factories.issue_token(made.directory)
        return ScimClient(made.directory, issued.plaintext)

    def unassign(self, scim: ScimClient, ann: str, *, active: bool) -> None:
        operation = {"op": "replace", "path": "active", "value": active}
        assert scim.patch(f"/Users/{ann}", operation).status == 200

    def create(self, scim: ScimClient) -> str:
        body = {"userName": "ann@acme.test", "active": True}
        return scim.post("/Users", body).body["id"]

    def test_deactivate_keeps_the_account(
        self, made: Integration, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        ann = self.create(scim)
        work()
        self.unassign(scim, ann, active=False)
        work()

        assert outside.user("ann@acme.test")["active"] == 0

    def test_delete_deletes_it_and_a_return_makes_it_again(
        self, made: Integration, scim: ScimClient, outside: Outside, work: Work
    ) -> None:
        Integration.objects.update(on_unassign="delete")
        ann = self.create(scim)
        work()
        assert "ann@acme.test" in outside.users()

        self.unassign(scim, ann, active=False)
        work()
        assert "ann@acme.test" not in outside.users()
        assert not made.accounts.exists()

        self.unassign(scim, ann, active=True)
        work()
        assert outside.user("ann@acme.test")["active"] == 1
