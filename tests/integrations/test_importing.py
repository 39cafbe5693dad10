"""Import of many accounts: what it costs, and whose they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.desired import Entitlement, ObservedAccount
from integrations.models import AppAccount, Integration, Provisioning
from integrations.syncing import importing
from integrations.syncing.report import Report
from scim import counts
from scim.models import Change, GroupMember, Resource
from scim.protocol import user_schema
from scim.protocol.user_schema import UserAttribute, UserSchema
from tests.conftest import ScimClient
from workspaces.clock import database_now

GROUP = Entitlement("group", "g", "Group")
MATCHED = "bjensen"


def accounts(start: int, stop: int) -> list[ObservedAccount]:
    return [
        ObservedAccount(
            external_id=str(number),
            username=f"user{number}@acme.test",
            email=f"user{number}@acme.test",
            display_name=f"User {number}",
            entitlements=frozenset({("group", "g")}),
        )
        for number in range(start, stop)
    ]


def take(integration: Integration, found: list[ObservedAccount]) -> Report:
    report = Report()
    importing.take_accounts(integration, found, report, now=database_now())
    return report


def queries(integration: Integration, found: list[ObservedAccount]) -> int:
    with CaptureQueriesContext(connection) as captured:
        take(integration, found)
    return len(captured)


def owner(external_id: str) -> Resource:
    user = AppAccount.objects.get(external_id=external_id).resource
    assert user is not None
    return user


@pytest.fixture
def grouped(integration: Integration) -> Integration:
    importing.take_entitlements(integration, [GROUP], Report(), now=database_now())
    return integration


class TestCost:
    def test_known_account_costs_no_query_of_its_own(
        self, grouped: Integration
    ) -> None:
        take(grouped, accounts(0, 40))

        few = queries(grouped, accounts(0, 10))
        many = queries(grouped, accounts(0, 40))

        assert few == many
        assert many <= 12

    def test_new_account_costs_one_query_of_its_own(self, grouped: Integration) -> None:
        few = queries(grouped, accounts(0, 10))
        many = queries(grouped, accounts(10, 50))

        assert many - few <= 40 - 10

    @pytest.mark.parametrize("rule", ["email", "externalId", "attribute:badge"])
    def test_rule_takes_one_query_a_page(
        self, integration: Integration, rule: str
    ) -> None:
        _with_badge(integration)
        integration.matching_rules = ["userName"]
        without = queries(integration, accounts(0, 20))

        integration.matching_rules = ["userName", rule]

        assert queries(integration, accounts(20, 40)) == without + 1


class TestNew:
    def test_each_is_a_user_with_group_and_history(
        self, grouped: Integration, scim: ScimClient
    ) -> None:
        report = take(grouped, accounts(0, 30))

        assert (report.users, report.new, report.skipped) == (30, 30, [])
        assert scim.get("/Users", count=5).body["totalResults"] == 30
        assert counts.find(grouped.directory, "User", 1).total == 30
        assert GroupMember.objects.filter(group__label="Group").count() == 30
        assert Change.objects.filter(resource_type="User", kind="created").count() == 30
        states = Provisioning.objects.values_list("state", "is_matched").distinct()
        assert list(states) == [(Provisioning.State.ONBOARDED, False)]
        (user,) = scim.get("/Users", filter='userName eq "user7@acme.test"').resources
        assert user["emails"] == [{"value": "user7@acme.test", "primary": True}]
        assert user["active"] is True

    def test_one_that_is_refused_does_not_keep_out_the_others(
        self, integration: Integration
    ) -> None:
        bad = replace(accounts(5, 6)[0], username="two  blanks")

        report = take(integration, [*accounts(0, 5), bad])

        assert AppAccount.objects.count() == 5
        assert len(report.skipped) == 1

    def test_same_name_twice_makes_one_user(self, integration: Integration) -> None:
        twice = [replace(a, username="Same@acme.test") for a in accounts(0, 2)]

        report = take(integration, twice)

        assert Resource.objects.filter(resource_type="User").count() == 1
        assert len(report.skipped) == 1


class TestKnown:
    def test_is_seen_and_so_not_forgotten(self, grouped: Integration) -> None:
        take(grouped, accounts(0, 3))
        now, report = database_now(), Report()

        importing.take_entitlements(grouped, [GROUP], report, now=now)
        importing.take_accounts(grouped, accounts(0, 2), report, now=now)
        importing.forget_lost(grouped, report, now=now)

        assert set(AppAccount.objects.values_list("external_id", flat=True)) == {
            "0",
            "1",
        }
        assert (report.new, report.changed, report.removed) == (0, 0, 1)

    def test_one_that_is_refused_is_not_forgotten(
        self, integration: Integration
    ) -> None:
        take(integration, accounts(0, 1))
        now, report = database_now(), Report()
        bad = replace(accounts(0, 1)[0], username="two  blanks")

        importing.take_accounts(integration, [bad], report, now=now)
        importing.forget_lost(integration, report, now=now)

        assert (len(report.skipped), report.removed) == (1, 0)
        assert owner("0").label == "User 0"

    @pytest.mark.parametrize(
        "change",
        [
            {"display_name": "Other"},
            {"email": "other@acme.test"},
            {"active": False},
            {"given_name": "Given"},
            {"entitlements": frozenset()},
        ],
        ids=str,
    )
    def test_each_change_in_the_app_is_followed(
        self, grouped: Integration, change: dict[str, object]
    ) -> None:
        (account,) = accounts(0, 1)
        take(grouped, [account])
        before = owner("0")

        take(grouped, [replace(account, **change)])

        after = owner("0")
        is_member = GroupMember.objects.filter(member=after).exists()
        assert after.version > before.version or not is_member
        assert is_member == ("entitlements" not in change)

    def test_membership_lost_in_the_directory_comes_back(
        self, grouped: Integration
    ) -> None:
        take(grouped, accounts(0, 1))
        GroupMember.objects.all().delete()

        take(grouped, accounts(0, 1))

        assert GroupMember.objects.filter(member=owner("0")).exists()


def _with_badge(integration: Integration) -> None:
    schema = UserSchema((UserAttribute(name="badge", label="Badge"),))
    integration.directory.user_schema = user_schema.stored(schema)
    integration.directory.save(update_fields=["user_schema"])


class TestRules:
    def test_email_in_any_case_says_whose_it_is(
        self, integration: Integration, scim: ScimClient
    ) -> None:
        address = {"value": "User3@ACME.test", "type": "work"}
        user = scim.add_user(MATCHED, emails=[{"value": "b@x.test"}, address])
        integration.matching_rules = ["email"]

        report = take(integration, accounts(0, 6))

        assert owner("3").public_id == user["id"]
        assert report.new == 5

    def test_external_id_says_whose_it_is(
        self, integration: Integration, scim: ScimClient
    ) -> None:
        user = scim.add_user(MATCHED, externalId="2")
        integration.matching_rules = ["userName", "externalId"]

        take(integration, accounts(0, 4))

        assert owner("2").public_id == user["id"]

    def test_first_account_of_two_gets_the_user(
        self, integration: Integration, scim: ScimClient
    ) -> None:
        user = scim.add_user(MATCHED, emails=[{"value": "shared@acme.test"}])
        shared = [replace(a, email="shared@acme.test") for a in accounts(0, 2)]
        integration.matching_rules = ["email"]

        report = take(integration, shared)

        assert owner("0").public_id == user["id"]
        assert owner("1").source == Resource.Source.APP
        assert report.new == 1

    def test_two_users_of_one_address_are_no_telling(
        self, integration: Integration, scim: ScimClient
    ) -> None:
        for name in ("one", "two"):
            scim.add_user(name, emails=[{"value": "user0@acme.test"}])
        integration.matching_rules = ["email"]

        take(integration, accounts(0, 1))

        assert owner("0").source == Resource.Source.APP

    def test_own_attribute_says_whose_it_is(
        self, integration: Integration, scim: ScimClient
    ) -> None:
        _with_badge(integration)
        urn = user_schema.urn_of(integration.directory.key)
        user = scim.add_user(MATCHED, **{urn: {"badge": "USER1@acme.test"}})
        integration.matching_rules = ["attribute:badge"]

        take(integration, accounts(0, 3))

        assert owner("1").public_id == user["id"]
