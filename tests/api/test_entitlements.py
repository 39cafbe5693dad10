"""Groups, entitlements and who holds them, and the list of accounts, by API."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.provisioning import entitlements
from scim.models import Resource
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from tests.routes import unmatched_in
from workspaces.clock import database_now


@pytest.fixture
def one(integration: Integration) -> str:
    return f"/v1/integrations/{integration.directory.key}"


@pytest.fixture
def manager(integration: Integration) -> AppEntitlement:
    """A role as a sync makes it, which SCIM can give."""
    return add(integration, "Manager")


def add(integration: Integration, name: str) -> AppEntitlement:
    row = AppEntitlement.objects.create(
        integration=integration,
        kind=entitlements.ROLE_KIND,
        external_id=f"id/{name}",
        name=name,
        seen_at=database_now(),
    )
    entitlements.show(integration, row, now=database_now())
    return row


def hold(integration: Integration, username: str, held: AppEntitlement) -> AppAccount:
    account = AppAccount.objects.create(
        integration=integration,
        external_id=username,
        username=username,
        seen_at=database_now(),
    )
    account.entitlements.add(held)
    return account


def onboard(scim: ScimClient, account: AppAccount, granted: list[list[str]]) -> str:
    """Make the user whose account it is; return the SCIM id."""
    user = str(scim.add_user(f"{account.username}@acme.test", displayName="Ann")["id"])
    Provisioning.objects.filter(resource_id_public=user).update(
        account=account, granted=granted, state=Provisioning.State.ONBOARDED
    )
    return user


class TestEntitlements:
    def test_e0_20_each_has_the_value_string_that_the_idp_sends(
        self,
        api: ApiClient,
        integration: Integration,
        manager: AppEntitlement,
        one: str,
    ) -> None:
        hold(integration, "ann", manager)
        listed = api.get(f"{one}/entitlements").body["data"]

        (row,) = listed
        assert (row["name"], row["type"], row["scimType"]) == (
            "Manager",
            "role",
            "Role",
        )
        assert (row["externalId"], row["holderCount"]) == ("id/Manager", 1)
        assert (
            row["valueString"] == Resource.objects.get(resource_type="Role").public_id
        )
        assert api.get(f"{one}/entitlements/{row['id']}").body == row
        for unknown in ("cm9sZTpub25l", "x", "____"):
            assert api.get(f"{one}/entitlements/{unknown}").status == 404

    def test_are_found_by_name_and_kind(
        self,
        api: ApiClient,
        integration: Integration,
        manager: AppEntitlement,
        one: str,
    ) -> None:
        add(integration, "Reader")

        def found(query: str) -> list[str]:
            return [
                row["name"]
                for row in api.get(f"{one}/entitlements{query}").body["data"]
            ]

        assert found("?q=manag") == ["Manager"]
        assert found("?kind=role") == ["Reader", "Manager"]
        assert found("?kind=group") == []

    def test_holders_are_told_with_who_gave_it(
        self,
        api: ApiClient,
        scim: ScimClient,
        integration: Integration,
        manager: AppEntitlement,
        one: str,
    ) -> None:
        ann = hold(integration, "ann", manager)
        hold(integration, "ben", manager)
        user = onboard(scim, ann, [["role", "id/Manager", "role"]])
        (row,) = api.get(f"{one}/entitlements").body["data"]
        path = f"{one}/entitlements/{row['id']}/holders"

        first = api.get(f"{path}?limit=1").body
        rest = api.get(f"{path}?cursor={first['nextCursor']}").body

        assert [each["usernameInApp"] for each in first["data"]] == ["ben"]
        assert (first["data"][0]["userId"], first["data"][0]["givenBy"]) == (
            None,
            "In the app",
        )
        assert [each["userId"] for each in rest["data"]] == [user]
        assert rest["data"][0]["givenBy"] == "IdP, by a role"
        assert len(api.get(f"{path}?q=an").body["data"]) == 1

    def test_lists_take_as_many_queries_for_many_as_for_one(
        self,
        api: ApiClient,
        integration: Integration,
        manager: AppEntitlement,
        one: str,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        hold(integration, "ann", manager)
        (row,) = api.get(f"{one}/entitlements").body["data"]
        holders = f"{one}/entitlements/{row['id']}/holders"

        def read() -> int:
            with django_assert_num_queries(5):
                listed = api.get(f"{one}/entitlements").body["data"]
            with django_assert_num_queries(6):
                return len(listed) + len(api.get(holders).body["data"])

        assert read() == 2
        add(integration, "Reader")
        hold(integration, "ben", manager)
        hold(integration, "cid", manager)
        assert read() == 5


class TestGroups:
    def test_say_how_many_they_hold_and_what_they_stand_for(
        self,
        api: ApiClient,
        scim: ScimClient,
        integration: Integration,
        one: str,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        ann = str(scim.add_user()["id"])
        group = scim.add_group("Sales", ann)
        AppEntitlement.objects.create(
            integration=integration,
            kind="group",
            external_id="5",
            name="sales-team",
            resource=Resource.objects.get(public_id=group["id"]),
            seen_at=database_now(),
        )
        scim.add_group("Ops")
        api.get(f"{one}/groups")

        with django_assert_num_queries(5):
            listed = api.get(f"{one}/groups").body["data"]

        assert [
            (row["name"], row["memberCount"], row["appGroup"]) for row in listed
        ] == [
            ("Ops", 0, None),
            ("Sales", 1, "sales-team"),
        ]
        assert (listed[1]["id"], listed[1]["origin"]) == (group["id"], "idp")
        named = api.get(f"{one}/groups?q=SAL").body["data"]
        assert [row["name"] for row in named] == ["Sales"]


class TestAccounts:
    def test_e0_16_users_have_the_columns_of_the_tab(
        self,
        api: ApiClient,
        scim: ScimClient,
        integration: Integration,
        manager: AppEntitlement,
        one: str,
    ) -> None:
        onboard(scim, hold(integration, "ann", manager), [])

        (row,) = api.get(f"{one}/users?q=ann").body["data"]

        assert (row["displayName"], row["usernameInApp"]) == ("Ann", "ann")
        assert (row["appAccess"], row["activeInApp"]) == (["Manager"], True)
        assert (row["upstreamId"], row["state"]) == (None, "onboarded")

    def test_unmatched_and_exempt_ones_are_found(
        self, api: ApiClient, scim: ScimClient, integration: Integration, one: str
    ) -> None:
        scim.add_user()
        unmatched = unmatched_in(integration)
        found = [
            [row["id"] for row in api.get(f"{one}/users?state={state}").body["data"]]
            for state in ("unmatched", "exempt")
        ]
        AppAccount.objects.update(
            exempted_at=database_now(), exempt_reason="Runs the backup."
        )

        (exempt,) = api.get(f"{one}/users?state=exempt").body["data"]

        assert found == [[unmatched.resource_id_public], []]
        assert exempt["exemptReason"] == "Runs the backup."
