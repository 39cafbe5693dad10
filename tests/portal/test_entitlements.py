"""The tab **Entitlements**: the list, who holds one, its value, the export."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.audit import Action
from integrations.models import (
    AppAccount,
    AppEntitlement,
    AssignmentExport,
    Integration,
    Provisioning,
)
from integrations.provisioning import entitlements
from integrations.reports import assignment_exports, assignments
from tests.conftest import ScimClient
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User


def words(answer: object) -> str:
    content: str = answer.content.decode()  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", content)))


@pytest.fixture
def path(integration: Integration) -> str:
    return f"/integrations/{integration.directory.key}/entitlements/"


def add(integration: Integration, name: str, kind: str = "role") -> AppEntitlement:
    """Make what the app has, as a sync does."""
    row = AppEntitlement.objects.create(
        integration=integration,
        kind=kind,
        external_id=f"id/{name}",
        name=name,
        seen_at=database_now(),
    )
    if kind != entitlements.GROUP_KIND:
        entitlements.show(integration, row, now=database_now())
    return row


def hold(integration: Integration, username: str, *held: AppEntitlement) -> AppAccount:
    account = AppAccount.objects.create(
        integration=integration,
        external_id=username,
        username=username,
        seen_at=database_now(),
    )
    account.entitlements.set(held)
    return account


def exported(client: Client, path: str) -> list[list[str]]:
    """Ask for the file, let a worker write it, and read it."""
    assert client.post(f"{path}export/").status_code == 302
    work()
    answer = client.get(f"{path}export/file/")
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode()
    return list(csv.reader(StringIO(text)))


def work() -> None:
    """Carry out the job that waits, as a worker does."""
    job = leases.claim(worker="w", now=database_now())
    assert job is not None
    assert job.kind == assignment_exports.JOB
    leases.carry_out(job)


class TestList:
    def test_of_nothing_says_where_they_come_from(
        self, alice_client: Client, path: str
    ) -> None:
        page = words(alice_client.get(path))

        assert "No entitlements yet" in page
        assert "Export" not in page

    def test_e0_20_has_the_columns_and_menus(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        row = add(integration, "Manager")
        hold(integration, "ann", row)

        content = alice_client.get(path).content.decode()

        heads = re.findall(r'scope="col"[^>]*>([^<]+)<', content)
        assert heads == ["Entitlement", "Details", "Type"]
        tab = content[content.index('class="page-area"') :]
        entries = re.findall(r'class="menu-item[^"]*"[^>]*>([^<]+)<', tab)
        assert entries == [
            "Export all assignments",
            "Download app roles for Entra ID",
            "Overview",
            "Value",
        ]
        assert "ID id/Manager , 1 assigned user" in words(alice_client.get(path))

    def test_search_and_type(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        add(integration, "Manager")
        add(integration, "Engineering", "group")

        def found(**query: str) -> list[str]:
            rows = alice_client.get(path, query).context["entitlements"]
            return [row["name"] for row in rows]

        assert found(q="manag") == ["Manager"]
        assert found(type="group") == ["Engineering"]
        assert found(type="nonsense") == ["Engineering", "Manager"]
        assert found(q="zzz") == []

    def test_costs_the_same_for_two_and_for_fifty(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        def cost() -> int:
            alice_client.get(path)
            with CaptureQueriesContext(connection) as captured:
                alice_client.get(path)
            return len(captured)

        add(integration, "A", "group")
        add(integration, "B", "group")
        few = cost()
        for number in range(48):
            row = add(integration, f"C{number}", "group")
            hold(integration, f"u{number}", row)

        assert cost() == few
        assert few <= 14


class TestOverview:
    def test_e0_20_shows_assigned_users_with_their_permissions(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        row = add(integration, "Manager")
        hold(integration, "ann@acme.test", row)

        answer = alice_client.get(f"{path}{assignments.reference(row)}/")

        page = words(answer)
        assert "Assigned users" in page
        assert "User Permissions" in page
        assert "ann@acme.test" in page
        assert "Manager In the app" in page

    @pytest.mark.parametrize(
        ("granted", "words_of_source"),
        [
            ([["role", "id/Manager", "role"]], "IdP, by a role"),
            ([["role", "id/Manager", "group"]], "IdP, by a group"),
            ([["role", "id/Manager"]], "IdP"),
            ([["role", "id/Other", "role"]], "In the app"),
            ([], "In the app"),
        ],
    )
    def test_says_who_gave_it(
        self,
        integration: Integration,
        granted: list[list[str]],
        words_of_source: str,
    ) -> None:
        row = add(integration, "Manager")

        given = assignments.given_by(Provisioning(granted=granted), row)

        assert given == words_of_source

    @pytest.mark.parametrize("ref", ["x", "cm9sZTo", "____", "AAAA", "cm9sZTox"])
    def test_unknown_reference_is_404(
        self, alice_client: Client, path: str, ref: str
    ) -> None:
        assert alice_client.get(f"{path}{ref}/").status_code == 404
        assert alice_client.get(f"{path}{ref}/value/").status_code == 404

    def test_that_of_another_tenant_is_404(
        self, alice_client: Client, path: str, other_integration: Integration
    ) -> None:
        theirs = add(other_integration, "Manager")

        answer = alice_client.get(f"{path}{assignments.reference(theirs)}/")

        assert answer.status_code == 404


class TestValue:
    def test_e0_20_value_string_is_what_gives_it(
        self,
        alice_client: Client,
        integration: Integration,
        path: str,
        scim: ScimClient,
    ) -> None:
        """E0-4: an entitlement is given by its value string."""

        row = add(integration, "Manager")

        page = alice_client.get(f"{path}{assignments.reference(row)}/value/")
        (role,) = scim.get("/Roles").resources
        ann = scim.add_user(roles=[{"value": role["id"]}])

        content = page.content.decode()
        assert "Value string" in words(page)
        assert f'value="{role["id"]}"' in content
        assert 'data-copy="#value-string"' in content
        user = Provisioning.objects.get(resource_id_public=ann["id"]).resource
        assert user is not None
        assert list(entitlements.wanted_by(integration, user)) == [row.key]

    def test_fragment_is_a_dialog(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        row = add(integration, "Manager")

        answer = alice_client.get(
            f"{path}{assignments.reference(row)}/value/",
            headers={"hx-request": "true"},
        )

        assert answer.content.strip().startswith(b"<dialog")

    def test_group_without_a_resource_has_none(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        row = add(integration, "Engineering", "group")

        page = words(alice_client.get(f"{path}{assignments.reference(row)}/value/"))

        assert "It has no value" in page


class TestExport:
    def test_e0_20_holds_every_assignment(
        self, alice_client: Client, alice: User, integration: Integration, path: str
    ) -> None:
        manager = add(integration, "Manager")
        group = add(integration, "Engineering", "group")
        hold(integration, "ann", manager, group)
        hold(integration, "bo", group)
        hold(integration, "cy")

        head, *rows = exported(alice_client, path)

        assert head == assignments.COLUMNS
        assert [(r[1], r[3], r[4]) for r in rows] == [
            ("ann", "Engineering", "Groups"),
            ("ann", "Manager", "role"),
            ("bo", "Engineering", "Groups"),
        ]
        event = AuditEvent.objects.get(action=Action.ASSIGNMENTS_EXPORTED)
        assert (event.actor, event.target_label) == (alice, "Acme Demo")

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", " =", "\uff1d"])
    def test_no_cell_is_a_formula(
        self, alice_client: Client, integration: Integration, path: str, start: str
    ) -> None:
        name = f'{start}HYPERLINK("https://evil.example")'
        hold(integration, name, add(integration, name, "group"))

        _, row = exported(alice_client, path)

        assert row[1] == f"'{name}"
        assert row[3] == f"'{name}"

    def test_is_read_in_batches(
        self,
        alice_client: Client,
        integration: Integration,
        path: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(assignments, "BATCH", 10)
        row = add(integration, "Engineering", "group")
        for number in range(25):
            hold(integration, f"user{number:02}", row)
        alice_client.post(f"{path}export/")

        with CaptureQueriesContext(connection) as captured:
            work()

        answer = alice_client.get(f"{path}export/file/")
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert [line.split(",")[1] for line in lines[1:]] == [
            f"user{n:02}" for n in range(25)
        ]
        assert len(captured) <= 25

    def test_is_a_file_that_no_cache_keeps(
        self, alice_client: Client, alice: User, integration: Integration, path: str
    ) -> None:
        exported(alice_client, path)

        answer = alice_client.get(f"{path}export/file/")

        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"] == (
            f'attachment; filename="assignments-{integration.directory.key}.csv"'
        )
        assert answer["Cache-Control"] == "no-store"
        taken = AuditEvent.objects.filter(action=Action.ASSIGNMENTS_DOWNLOADED)
        assert [event.actor for event in taken] == [alice, alice]

    def test_e0_20_page_waits_and_then_offers_the_file(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        hold(integration, "ann", add(integration, "Manager"))
        asked = alice_client.post(f"{path}export/", follow=True)

        waits = asked.content.decode()
        assert "Preparing the export…" in waits
        (ask,) = re.findall(r'data-poll hx-get="([^"]+export/)"', waits)
        assert "Download<" not in waits
        work()

        told = alice_client.get(ask, headers={"hx-request": "true"}).content.decode()
        assert "data-poll" not in told
        assert "1 assignment, as of" in told
        assert 'hx-swap-oob="innerHTML:#live"' in told
        assert f'href="{path}export/file/"' in told
        assert f'href="{path}export/file/"' in alice_client.get(path).content.decode()
        assert alice_client.get(ask)["Location"] == path

    def test_second_request_joins_the_one_that_waits(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        hold(integration, "ann", add(integration, "Manager"))

        alice_client.post(f"{path}export/")
        alice_client.post(f"{path}export/")

        assert Job.objects.filter(kind=assignment_exports.JOB).count() == 1
        asked = AuditEvent.objects.filter(action=Action.ASSIGNMENTS_EXPORTED)
        assert asked.count() == 1

    def test_next_one_shows_the_present(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        row = add(integration, "Manager")
        hold(integration, "ann", row)
        exported(alice_client, path)
        hold(integration, "bo", row)

        assert [r[1] for r in exported(alice_client, path)[1:]] == ["ann", "bo"]

    def test_is_gone_after_a_day(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        hold(integration, "ann", add(integration, "Manager"))
        exported(alice_client, path)
        AssignmentExport.objects.update(
            asked_at=database_now() - AssignmentExport.KEPT - timedelta(seconds=1)
        )

        late = alice_client.get(f"{path}export/file/", follow=True)
        assert late.redirect_chain == [(path, 302)]
        assert "Export all assignments again." in words(late)
        assert "The export is ready" not in words(late)
        job = Job(workspace=integration.workspace, kind=assignment_exports.PRUNE)
        assert assignment_exports.prune(job) == {"deleted": 1}

    def test_one_that_is_too_long_says_so(
        self,
        alice_client: Client,
        integration: Integration,
        path: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(assignment_exports, "MOST_BYTES", 50)
        hold(integration, "ann", add(integration, "Manager"))
        alice_client.post(f"{path}export/")
        work()

        page = words(alice_client.get(path))
        assert "The export failed" in page
        assert "more assignments than one file holds" in page
        assert alice_client.get(f"{path}export/file/").status_code == 302
        monkeypatch.undo()
        assert len(exported(alice_client, path)) == 2

    def test_that_of_another_tenant_is_404(
        self, alice_client: Client, other_integration: Integration
    ) -> None:
        theirs = f"/integrations/{other_integration.directory.key}/entitlements/export/"

        assert alice_client.post(theirs).status_code == 404
        assert alice_client.get(f"{theirs}file/").status_code == 404
        assert not AssignmentExport.objects.exists()
