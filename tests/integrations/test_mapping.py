"""From a SCIM user to the account that the app should hold, and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.desired import DesiredAccount, ObservedAccount
from integrations.provisioning.mapping import (
    desired_account,
    primary_value,
    user_document,
)
from scim.models import Resource
from scim.protocol import documents
from scim.protocol.schema import service_provider
from scim.protocol.user_schema import urn_of
from tests.conftest import ScimClient
from workspaces.models import Directory

EXTENSION = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def desired(scim: ScimClient, **attributes: Any) -> DesiredAccount:
    user = scim.add_user("ann@acme.test", **attributes)
    return desired_account(Resource.objects.get(public_id=user["id"]))


class TestDesiredAccount:
    def test_has_what_apps_know(self, scim: ScimClient) -> None:
        account = desired(
            scim,
            name={"givenName": "Ann", "familyName": "Lee"},
            displayName="A. Lee",
            emails=[{"value": "ann@acme.test", "primary": True}],
        )

        assert account.username == "ann@acme.test"
        assert (account.given_name, account.family_name) == ("Ann", "Lee")
        assert account.display_name == "A. Lee"
        assert account.email == "ann@acme.test"
        assert account.active
        assert account.external_ref == Resource.objects.get().public_id

    def test_of_a_bare_user_is_empty_but_for_the_name(self, scim: ScimClient) -> None:
        account = desired(scim)

        assert account == DesiredAccount("ann@acme.test", account.external_ref)

    @pytest.mark.parametrize(
        ("attributes", "shown"),
        [
            ({"displayName": "Shown", "name": {"formatted": "Formatted"}}, "Shown"),
            ({"name": {"formatted": "Formatted", "givenName": "A"}}, "Formatted"),
            ({"name": {"givenName": "Ann", "familyName": "Lee"}}, "Ann Lee"),
            ({"name": {"familyName": "Lee"}}, "Lee"),
            ({}, ""),
        ],
        ids=["displayName", "formatted", "parts", "one part", "nothing"],
    )
    def test_display_name_is_the_best_there_is(
        self, scim: ScimClient, attributes: dict[str, Any], shown: str
    ) -> None:
        assert desired(scim, **attributes).display_name == shown

    def test_follows_active(self, scim: ScimClient) -> None:
        assert not desired(scim, active=False).active

    def test_carries_attributes_of_the_own_schema_by_name(
        self, directory: Directory, scim: ScimClient
    ) -> None:
        directory.user_schema = {
            "attributes": [{"name": "costCode"}, {"name": "level", "type": "integer"}]
        }
        directory.save()

        account = desired(
            scim,
            **{
                urn_of(directory.key): {"costCode": "C7", "level": 3},
                EXTENSION: {"department": "R&D"},
            },
        )

        assert account.attributes == {"costCode": "C7", "level": 3}

    def test_holds_no_password(self, scim: ScimClient) -> None:
        assert "canary" not in repr(desired(scim, password="canary-password"))


class TestPrimaryValue:
    @pytest.mark.parametrize(
        ("values", "chosen"),
        [
            ([{"value": "a"}, {"value": "b", "primary": True}], "b"),
            ([{"value": "a"}, {"value": "b"}], "a"),
            ([{"value": "a", "primary": False}], "a"),
            ([{"type": "work"}], ""),
            ([], ""),
            (None, ""),
            ("a", ""),
            ([{"value": 7}], ""),
            (["a"], ""),
        ],
        ids=str,
    )
    def test_is_the_primary_or_else_the_first(self, values: Any, chosen: str) -> None:
        assert primary_value(values) == chosen


class TestUserDocument:
    def test_leaves_out_what_the_app_does_not_say(self) -> None:
        document = user_document(ObservedAccount("7", "ann", active=False))

        assert document == {"userName": "ann", "active": False}

    def test_says_what_the_app_says(self) -> None:
        document = user_document(
            ObservedAccount("7", "ann", "ann@acme.test", "Ann", "Lee", "A. Lee")
        )

        assert document == {
            "userName": "ann",
            "active": True,
            "displayName": "A. Lee",
            "name": {"givenName": "Ann", "familyName": "Lee"},
            "emails": [{"value": "ann@acme.test", "primary": True}],
        }

    @given(
        text=st.tuples(*[st.text(st.characters(codec="utf-8"), max_size=20)] * 4),
        active=st.booleans(),
    )
    def test_is_a_user_that_scim_accepts(
        self, text: tuple[str, str, str, str], active: bool
    ) -> None:
        email, given_name, family_name, display_name = text
        account = ObservedAccount(
            "7", "ann", email, given_name, family_name, display_name, active
        )

        document = documents.validate_new(
            service_provider().resource_types["User"], user_document(account)
        )

        assert document["userName"] == "ann"
        assert document["active"] is active
