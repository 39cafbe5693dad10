"""The **Integrations** page: filters, states with their age, **More options**."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations import services
from integrations.models import Integration, ServiceAccount
from integrations.provisioning import pausing
from integrations.reports import standing
from integrations.reports.standing import State
from integrations.set_up import drafts
from tests import factories
from workspaces.clock import database_now
from workspaces.models import Directory, Job, User, Workspace

PATH = "/integrations/"


def names(client: Client, **query: str) -> list[str]:
    answer = client.get(PATH, query)
    assert answer.status_code == 200
    return [row["name"] for row in answer.context["integrations"]]


def words(client: Client, **query: str) -> str:
    content = client.get(PATH, query).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", unescape(content)))


def phase_of(client: Client, name: str = "Acme Demo") -> str:
    rows = client.get(PATH).context["integrations"]
    return str(next(row["phase"] for row in rows if row["name"] == name))


@pytest.fixture
def account(workspace: Workspace) -> ServiceAccount:
    return factories.ServiceAccountFactory(workspace=workspace)


@pytest.fixture
def one_of_each(workspace: Workspace, account: ServiceAccount) -> dict[str, str]:
    """An integration in each state, named by it."""
    now = database_now()
    for state in State:
        made = factories.IntegrationFactory(
            workspace=workspace, service_account=account, name=state.label
        )
        _bring(made, state, now)
    return {state.value: state.label for state in State}


def _bring(integration: Integration, state: State, now: datetime) -> None:
    rows = Integration.objects.filter(pk=integration.pk)
    if state == State.PAUSED:
        pausing.pause(integration, actor=None, now=now)
    elif state == State.NEEDS_ATTENTION:
        rows.update(status="needs_attention", status_at=now)
    elif state == State.WAITING:
        rows.update(calls_stopped_at=now)
    elif state == State.UNKNOWN:
        rows.update(sync_overdue_at=now - timedelta(hours=1), last_synced_at=now)
    elif state == State.ACTIVE:
        rows.update(sync_overdue_at=now + timedelta(hours=1), last_synced_at=now)
    else:
        job = services.request_sync(integration, actor=None, now=now)
        if state == State.HELD:
            Job.objects.filter(pk=job.pk).update(state=Job.State.HELD)


class TestColumns:
    def test_e0_14_are_there_in_order(
        self, alice_client: Client, integration: Integration
    ) -> None:
        content = alice_client.get(PATH).content.decode()

        heads = re.findall(r'scope="col"[^>]*>([^<]+)<', content)
        assert [head.strip() for head in heads] == [
            "App or service",
            "Integration name",
            "SCIM Gateway ID",
            "Last synced",
            "Status",
            "Users",
            "Token",
        ]

    def test_rows_come_by_name(
        self, alice_client: Client, workspace: Workspace, account: ServiceAccount
    ) -> None:
        for name in ("Miro", "Airtable", "Zabbix"):
            factories.IntegrationFactory(
                workspace=workspace, service_account=account, name=name
            )

        assert names(alice_client) == ["Airtable", "Miro", "Zabbix"]


class TestStates:
    def test_each_has_its_word_and_its_age(
        self, alice_client: Client, one_of_each: dict[str, str]
    ) -> None:
        """Whether somebody must do something, in one word."""
        answer = alice_client.get(PATH)

        for row in answer.context["integrations"]:
            assert row["status"].label == row["name"]
        since = {r["name"]: r["status"].since for r in answer.context["integrations"]}
        assert all(
            since[s.label] for s in State if s not in {State.HELD, State.SYNCING}
        )

    def test_e0_15_says_what_the_last_check_or_sync_came_to(
        self, alice_client: Client, workspace: Workspace, integration: Integration
    ) -> None:
        now = database_now()
        rows = Integration.objects.filter(pk=integration.pk)
        jobs = Job.objects.filter(subject=integration.directory.key)
        assert phase_of(alice_client) == "Under validation"
        other = factories.IntegrationFactory(workspace=workspace, name="Zabbix")
        Integration.objects.filter(pk=other.pk).update(last_synced_at=now)
        assert phase_of(alice_client) == "Validated"
        services.request_sync(integration, actor=None, now=now)
        assert phase_of(alice_client) == "In progress"
        jobs.update(state=Job.State.RETRYING)
        assert phase_of(alice_client) == "Retrying"
        jobs.update(state=Job.State.HELD)
        assert phase_of(alice_client) == "Under review"
        jobs.update(state=Job.State.NOT_COMPLETED, ended_at=now)
        assert phase_of(alice_client) == "Failed"
        jobs.update(state=Job.State.COMPLETED)
        rows.update(last_synced_at=now)
        assert phase_of(alice_client) == "Up to date"
        rows.update(sync_overdue_at=now - timedelta(hours=1))
        assert phase_of(alice_client) == ""

    @pytest.mark.parametrize(
        ("check", "word"),
        [("running", "Validating"), ("failed", "Validation failed"), ("", "Draft")],
    )
    def test_e0_15_of_a_draft(
        self,
        alice_client: Client,
        alice: User,
        workspace: Workspace,
        check: str,
        word: str,
    ) -> None:
        draft = drafts.start(workspace, answers={}, actor=alice)
        draft.check_result = {"state": check}
        draft.save(update_fields=["check_result"])

        assert f" {word} changed" in words(alice_client)

    @pytest.mark.parametrize("state", State)
    def test_filter_finds_those_that_show_it(
        self, alice_client: Client, one_of_each: dict[str, str], state: State
    ) -> None:
        assert names(alice_client, status=state) == [one_of_each[state]]

    def test_paused_counts_more_than_what_else_is(
        self, alice_client: Client, integration: Integration
    ) -> None:
        now = database_now()
        _bring(integration, State.NEEDS_ATTENTION, now)
        _bring(integration, State.SYNCING, now)
        _bring(integration, State.PAUSED, now)

        row = alice_client.get(PATH).context["integrations"][0]

        assert row["status"].label == "Paused"
        for state in State:
            found = standing.in_state(
                Integration.objects.all(),
                state,
                workspace=integration.workspace,
                now=now,
            )
            assert found.exists() is (state == State.PAUSED)

    def test_waiting_counts_more_than_a_sync_that_cannot_go_on(
        self, alice_client: Client, integration: Integration
    ) -> None:
        now = database_now()
        _bring(integration, State.SYNCING, now)
        _bring(integration, State.WAITING, now)

        assert names(alice_client, status="waiting") == ["Acme Demo"]
        assert names(alice_client, status="syncing") == []
        assert "Waiting for the app" in words(alice_client)

    def test_without_a_schedule_nothing_is_overdue(
        self, alice_client: Client, integration: Integration
    ) -> None:
        Integration.objects.update(
            last_synced_at=database_now() - timedelta(days=400), sync_schedule=""
        )

        assert names(alice_client, status="active") == ["Acme Demo"]

    def test_syncs_of_others_do_not_count(
        self,
        alice_client: Client,
        integration: Integration,
        other_integration: Integration,
    ) -> None:
        _bring(other_integration, State.SYNCING, database_now())

        assert names(alice_client, status="syncing") == []


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"app": "demo-app"}, ["Acme Demo"]),
            ({"app": "demo-app", "status": "active"}, ["Acme Demo"]),
            ({"app": "demo-app", "status": "paused"}, []),
            ({"q": "acme", "app": "demo-app"}, ["Acme Demo"]),
            ({"app": "nonsense"}, ["Acme Demo"]),
            ({"status": "nonsense"}, ["Acme Demo"]),
            ({"status": "' OR 1=1"}, ["Acme Demo"]),
        ],
    )
    def test_live_in_the_address(
        self,
        alice_client: Client,
        integration: Integration,
        query: dict[str, str],
        found: list[str],
    ) -> None:
        assert names(alice_client, **query) == found

    def test_offer_the_apps_of_the_workspace_only(
        self, alice_client: Client, integration: Integration
    ) -> None:
        factories.AppFactory(slug="flask-appbuilder")

        answer = alice_client.get(PATH)

        assert answer.context["apps"] == [("", "All apps"), ("demo-app", "Demo app")]

    def test_tell_how_many_of_all(
        self, alice_client: Client, one_of_each: dict[str, str]
    ) -> None:
        page = words(alice_client, status="paused")

        assert "1 of 7" in page
        assert "Clear filters" in page

    def test_survive_paging(
        self, alice_client: Client, workspace: Workspace, account: ServiceAccount
    ) -> None:
        for number in range(51):
            factories.IntegrationFactory(
                workspace=workspace, service_account=account, name=f"I {number:02}"
            )

        content = alice_client.get(PATH, {"status": "active", "q": "I"}).content

        (link,) = re.findall(r'href="(\?[^"]*page=2[^"]*)"', content.decode())
        assert "status=active" in link
        assert "q=I" in link

    def test_that_match_nothing_are_repeated(
        self, alice_client: Client, integration: Integration
    ) -> None:
        page = words(alice_client, q="zzz", status="paused")

        assert "No integration matches “zzz”." in page
        assert "Clear filters" in page


class TestMoreOptions:
    def test_s0_11_has_settings_sync_pause_and_delete(
        self, alice_client: Client, integration: Integration
    ) -> None:
        content = alice_client.get(PATH).content.decode()
        menu = content[content.index('class="menu" popover') :]

        entries = re.findall(r'class="menu-item[^"]*"[^>]*>([^<]+)<', menu)
        assert [e.strip() for e in entries] == ["Settings", "Sync", "Pause", "Delete"]

    def test_pause_leads_back_to_the_same_list(
        self, alice_client: Client, integration: Integration
    ) -> None:
        key = integration.directory.key

        answer = alice_client.post(
            f"{PATH}{key}/pause/", {"next": f"{PATH}?q=acme"}, follow=True
        )

        assert answer.redirect_chain == [(f"{PATH}?q=acme", 302)]
        assert "Acme Demo is paused." in answer.content.decode()
        assert "Resume" in answer.content.decode()

    @pytest.mark.parametrize("wish", ["https://evil.example/", "//evil.example", "x:y"])
    def test_pause_leads_nowhere_else(
        self, alice_client: Client, integration: Integration, wish: str
    ) -> None:
        path = f"{PATH}{integration.directory.key}/"

        answer = alice_client.post(f"{path}pause/", {"next": wish})

        assert answer["Location"] == f"{path}settings/danger-zone/"

    def test_sync_starts_one(
        self, alice_client: Client, alice: User, integration: Integration
    ) -> None:
        alice_client.post(f"{PATH}{integration.directory.key}/sync/")

        assert Job.objects.get().actor == alice


class TestMany:
    @pytest.fixture
    def ten_thousand(self, workspace: Workspace, account: ServiceAccount) -> None:
        """With the statistics of a database that had none of them a minute ago."""
        self._fill(workspace, account)
        Integration.objects.all().delete()
        Directory.objects.filter(kind=Directory.Kind.GATEWAY).delete()
        with connection.cursor() as cursor:
            for model in (Directory, Integration):
                cursor.execute(f"ANALYZE {model._meta.db_table}")
        self._fill(workspace, account)

    def _fill(self, workspace: Workspace, account: ServiceAccount) -> None:
        directories = Directory.objects.bulk_create(
            Directory(workspace=workspace, kind=Directory.Kind.GATEWAY)
            for _ in range(10_000)
        )
        Integration.objects.bulk_create(
            Integration(
                workspace=workspace,
                app=account.app,
                service_account=account,
                directory=directory,
                name=f"Integration {number:05}",
                base_url="https://app.example",
                sync_overdue_at=database_now() if number % 3 else None,
            )
            for number, directory in enumerate(directories)
        )

    @pytest.mark.usefixtures("ten_thousand")
    def test_page_costs_few_queries_and_little_time(self, alice_client: Client) -> None:
        for query in (
            {},
            {"page": "150"},
            {"q": "09999"},
            *({"status": state.value} for state in State),
        ):
            alice_client.get(PATH, query)
            # The best of 3: what else the machine does is not our cost.
            costs = [_cost(alice_client, query) for _ in range(3)]

            assert max(queries for queries, _, _ in costs) <= 20, query
            assert min(database for _, database, _ in costs) < 0.1, (query, costs)
            assert min(processor for _, _, processor in costs) < 0.3, (query, costs)


def _cost(client: Client, query: dict[str, str]) -> tuple[int, float, float]:
    """Return queries, seconds in the database and seconds of the processor."""
    with CaptureQueriesContext(connection) as captured:
        started = time.process_time()
        assert client.get(PATH, query).status_code == 200
        spent = time.process_time() - started
    return len(captured), sum(float(q["time"]) for q in captured), spent
