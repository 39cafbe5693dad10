"""The pages of integrations: what they say, and what they cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations import services
from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.provisioning import wanted
from integrations.syncing import sync
from scim import counts
from scim.models import Resource
from tests import factories
from tests.conftest import ScimClient
from tests.integrations.outside import Outside
from tokens import services as token_services
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import Directory, Job, User, Workspace

State = Provisioning.State
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")


def text_of(answer: object) -> str:
    """Return the words of a page, as a person reads them."""
    content: str = unescape(answer.content.decode())  # type: ignore[attr-defined]
    return _SPACE.sub(" ", _TAG.sub(" ", content))


def get(client: Client, path: str, **kwargs: object) -> str:
    answer = client.get(path, **kwargs)
    assert answer.status_code == 200, answer
    return text_of(answer)


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def add_row(
    integration: Integration,
    number: int,
    state: str = State.ONBOARDED,
    **columns: object,
) -> Provisioning:
    """Make a user, its account and its provisioning, without an app."""
    now = database_now()
    user = Resource.objects.create(
        directory=integration.directory,
        resource_type="User",
        document="{}",
        comparable={},
        label=f"Person {number}",
        user_name_key=f"person{number}@acme.test",
        external_id=f"idp-{number}",
        active=True,
        created_at=now,
        modified_at=now,
    )
    counts.change(integration.directory, "User", user.pk, 1)
    account = AppAccount.objects.create(
        integration=integration,
        external_id=f"{number}",
        username=f"app-{number}",
        email=f"mail-{number}@acme.test",
        resource=user,
        seen_at=now,
    )
    return Provisioning.objects.create(
        integration=integration,
        resource=user,
        resource_id_public=user.public_id,
        user_name=f"person{number}@acme.test",
        account=account,
        state=state,
        applied_version=1,
        changed_at=now,
        **columns,
    )


def add_group(integration: Integration, number: int) -> Resource:
    now = database_now()
    return Resource.objects.create(
        directory=integration.directory,
        resource_type="Group",
        document="{}",
        comparable={},
        label=f"Group {number}",
        group_name_key=f"group {number}",
        created_at=now,
        modified_at=now,
    )


class TestList:
    path = "/integrations/"

    def test_of_nothing_says_what_an_integration_is(self, alice_client: Client) -> None:
        page = get(alice_client, self.path)

        assert "No integrations yet" in page
        assert 'type="search"' not in page

    def test_has_the_columns_of_the_seed(
        self, alice_client: Client, integration: Integration
    ) -> None:
        """E0-14."""
        page = get(alice_client, self.path)

        for column in (
            "App or service",
            "Integration name",
            "SCIM Gateway ID",
            "Last synced",
            "Status",
        ):
            assert column in page

    def test_says_of_each_what_there_is_to_know(
        self, alice_client: Client, integration: Integration
    ) -> None:
        add_row(integration, 1)
        page = get(alice_client, self.path)

        assert "Demo app" in page
        assert "Acme Demo" in page
        assert integration.directory.key in page
        assert "Never" in page
        assert "Active" in page

    def test_leads_to_the_details_twice(
        self, alice_client: Client, integration: Integration
    ) -> None:
        """By its name, and by Settings in More options. S0-9, S0-11."""
        content = alice_client.get(self.path).content.decode()

        key = integration.directory.key
        url = f"/integrations/{key}/settings/connected-services/"
        assert content.count(f'href="{url}"') == 2
        assert "More options" in content

    def test_shows_the_state_of_the_token(
        self, alice_client: Client, integration: Integration
    ) -> None:
        before = alice_client.get(self.path)
        issued = factories.issue_token(integration.directory)
        live = alice_client.get(self.path)
        token_services.revoke(issued.token, actor=None, now=database_now())
        after = alice_client.get(self.path)

        assert before.context["integrations"][0]["token"] is None
        assert live.context["integrations"][0]["token"].label == "Active"
        assert after.context["integrations"][0]["token"] is None

    def test_shows_what_needs_attention(
        self, alice_client: Client, integration: Integration
    ) -> None:
        Integration.objects.update(status="needs_attention", status_reason="No login.")

        assert "Needs attention" in get(alice_client, self.path)

    def test_counts_users_and_not_groups(
        self, alice_client: Client, integration: Integration
    ) -> None:
        for number in range(3):
            add_row(integration, number)
        add_group(integration, 1)

        answer = alice_client.get(self.path)

        assert answer.context["integrations"][0]["user_count"] == 3

    def test_shows_only_this_workspace(
        self, alice_client: Client, other_integration: Integration
    ) -> None:
        page = get(alice_client, self.path)

        assert "Other Demo" not in page
        assert other_integration.directory.key not in page

    @pytest.mark.parametrize("query", ["acme", "ACME DEMO", "demo app", " acme "])
    def test_search_finds_by_name_and_app(
        self, alice_client: Client, integration: Integration, query: str
    ) -> None:
        answer = alice_client.get(self.path, {"q": query})

        assert [r["name"] for r in answer.context["integrations"]] == ["Acme Demo"]

    @pytest.mark.parametrize(
        "query", ["zzz", "%", "_", "' OR 1=1", "\x00zz", "a" * 5000]
    )
    def test_search_for_what_is_not_there(
        self, alice_client: Client, integration: Integration, query: str
    ) -> None:
        answer = alice_client.get(self.path, {"q": query})

        assert answer.status_code == 200
        assert "No match" in text_of(answer)

    def test_search_text_is_escaped(
        self, alice_client: Client, integration: Integration
    ) -> None:
        answer = alice_client.get(self.path, {"q": "<script>alert(1)</script>"})

        assert b"<script>alert" not in answer.content

    def test_costs_the_same_for_two_and_for_twenty(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        account = factories.ServiceAccountFactory(workspace=workspace)

        def add(count: int) -> None:
            for _ in range(count):
                made = factories.IntegrationFactory(
                    workspace=workspace, service_account=account
                )
                factories.issue_token(made.directory)
                add_row(made, made.pk)

        add(2)
        few = queries(alice_client, self.path)
        add(18)
        many = queries(alice_client, self.path)

        assert few == many
        assert many <= 16

    @pytest.mark.parametrize("page", ["0", "-1", "x", "99", ""])
    def test_page_that_is_not_there_is_the_nearest(
        self, alice_client: Client, integration: Integration, page: str
    ) -> None:
        assert "Acme Demo" in get(alice_client, self.path, data={"page": page})

    def test_more_than_fifty_are_paged(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        account = factories.ServiceAccountFactory(workspace=workspace)
        for number in range(51):
            factories.IntegrationFactory(
                workspace=workspace, service_account=account, name=f"I {number:02}"
            )

        first = alice_client.get(self.path)
        second = alice_client.get(self.path, {"page": 2})

        assert len(first.context["integrations"]) == 50
        assert [r["name"] for r in second.context["integrations"]] == ["I 50"]


class TestDetails:
    def test_open_on_settings(
        self, alice_client: Client, integration: Integration
    ) -> None:
        """S0-10, S0-12 and S0-13."""
        key = integration.directory.key

        answer = alice_client.get(f"/integrations/{key}/", follow=True)

        page = text_of(answer)
        assert answer.redirect_chain == [
            (f"/integrations/{key}/settings/connected-services/", 302)
        ]
        current = [t["label"] for t in answer.context["tabs"] if t["current"]]
        assert current == ["Settings"]
        for words in ("Connected services", "SCIM Gateway", "SCIM Gateway URL", "Sync"):
            assert words in page

    def test_show_the_url_read_only(
        self, alice_client: Client, integration: Integration
    ) -> None:
        key = integration.directory.key

        answer = alice_client.get(f"/integrations/{key}/settings/connected-services/")

        field = re.search(rb'<input[^>]*id="gateway-url"[^>]*>', answer.content)
        assert field is not None
        assert f'value="http://testserver/scim/{key}/v2"'.encode() in field[0]
        assert b"readonly" in field[0]

    def test_show_the_tokens_with_their_use(
        self, alice_client: Client, integration: Integration, scim: ScimClient
    ) -> None:
        key = integration.directory.key
        scim.get("/Users")

        page = get(alice_client, f"/integrations/{key}/settings/connected-services/")

        assert scim.token not in page
        assert integration.directory.tokens.get().hint in page
        assert "127.0.0.1" in page
        assert "Generate token" not in page

    def test_cost_the_same_for_one_token_and_for_ten(
        self, alice_client: Client, integration: Integration
    ) -> None:
        path = f"/integrations/{integration.directory.key}/settings/connected-services/"
        factories.issue_token(integration.directory)
        few = queries(alice_client, path)
        for _ in range(9):
            factories.issue_token(integration.directory)

        assert queries(alice_client, path) == few
        assert few <= 19

    def test_say_why_attention_is_needed(
        self, alice_client: Client, integration: Integration
    ) -> None:
        Integration.objects.update(
            status="needs_attention",
            status_reason="The app refuses the password.",
            status_at=database_now(),
        )

        page = get(
            alice_client,
            f"/integrations/{integration.directory.key}/settings/connected-services/",
        )

        assert "Needs attention" in page
        assert "The app refuses the password." in page

    def test_directory_sync_has_no_such_page(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        own = workspace.directories.get(kind=Directory.Kind.DIRECTORY_SYNC)

        assert alice_client.get(f"/integrations/{own.key}/users/").status_code == 404


class TestUsers:
    @pytest.fixture
    def path(self, integration: Integration) -> str:
        return f"/integrations/{integration.directory.key}/users/"

    def test_of_nothing_says_where_they_come_from(
        self, alice_client: Client, path: str
    ) -> None:
        assert "No users yet" in get(alice_client, path)

    def test_e0_16_show_what_the_seed_asks_for(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        row = add_row(integration, 1)
        assert row.account is not None
        for name in ("Engineering", "Sales"):
            entitlement = AppEntitlement.objects.create(
                integration=integration,
                kind="group",
                external_id=name,
                name=name,
                seen_at=database_now(),
            )
            row.account.entitlements.add(entitlement)

        page = get(alice_client, path)

        for words in (
            *("User", "Username in app", "App access", "Active in app"),
            *("Upstream user ID", "Provisioning state"),
            *("Person 1", "person1@acme.test", "app-1", "Engineering, Sales"),
            *("Yes", "idp-1", "Onboarded"),
        ):
            assert words in page

    def test_e0_17_states_have_the_words_of_the_seed(self) -> None:
        verbs, ways = ("Provisioning", "Update", "Delete"), ("awaiting", "ongoing")
        words = {f"{verb} {way}" for verb in verbs for way in (*ways, "failed")}

        assert set(State.labels) == words | {"Onboarded", "Deleted"}

    @pytest.mark.parametrize("state", State)
    def test_e0_17_each_state_has_its_words(
        self, alice_client: Client, integration: Integration, path: str, state: State
    ) -> None:
        add_row(integration, 1, state=state)

        answer = alice_client.get(path, {"state": state})

        (row,) = answer.context["users"]
        assert row["state"].label == state.label
        assert answer.context["has_pending"] is (state in Provisioning.PENDING)
        assert (b"data-poll" in answer.content) is (state in Provisioning.PENDING)

    def test_failure_shows_its_reason_and_retry(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        row = add_row(
            integration, 1, state=State.UPDATE_FAILED, last_error="This name is taken."
        )

        answer = alice_client.get(path)

        assert "This name is taken." in text_of(answer)
        assert f"{path}{row.resource_id_public}/retry/".encode() in answer.content

    def test_waiting_one_shows_its_reason_and_the_next_try(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        add_row(
            integration,
            1,
            state=State.UPDATE_AWAITING,
            last_error="The app did not answer.",
            next_attempt_at=database_now() + timedelta(minutes=5),
        )

        page = get(alice_client, path)

        assert "The app did not answer." in page
        assert "Next try" in page

    def test_reason_of_the_app_is_escaped(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        row = add_row(
            integration,
            1,
            state=State.UPDATE_FAILED,
            last_error="<img src=x onerror=alert(1)>",
        )
        Resource.objects.update(
            label="<b>Ann</b>", external_id='"><script>alert(2)</script>'
        )
        AppAccount.objects.update(username="</td><script>alert(3)</script>")
        assert row.account is not None

        content = alice_client.get(path).content

        assert b"<img src=x" not in content
        assert b"<b>Ann" not in content
        assert b"<script>alert" not in content

    @pytest.mark.parametrize(
        "query",
        [
            "person1@acme.test",
            "PERSON1@ACME.TEST",
            "Person 1",
            "app-1",
            "mail-1@acme",
            " app-1 ",
        ],
    )
    def test_search(
        self, alice_client: Client, integration: Integration, path: str, query: str
    ) -> None:
        add_row(integration, 1)
        add_row(integration, 2)

        answer = alice_client.get(path, {"q": query})

        found = [row["user_name"] for row in answer.context["users"]]
        assert found == ["person1@acme.test"]

    @pytest.mark.parametrize("query", ["%", "_", "\\", "' --", "zzz"])
    def test_search_has_no_wildcards(
        self, alice_client: Client, integration: Integration, path: str, query: str
    ) -> None:
        add_row(integration, 1)

        assert alice_client.get(path, {"q": query}).context["users"] == []

    def test_filter_by_state(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        add_row(integration, 1)
        add_row(integration, 2, state=State.UPDATE_FAILED)

        answer = alice_client.get(path, {"state": "update_failed"})

        assert [r["user_name"] for r in answer.context["users"]] == [
            "person2@acme.test"
        ]
        assert "No match" in get(alice_client, path, data={"state": "deleted"})

    def test_unknown_state_filters_nothing(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        add_row(integration, 1)

        answer = alice_client.get(path, {"state": "nonsense"})

        assert len(answer.context["users"]) == 1

    def test_search_and_state_survive_paging(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        for number in range(60):
            add_row(integration, number)

        answer = alice_client.get(path, {"q": "person", "state": "onboarded"})

        links = re.findall(r'href="(\?[^"]*page=2[^"]*)"', answer.content.decode())
        assert links
        second = alice_client.get(path + links[0].replace("&amp;", "&"))
        assert len(second.context["users"]) == 10
        assert second.context["query"] == "person"
        assert second.context["state"] == "onboarded"

    def test_cost_the_same_for_two_and_for_fifty(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        def add(numbers: range) -> None:
            for number in numbers:
                row = add_row(integration, number, last_error="x")
                assert row.account is not None
                entitlement = AppEntitlement.objects.create(
                    integration=integration,
                    kind="group",
                    external_id=str(number),
                    name=str(number),
                    seen_at=database_now(),
                )
                row.account.entitlements.add(entitlement)

        add(range(2))
        few = queries(alice_client, path)
        add(range(2, 50))

        assert queries(alice_client, path) == few
        assert few <= 13

    def test_rows_of_another_integration_stay_out(
        self,
        alice_client: Client,
        integration: Integration,
        other_integration: Integration,
        path: str,
    ) -> None:
        add_row(other_integration, 1)

        assert "No users yet" in get(alice_client, path)

    def test_deleted_user_is_told_of_to_those_who_ask(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        row = add_row(integration, 1, state=State.DELETED)
        assert row.resource is not None
        row.resource.delete()

        hidden = get(alice_client, path)
        shown = get(alice_client, path, data={"state": "all"})

        assert "person1@acme.test" not in hidden
        assert "1 deleted" in hidden
        assert "person1@acme.test" in shown
        assert "Deleted" in shown


class TestRetry:
    def test_puts_the_work_off_again(
        self, alice_client: Client, alice: User, integration: Integration
    ) -> None:
        row = add_row(integration, 1, state=State.UPDATE_FAILED, last_error="x")
        assert row.resource is not None
        Resource.objects.update(document='{"userName": "person1@acme.test"}')
        path = f"/integrations/{integration.directory.key}/users/"

        answer = alice_client.post(
            f"{path}{row.resource_id_public}/retry/", follow=True
        )

        row.refresh_from_db()
        job = Job.objects.get()
        assert answer.redirect_chain == [(path, 302)]
        assert "person1@acme.test is tried again." in text_of(answer)
        assert (row.state, row.last_error) == (State.UPDATE_AWAITING, "")
        assert (job.kind, job.actor, job.trigger) == (
            wanted.JOB,
            alice,
            Job.Trigger.WEB,
        )

    def test_of_another_tenants_user_is_404(
        self,
        alice_client: Client,
        integration: Integration,
        other_integration: Integration,
    ) -> None:
        row = add_row(other_integration, 1, state=State.UPDATE_FAILED, last_error="x")
        key = integration.directory.key

        answer = alice_client.post(
            f"/integrations/{key}/users/{row.resource_id_public}/retry/"
        )

        assert answer.status_code == 404
        assert not Job.objects.exists()


class TestGroups:
    @pytest.fixture
    def path(self, integration: Integration) -> str:
        return f"/integrations/{integration.directory.key}/groups/"

    def test_of_nothing(self, alice_client: Client, path: str) -> None:
        assert "No groups yet" in get(alice_client, path)

    def test_show_members_source_and_match(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        ann = scim.add_user()
        scim.add_group("Engineering", ann["id"])
        matched = add_group(integration, 7)
        AppEntitlement.objects.create(
            integration=integration,
            kind="group",
            external_id="1",
            name="Group seven",
            resource=matched,
            seen_at=database_now(),
        )

        answer = alice_client.get(path)

        assert answer.context["groups"] == [
            {
                "name": "Engineering",
                "member_count": 1,
                "source": "IdP",
                "app_group": None,
            },
            {
                "name": "Group 7",
                "member_count": 0,
                "source": "IdP",
                "app_group": "Group seven",
            },
        ]
        assert "Not matched" in text_of(answer)

    def test_search(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        add_group(integration, 1)
        add_group(integration, 2)

        found = alice_client.get(path, {"q": "GROUP 2"}).context["groups"]

        assert [group["name"] for group in found] == ["Group 2"]
        assert "No match" in get(alice_client, path, data={"q": "zzz"})

    def test_cost_the_same_for_two_and_for_fifty(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        for number in range(2):
            add_group(integration, number)
        few = queries(alice_client, path)
        for number in range(2, 50):
            add_group(integration, number)

        assert queries(alice_client, path) == few
        assert few <= 12


class TestSync:
    @pytest.fixture
    def path(self, integration: Integration) -> str:
        return f"/integrations/{integration.directory.key}/"

    def test_is_asked_for_by_a_post(
        self, alice_client: Client, alice: User, path: str
    ) -> None:
        answer = alice_client.post(f"{path}sync/", follow=True)

        job = Job.objects.get()
        assert (job.kind, job.actor) == ("integrations.sync", alice)
        assert answer.redirect_chain == [(f"{path}sync/{job.public_id}/", 302)]
        assert "Queued" in text_of(answer)
        assert b"data-poll" in answer.content

    def test_twice_is_one_job(self, alice_client: Client, path: str) -> None:
        alice_client.post(f"{path}sync/")
        alice_client.post(f"{path}sync/")

        assert Job.objects.count() == 1

    def test_progress_is_a_fragment_for_the_page_that_waits(
        self, alice_client: Client, path: str
    ) -> None:
        alice_client.post(f"{path}sync/")
        job = leases.claim(worker="w", now=database_now())
        assert job is not None
        leases.report_progress(job, phase="Read users", done=40)

        answer = alice_client.get(f"{path}sync/", headers={"hx-request": "true"})

        assert b"<html" not in answer.content
        assert "40 so far" in text_of(answer)
        assert "Read users" in text_of(answer)

    def test_address_of_the_progress_leads_to_the_page(
        self, alice_client: Client, path: str
    ) -> None:
        answer = alice_client.get(f"{path}sync/")

        assert (answer.status_code, answer["Location"]) == (302, f"{path}users/")

    def test_success_is_told_to_whoever_asked(
        self,
        alice_client: Client,
        connected: Integration,
        work: Callable[..., None],
    ) -> None:
        path = f"/integrations/{connected.directory.key}/"
        alice_client.post(f"{path}sync/")
        work()

        page = get(alice_client, f"{path}users/")

        assert (
            "Sync finished. 7 users, 3 groups, 0 roles, 0 entitlements. "
            "10 new, 0 changed, 0 removed."
        ) in page

    def test_failure_says_what_failed(
        self,
        alice_client: Client,
        connected: Integration,
        outside: Outside,
        work: Callable[..., None],
    ) -> None:
        outside.set_service_password("another-password-2")
        path = f"/integrations/{connected.directory.key}/"
        alice_client.post(f"{path}sync/")
        work()

        page = get(alice_client, f"{path}users/")

        assert "Sync failed" in page
        assert Job.objects.get(kind=sync.JOB).error in page
        assert "Needs attention" in page

    def test_one_under_way_is_told_to_everybody(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        services.request_sync(integration, actor=None, now=database_now())

        assert "Queued" in get(alice_client, f"{path}users/")

    def test_finished_one_of_somebody_else_is_not(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        services.request_sync(integration, actor=None, now=database_now())
        job = leases.claim(worker="w", now=database_now())
        assert job is not None
        leases.complete(job, {"message": "Sync finished."}, now=database_now())

        assert "Sync finished" not in get(alice_client, f"{path}users/")

    def test_integration_of_another_tenant_is_404(
        self, alice_client: Client, other_integration: Integration
    ) -> None:
        answer = alice_client.post(
            f"/integrations/{other_integration.directory.key}/sync/"
        )

        assert answer.status_code == 404
        assert not Job.objects.exists()


def test_pages_are_framed_by_no_other_site(
    alice_client: Client, integration: Integration
) -> None:
    answer = alice_client.get(
        f"/integrations/{integration.directory.key}/settings/connected-services/"
    )

    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "base-uri 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_pages_have_no_inline_script_or_style(
    alice_client: Client, integration: Integration
) -> None:
    add_row(integration, 1, state=State.UPDATE_FAILED, last_error="x")
    key = integration.directory.key

    for path in ("", f"{key}/settings/connected-services/", f"{key}/users/"):
        content = alice_client.get(f"/integrations/{path}").content.decode()
        assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", content) == []
        assert re.findall(r"\son[a-z]+=", content) == []
        assert re.findall(r"\sstyle=|<style", content) == []


def test_session_holds_no_more_than_ids(
    alice_client: Client, integration: Integration
) -> None:
    key = integration.directory.key
    alice_client.post(f"/integrations/{key}/sync/")
    alice_client.post(f"/tokens/{key}/generate/")

    data = Session.objects.get(
        session_key=alice_client.cookies["keyway_session"].value
    ).get_decoded()

    assert set(data) <= {
        "_auth_user_id",
        "_auth_user_backend",
        "signed_in_at",
        "_auth_user_hash",
        "proof",
        "sync",
    }
