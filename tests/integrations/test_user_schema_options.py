"""E0-10: what a sync and a log do with an own attribute, with the demo app."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from integrations import services
from integrations.models import AppAccount, AppCall, Integration, Provisioning
from scim.protocol.user_schema import urn_of
from tests.conftest import JSON, ScimClient
from tests.integrations.outside import Outside
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import Job

Work = Callable[..., None]
NUMBER = {"name": "number", "label": "Employee number", "primaryIdentifier": True}
TOMAS = "tomas.novak@example.com"
WALTER = "walter.finch@example.com"


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


@pytest.fixture
def use(connected: Integration) -> Callable[..., str]:
    """Give the integration a user schema; returns its URN."""

    def change(*attributes: JSON) -> str:
        directory = connected.directory
        directory.user_schema = {"attributes": list(attributes)}
        directory.save()
        return urn_of(directory.key)

    return change


@pytest.fixture
def sync(connected: Integration) -> Callable[[], Job]:
    """Carry out a sync, and nothing else that waits."""

    def run() -> Job:
        job = services.request_sync(connected, actor=None, now=database_now())
        long_ago = database_now() - timedelta(days=1)
        Job.objects.filter(pk=job.pk).update(due_at=long_ago)
        taken = leases.claim(worker="w", now=database_now())
        assert taken == job
        leases.carry_out(taken)
        taken.refresh_from_db()
        return taken

    return run


def give(outside: Outside, login: str, **fields: object) -> None:
    outside.change_user(login, fields=json.dumps(fields))


def user_of(scim: ScimClient, name: str) -> JSON:
    (user,) = scim.get("/Users", filter=f'userName eq "{name}"').resources
    return user


class TestSync:
    def test_takes_values_of_the_app_over(
        self,
        use: Callable[..., str],
        sync: Callable[[], Job],
        outside: Outside,
        scim: ScimClient,
    ) -> None:
        urn = use({"name": "site"})
        give(outside, TOMAS, site="Brno", unknown="x")

        sync()

        assert user_of(scim, TOMAS)[urn] == {"site": "Brno"}
        assert urn not in user_of(scim, WALTER)

    @pytest.mark.parametrize("allowed", [True, False], ids=["allowed", "not allowed"])
    def test_empties_a_value_only_where_that_is_allowed(
        self,
        allowed: bool,
        use: Callable[..., str],
        sync: Callable[[], Job],
        outside: Outside,
        scim: ScimClient,
    ) -> None:
        urn = use({"name": "site", "allowEmptyInSync": allowed}, {"name": "floor"})
        give(outside, TOMAS, site="Brno", floor="3")
        sync()
        give(outside, TOMAS, site="", floor="4")

        sync()

        kept = {"floor": "4"} if allowed else {"site": "Brno", "floor": "4"}
        assert user_of(scim, TOMAS)[urn] == kept

    def test_value_of_another_type_is_told_and_stops_nobody(
        self, use: Callable[..., str], sync: Callable[[], Job], outside: Outside
    ) -> None:
        use({"name": "level", "type": "integer"})
        give(outside, TOMAS, level="high")

        job = sync()

        assert job.result["skipped_count"] == 1
        assert TOMAS in job.result["skipped"][0]
        assert AppAccount.objects.filter(username=WALTER).exists()


class TestPrimaryIdentifier:
    def test_sync_matches_the_account_whatever_its_user_name(
        self,
        use: Callable[..., str],
        sync: Callable[[], Job],
        outside: Outside,
        scim: ScimClient,
        work: Work,
    ) -> None:
        """E0-21: the account is matched, and brought up to date with the IdP."""
        urn = use(NUMBER)
        give(outside, TOMAS, number="E-7")
        tomas = outside.user(TOMAS)["id"]
        sync()
        user = scim.add_user("tnovak@acme.test", **{urn: {"number": "e-7"}})
        work()
        row = Provisioning.objects.get(resource_id_public=user["id"])
        assert row.state == Provisioning.State.PROVISIONING_FAILED
        assert "this Employee number: tomas.novak@example.com" in row.last_error

        sync()
        work()

        row.refresh_from_db()
        assert row.state == Provisioning.State.ONBOARDED
        assert outside.user("tnovak@acme.test")["id"] == tomas
        assert scim.get("/Users", filter=f'userName eq "{TOMAS}"').resources == []

    def test_one_that_two_accounts_have_matches_nobody(
        self,
        use: Callable[..., str],
        sync: Callable[[], Job],
        outside: Outside,
        scim: ScimClient,
    ) -> None:
        urn = use(NUMBER)
        for login in (TOMAS, WALTER):
            give(outside, login, number="E-7")
        scim.add_user("tnovak@acme.test", **{urn: {"number": "E-7"}})

        sync()

        assert user_of(scim, TOMAS)[urn] == {"number": "E-7"}
        assert Provisioning.objects.get(user_name="tnovak@acme.test").account is None

    def test_same_name_with_another_number_is_somebody_else(
        self,
        use: Callable[..., str],
        sync: Callable[[], Job],
        outside: Outside,
        scim: ScimClient,
    ) -> None:
        urn = use(NUMBER)
        scim.add_user(TOMAS, **{urn: {"number": "E-8"}})
        give(outside, TOMAS, number="E-7")

        job = sync()

        assert "another Employee number" in job.result["skipped"][0]
        assert Provisioning.objects.get(user_name=TOMAS).account is None


class TestConfidential:
    def test_value_reaches_the_app_and_no_page(
        self,
        use: Callable[..., str],
        outside: Outside,
        scim: ScimClient,
        work: Work,
        connected: Integration,
        alice_client: Client,
    ) -> None:
        attribute = {"name": "salary", "dataClassification": "confidential"}
        pin = {**attribute, "name": "pin", "type": "integer"}
        urn = use(attribute, pin, {"name": "site"})
        own = {"salary": "90000-kr", "pin": 73, "site": "Oslo"}

        user = scim.add_user("ann@acme.test", **{urn: own})
        work()

        assert json.loads(outside.user("ann@acme.test")["fields"]) == own
        sent = AppCall.objects.exclude(request_body="").latest("id").request_body
        assert json.loads(sent)["fields"] == {
            "salary": "[hidden]",
            "pin": "[hidden]",
            "site": "Oslo",
        }
        key = connected.directory.key
        for page in (
            f"/integrations/{key}/users/{user['id']}/",
            f"/activity/people/{user['id']}/",
        ):
            text = alice_client.get(page).content.decode()
            assert "90000-kr" not in text
            assert "Oslo" in text
