"""Files by API are those of the portal, and are recorded likewise; the dashboard."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from integrations.audit import Action
from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.provisioning import entitlements
from integrations.reports import assignment_exports
from scim import records
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from workspaces import audit, checkpoints, leases
from workspaces.checkpoints import Checkpoint
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, Workspace


@pytest.fixture
def one(integration: Integration) -> str:
    return f"/v1/integrations/{integration.directory.key}"


@pytest.fixture
def manager(integration: Integration) -> AppEntitlement:
    """A role of the app, which Ann holds."""
    row = AppEntitlement.objects.create(
        integration=integration,
        kind=entitlements.ROLE_KIND,
        external_id="5",
        name="Manager",
        seen_at=database_now(),
    )
    entitlements.show(integration, row, now=database_now())
    account = AppAccount.objects.create(
        integration=integration, external_id="7", username="ann", seen_at=database_now()
    )
    account.entitlements.add(row)
    return row


def count(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


class TestFiles:
    @pytest.mark.parametrize(
        ("path", "page", "action"),
        [
            (
                "audit-log.csv?what=integrations.integration.created",
                "/audit/export/?what=integrations.integration.created",
                audit.Log.EXPORTED,
            ),
            (
                "audit-log.jsonl?what=integrations.integration.created",
                "/audit/export.jsonl?what=integrations.integration.created",
                audit.Log.EXPORTED,
            ),
            (
                "activity.csv?action=create",
                "/activity/export/?action=create",
                Action.ACTIVITY_EXPORTED,
            ),
            (
                "integrations/{key}/plan.csv",
                "/integrations/{key}/plan/export/",
                Action.PLAN_EXPORTED,
            ),
            (
                "integrations/{key}/entra-app-roles",
                "/integrations/{key}/entitlements/entra-app-roles/",
                None,
            ),
        ],
    )
    def test_are_the_same_as_in_the_portal(
        self,
        api: ApiClient,
        alice_client: Client,
        scim: ScimClient,
        integration: Integration,
        manager: AppEntitlement,
        path: str,
        page: str,
        action: str | None,
    ) -> None:
        records._waiting.clear()
        scim.add_user()
        records.flush()
        key = integration.directory.key
        shown = alice_client.get(page.format(key=key))

        answer = api.get(f"/v1/{path.format(key=key)}")

        assert answer.status == 200
        name = answer.headers["Content-Disposition"]
        assert name == shown["Content-Disposition"]
        assert name.startswith("attachment; filename=")
        assert answer.headers["Content-Type"] == shown["Content-Type"]
        file: bytes = shown.getvalue()
        is_json = shown["Content-Type"] == "application/json"
        assert answer.body == (json.loads(file) if is_json else file)
        assert b"Acme Demo" in file or b"ann@acme.test" in file or b"Manager" in file
        if action:
            assert count(action) == 2

    @pytest.mark.parametrize(
        "name", ["audit-log.csv", "audit-log.jsonl", "audit-events"]
    )
    @pytest.mark.parametrize("day", ["yesterday", "1066-10-14"])
    def test_audit_log_of_a_day_that_is_none_is_refused(
        self, api: ApiClient, name: str, day: str
    ) -> None:
        answer = api.get(f"/v1/{name}?to={day}")

        assert answer.status == 400
        assert answer.body["detail"] == "to must be a day such as 2026-01-31."
        assert count(audit.Log.EXPORTED) == 0

    def test_checkpoint_is_genuine_and_recorded(
        self, api: ApiClient, workspace: Workspace
    ) -> None:
        answer = api.get("/v1/audit-checkpoint")

        taken = Checkpoint.from_json(answer.body)
        assert checkpoints.is_genuine(taken, log=str(workspace.public_id))
        assert (
            f"audit-acme-{taken.length}.json" in answer.headers["Content-Disposition"]
        )
        assert count(audit.Log.CHECKPOINT_TAKEN) == 1


class TestAssignments:
    def test_e0_20_are_prepared_in_the_background_and_taken_as_a_file(
        self, api: ApiClient, one: str, manager: AppEntitlement
    ) -> None:
        none = [api.get(f"{one}/{name}") for name in ("assignments", "assignments.csv")]
        asked = api.post(f"{one}/assignments")
        early = api.get(f"{one}/assignments.csv")
        job = leases.claim(worker="w", now=database_now())
        assert job is not None
        leases.carry_out(job)

        ready = api.get(f"{one}/assignments").body
        taken = api.get(f"{one}/assignments.csv")

        assert [answer.status for answer in none] == [404, 404]
        assert "POST" in none[0].body["detail"]
        assert (asked.status, asked.body["preparing"]) == (202, True)
        assert (early.status, "being prepared" in early.body["detail"]) == (409, True)
        assert (ready["preparing"], ready["count"]) == (False, 1)
        assert ready["expiresAt"] > ready["readyAt"]
        _, row = csv.reader(StringIO(taken.body.decode()))
        assert row[1:4] == ["ann", "yes", "Manager"]
        assert "attachment" in taken.headers["Content-Disposition"]
        assert count(Action.ASSIGNMENTS_EXPORTED) == 1
        assert count(Action.ASSIGNMENTS_DOWNLOADED) == 1

    def test_that_could_not_be_written_say_why(
        self, api: ApiClient, one: str, integration: Integration
    ) -> None:
        api.post(f"{one}/assignments")
        job = Job.objects.get(kind=assignment_exports.JOB)
        assignment_exports.gave_up(job, "The app has more assignments than fit.")

        answer = api.get(f"{one}/assignments.csv")

        assert answer.status == 409
        assert answer.body["detail"] == "The app has more assignments than fit."


class TestDashboard:
    def test_tells_the_figures_and_what_is_wrong_where(
        self, api: ApiClient, scim: ScimClient, integration: Integration
    ) -> None:
        records._waiting.clear()
        scim.add_user()
        scim.get("/Users?filter=nonsense")
        records.flush()
        Provisioning.objects.update(state=Provisioning.State.PROVISIONING_FAILED)

        told: dict[str, Any] = api.get("/v1/dashboard").body

        assert (told["integrations"], told["users"], told["queued"]) == (1, 1, 1)
        assert (told["requests"], told["failedRequests"]) == (2, 1)
        assert (told["okPercent"], len(told["hours"])) == (50.0, 24)
        (line,) = told["lines"]
        assert (line["integration"], line["name"]) == (
            integration.directory.key,
            "Acme Demo",
        )
        assert (line["state"], line["failedUsers"]) == ("active", 1)
        assert line["failedRequests"] == 1
        assert told["troubles"] == 1

    def test_of_nothing_is_all_zero(self, api: ApiClient) -> None:
        told = api.get("/v1/dashboard").body

        assert (told["integrations"], told["requests"], told["lines"]) == (0, 0, [])
        assert told["okPercent"] is None
