"""Plan, held removals, changes and undo, matching rules: as pages."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from integrations.audit import Action
from integrations.desired import ObservedAccount
from integrations.models import (
    AppAccount,
    AppEntitlement,
    Integration,
    Provisioning,
    RestorePoint,
)
from integrations.provisioning import entitlements
from integrations.syncing import importing
from integrations.syncing.importing import Report
from scim.models import Resource
from tests.conftest import ScimClient
from tests.portal.words import query_count, read, text_of
from workspaces.clock import database_now
from workspaces.models import AuditEvent, User

State = Provisioning.State


@pytest.fixture
def path(integration: Integration) -> str:
    return f"/integrations/{integration.directory.key}/"


def in_app(integration: Integration, row: Provisioning, name: str = "") -> AppAccount:
    """Let the app have an account of the person, under a display name."""
    account = AppAccount.objects.create(
        integration=integration,
        external_id=str(row.pk),
        username=row.user_name,
        display_name=name,
        resource=row.resource,
        seen_at=database_now(),
    )
    Provisioning.objects.filter(pk=row.pk).update(account=account)
    return account


def people(integration: Integration, scim: ScimClient, count: int) -> None:
    """Make people, each with an account of another display name."""
    start = Provisioning.objects.count()
    for number in range(start, start + count):
        scim.add_user(f"p{number}@acme.test", displayName=f"P {number}")
        row = Provisioning.objects.get(user_name=f"p{number}@acme.test")
        in_app(integration, row, name="Old name")


def take_away_all(integration: Integration, scim: ScimClient) -> None:
    """Let the IdP deactivate everybody, and the worker have held that."""
    change = {"op": "replace", "path": "active", "value": False}
    for row in Provisioning.objects.filter(resource__active=True):
        scim.patch(f"/Users/{row.resource_id_public}", change)
    Integration.objects.update(removals_held_at=database_now())


def point_of(row: Provisioning, at: datetime | None = None) -> RestorePoint:
    return RestorePoint.objects.create(
        integration=row.integration,
        run=uuid.uuid4(),
        resource_id=row.resource_id_public,
        user_name=row.user_name,
        external_id=str(row.pk),
        before={"username": row.user_name, "active": True},
        granted=[],
        changes=[["update", {"display_name": ["Old name", "P 0"]}]],
        at=at or database_now(),
    )


class TestPlan:
    def test_shows_each_change_field_by_field(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        people(integration, scim, 1)
        scim.add_user("new@acme.test")

        text = read(alice_client, f"{path}plan/")

        assert "1 to create · 1 to change · 0 to deactivate · 0 to delete" in text
        assert "Display name: Old name → P 0" in text

    def test_finds_by_name_and_kind(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        people(integration, scim, 2)

        assert "p1@acme.test" in read(alice_client, f"{path}plan/?q=p1")
        assert "p0@acme.test" not in read(alice_client, f"{path}plan/?q=p1")
        assert "No match" in read(alice_client, f"{path}plan/?show=drift")

    def test_costs_the_same_for_one_and_for_many(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        counts = []
        for more in (2, 10):
            people(integration, scim, more)
            counts.append(query_count(alice_client, f"{path}plan/"))

        assert counts[0] == counts[1]
        assert counts[0] <= 16

    def test_export_holds_everybody(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        people(integration, scim, 2)

        text = b"".join(alice_client.get(f"{path}plan/export/")).decode()

        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["User"] for row in rows] == ["p0@acme.test", "p1@acme.test"]
        assert rows[0]["Changes"] == "display name: Old name → P 0"
        assert AuditEvent.objects.filter(action=Action.PLAN_EXPORTED).exists()

    def test_observe_and_let_loose(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        scim.add_user("new@acme.test")

        answer = alice_client.post(f"{path}plan/observe/", follow=True)
        assert "Nothing is changed in Demo app" in text_of(answer)
        assert "Observe only" in read(alice_client, f"{path}users/")
        assert "1 account" in read(alice_client, f"{path}plan/let-loose/")

        answer = alice_client.post(f"{path}plan/let-loose/", follow=True)
        integration.refresh_from_db()
        assert integration.observing_since is None
        assert "is let loose." in text_of(answer)

    def test_put_right_asks_with_the_number(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        people(integration, scim, 3)
        now = database_now()
        Provisioning.objects.update(state=State.ONBOARDED, drifted_at=now)

        assert "3 accounts" in read(alice_client, f"{path}plan/put-right/")
        answer = alice_client.post(f"{path}plan/put-right/", follow=True)

        assert "3 users are brought up to date with your IdP." in text_of(answer)
        assert not Provisioning.objects.filter(state=State.ONBOARDED).exists()


class TestRemovals:
    @pytest.fixture(autouse=True)
    def held(self, integration: Integration, scim: ScimClient) -> None:
        people(integration, scim, 6)
        take_away_all(integration, scim)

    def test_every_page_says_so(self, alice_client: Client, path: str) -> None:
        for page in ("users/", "overview/", "settings/general/"):
            text = read(alice_client, path + page)
            assert "Your IdP takes away 6 users at once" in text

    def test_one_is_approved_and_the_rest_discarded(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        first = Provisioning.objects.order_by("user_name")[0]
        chosen = {
            "decision": "approve",
            "scope": "chosen",
            "user": first.resource_id_public,
        }
        answer = alice_client.post(f"{path}removals/decide/", chosen, follow=True)
        assert "1 removal approved." in text_of(answer)

        rest = {"decision": "discard", "scope": "all"}
        answer = alice_client.post(f"{path}removals/decide/", rest, follow=True)
        assert "5 removals discarded." in text_of(answer)
        assert Resource.objects.filter(active=True, resource_type="User").count() == 5
        assert "No removal waits" in read(alice_client, f"{path}removals/")

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            ({"decision": "approve", "scope": "chosen"}, "Choose at least one user"),
            (
                {"decision": "approve", "scope": "chosen", "user": "\x00"},
                "Choose at least one user",
            ),
            ({"decision": "explode", "scope": "all"}, "Choose Approve or Discard"),
            ({}, "Choose Approve or Discard"),
        ],
    )
    def test_unclear_decision_changes_nothing(
        self, alice_client: Client, path: str, document: dict[str, str], said: str
    ) -> None:
        answer = alice_client.post(f"{path}removals/decide/", document)

        assert answer.status_code == 422
        assert said in text_of(answer)
        assert Provisioning.objects.filter(approved_version__gt=0).count() == 0

    def test_page_costs_the_same_for_one_and_for_many(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        counts = []
        for more in (0, 10):
            people(integration, scim, more)
            take_away_all(integration, scim)
            counts.append(query_count(alice_client, f"{path}removals/"))

        assert counts[0] == counts[1]


class TestChanges:
    def test_undo_shows_what_it_does_and_then_says_who_did(
        self,
        alice: User,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        people(integration, scim, 1)
        Provisioning.objects.update(state=State.ONBOARDED)
        row = Provisioning.objects.get()
        point = point_of(row)

        assert "1 user" in read(alice_client, f"{path}changes/")
        run = read(alice_client, f"{path}changes/{point.run}/")
        assert "Change the display name from Old name to P 0" in run
        asked = read(alice_client, f"{path}changes/of/{point.public_id}/undo/")
        assert "Change the display name from P 0 back to Old name" in asked

        url = f"{path}changes/of/{point.public_id}/undo/"
        text = text_of(alice_client.post(url, follow=True))
        assert "Undone by Alice." in text

    def test_nothing_of_another_tenant(
        self,
        alice_client: Client,
        other_integration: Integration,
        other_scim: ScimClient,
        path: str,
    ) -> None:
        other_scim.add_user("eve@other.test")
        point = point_of(Provisioning.objects.get())

        for url in (f"changes/{point.run}/", f"changes/of/{point.public_id}/undo/"):
            assert alice_client.get(path + url).status_code == 404


class TestMatchingRules:
    def take(self, integration: Integration, **account: Any) -> AppAccount:
        found = ObservedAccount(external_id="77", username="alee", **account)
        importing.take_accounts(integration, [found], Report(), now=database_now())
        return AppAccount.objects.get(external_id="77")

    def save(self, client: Client, path: str, *rules: str) -> Any:
        names = ("first", "second", "third", "fourth")
        data = dict(zip(names, rules, strict=False))
        return client.post(f"{path}settings/matching/", data, follow=True)

    def test_user_name_alone_is_the_default(
        self, integration: Integration, scim: ScimClient
    ) -> None:
        scim.add_user("ann@acme.test", emails=[{"value": "ann@acme.test"}])

        account = self.take(integration, email="ann@acme.test")

        assert account.resource is not None
        assert account.resource.source == Resource.Source.APP

    def test_rules_are_tried_in_order(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        self.save(alice_client, path, "userName", "email", "externalId")
        integration.refresh_from_db()
        ann = scim.add_user("ann@acme.test", emails=[{"value": "ann@acme.test"}])

        account = self.take(integration, email="Ann@acme.test")

        assert account.resource is not None
        assert account.resource.public_id == ann["id"]
        event = AuditEvent.objects.get(action=Action.MATCHING_CHANGED)
        assert event.data["after"] == "userName, email, externalId"

    def test_external_id_is_the_apps_own_key(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        self.save(alice_client, path, "externalId")
        integration.refresh_from_db()
        ann = scim.add_user("ann@acme.test", externalId="77")

        account = self.take(integration)

        assert account.resource is not None
        assert account.resource.public_id == ann["id"]

    def test_two_who_fit_leave_it_unmatched(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        self.save(alice_client, path, "email", "externalId")
        integration.refresh_from_db()
        for name in ("ann", "anna"):
            scim.add_user(f"{name}@acme.test", emails=[{"value": "team@acme.test"}])

        account = self.take(integration, email="team@acme.test")

        assert account.provisioning.is_matched is False

    def test_rule_twice_is_refused(
        self, alice_client: Client, integration: Integration, path: str
    ) -> None:
        answer = self.save(alice_client, path, "email", "email")

        assert answer.status_code == 422
        assert "This rule is chosen twice." in text_of(answer)
        integration.refresh_from_db()
        assert integration.matching_rules == ["userName"]


class TestAppRolesForEntra:
    def test_file_names_each_role_with_a_value_that_entra_takes(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
        path: str,
    ) -> None:
        row = AppEntitlement.objects.create(
            integration=integration,
            kind="role",
            external_id="3",
            name="Project manager",
            seen_at=database_now(),
        )
        entitlements.show(integration, row, now=database_now())

        answer = alice_client.get(f"{path}entitlements/entra-app-roles/")

        (role,) = answer.json()["appRoles"]
        assert "attachment" in answer["Content-Disposition"]
        assert role["displayName"] == "Project manager"
        assert role["allowedMemberTypes"] == ["User"]
        assert uuid.UUID(role["id"])
        assert " " not in role["value"]
        again = alice_client.get(f"{path}entitlements/entra-app-roles/").json()
        assert again["appRoles"] == [role]
        user = scim.add_user("ann@acme.test", roles=[{"value": role["value"]}])
        found = Resource.objects.get(public_id=user["id"])
        assert row.key in entitlements.wanted_by(integration, found)
