"""Section J by HTTP: from "who am I?" to a SCIM token and its end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from tokens.models import ScimToken
from workspaces import directory_sync
from workspaces.models import (
    AuditEvent,
    EmailDomain,
    Membership,
    Role,
    User,
    Workspace,
)

TOKENS = "/user/scimTokens"
TWO_YEARS = timedelta(days=730)


def wish(membership: Membership, **changed: Any) -> dict[str, Any]:
    body = {
        "orgMembershipId": membership.pk,
        "name": "Okta",
        "emailDomains": "acme.com , acme.de",
    }
    return body | changed


def pointers(body: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in body["errors"]]


def users_status(workspace: Workspace, value: str) -> int:
    directory = directory_sync.directory_of(workspace)
    return ScimClient(directory, value).get("/Users").status


def test_way_of_an_administrator(
    api: ApiClient, workspace: Workspace, alice: User
) -> None:
    """S0-92, S0-93, S0-95, S0-101: three calls, each with the ids of the one before."""
    me = api.get("/user/users/me").body
    place = api.get(f"/user/org/{me['currentOrg']['id']}/user/{me['id']}").body
    made = api.post(
        TOKENS,
        {"orgMembershipId": place["id"], "name": "Okta", "emailDomains": "acme.com"},
    )

    assert me["id"] == alice.pk
    assert me["currentOrg"] == {"id": workspace.pk, "name": "Acme"}
    assert place["id"] == workspace.memberships.get(user=alice).pk
    assert (made.status, place["role"]) == (201, "owner")
    assert users_status(workspace, made.body["token"]) == 200


class TestMembership:
    def test_s0_93_other_tenants_and_nobody_are_404(
        self, api: ApiClient, workspace: Workspace, other_workspace: Workspace
    ) -> None:
        stranger = other_workspace.memberships.get().user.pk
        for path in (
            f"/user/org/{other_workspace.pk}/user/{stranger}",
            f"/user/org/{workspace.pk}/user/{stranger}",
            f"/user/org/{workspace.pk}/user/{2**70}",
            f"/user/org/{2**70}/user/1",
        ):
            assert api.get(path).status == 404, path


class TestMaking:
    def test_answer_has_value_and_end(
        self, api: ApiClient, membership: Membership
    ) -> None:
        """S0-97, S0-101, S0-103: two years from its making."""
        body = api.post(TOKENS, wish(membership, name="Entra, west")).body

        ends = datetime.fromisoformat(body["tokenExpiry"])
        made = datetime.fromisoformat(body["createdAt"])
        assert body["token"].startswith("kwd_")
        assert body["name"] == "Entra, west"
        assert ends - made == TWO_YEARS

    def test_s0_98_several_domains_with_blanks(
        self, api: ApiClient, membership: Membership, workspace: Workspace
    ) -> None:
        domains = " acme.com ,acme.de,  bücher.example"

        answer = api.post(TOKENS, wish(membership, emailDomains=domains))

        assert answer.status == 201
        listed = EmailDomain.objects.filter(workspace=workspace)
        assert [domain.name for domain in listed] == [
            "acme.com",
            "acme.de",
            "xn--bcher-kva.example",
        ]

    @pytest.mark.parametrize(
        ("domains", "named"),
        [
            ("acme.com, @acme.de", "@acme.de"),
            ("ann@acme.com", "ann@acme.com"),
            ("acme.com,,acme.de", "empty"),
            ("acme.com, ", "empty"),
            ("acme.com, localhost", "localhost"),
            ("acme.com acme.de", "commas"),
        ],
    )
    def test_s0_99_what_is_no_domain_is_refused_by_name(
        self, api: ApiClient, membership: Membership, domains: str, named: str
    ) -> None:
        answer = api.post(TOKENS, wish(membership, emailDomains=domains))

        assert answer.status == 422
        assert pointers(answer.body)[0].startswith("#/emailDomains")
        assert named in answer.body["errors"][0]["detail"]
        assert not ScimToken.objects.exists()

    def test_s0_96_membership_is_required_and_not_the_example(
        self, api: ApiClient, membership: Membership
    ) -> None:
        body = wish(membership)
        del body["orgMembershipId"]
        missing = api.post(TOKENS, body)
        template = api.post(TOKENS, wish(membership, orgMembershipId=0))

        assert pointers(missing.body) == ["#/orgMembershipId"]
        assert "0 is the value of the example" in template.body["errors"][0]["detail"]
        assert {missing.status, template.status} == {422}

    def test_s0_96_membership_is_of_the_callers_organization(
        self, api: ApiClient, other_workspace: Workspace
    ) -> None:
        answer = api.post(TOKENS, wish(other_workspace.memberships.get()))

        assert answer.status == 422
        assert pointers(answer.body) == ["#/orgMembershipId"]
        assert not ScimToken.objects.exists()

    @pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
    def test_s0_96_membership_is_an_administrators(
        self, api: ApiClient, workspace: Workspace, role: Role
    ) -> None:
        answer = api.post(
            TOKENS, wish(factories.MembershipFactory(workspace=workspace, role=role))
        )

        assert answer.status == 409
        assert "is no administrator" in answer.body["detail"]
        assert not ScimToken.objects.exists()

    def test_s0_100_domains_that_are_not_proven_are_warned_of(
        self, api: ApiClient, membership: Membership
    ) -> None:
        """S0-107 too: a token that hangs on a person."""
        warnings = api.post(TOKENS, wish(membership)).body["warnings"]

        assert "The token stops when Alice" in warnings[0]
        assert "Not proven to be yours: acme.com, acme.de." in warnings[1]


class TestAfterwards:
    def test_s0_102_value_is_in_no_other_answer(
        self, api: ApiClient, membership: Membership
    ) -> None:
        sent = {"idempotency_key": "k-1"}
        made = api.post(TOKENS, wish(membership), **sent).body

        replayed = api.post(TOKENS, wish(membership), **sent)
        others = [api.get(TOKENS).body, replayed.body, *AuditEvent.objects.values()]

        assert made["token"] not in str(others)
        assert replayed.status == 409
        assert f"id {made['id']}" in replayed.body["detail"]
        assert ScimToken.objects.count() == 1

    def test_s0_103_it_stops_once_its_end_has_passed(
        self, api: ApiClient, membership: Membership, workspace: Workspace
    ) -> None:
        made = api.post(TOKENS, wish(membership)).body
        token = ScimToken.objects.get(pk=made["id"])
        token.created_at -= TWO_YEARS
        token.expires_at -= TWO_YEARS
        token.save()

        assert users_status(workspace, made["token"]) == 401
        assert api.get(TOKENS).body[0]["state"] == "expired"

    def test_s0_104_several_exist_until_one_is_deleted(
        self, api: ApiClient, membership: Membership, workspace: Workspace
    ) -> None:
        """S0-105: listed without values; deleted, it stops at once."""
        lost = api.post(TOKENS, wish(membership, name="Lost")).body
        new = api.post(TOKENS, wish(membership, name="New")).body
        assert users_status(workspace, lost["token"]) == 200

        deleted = api.delete(f"{TOKENS}/{lost['id']}")

        assert deleted.status == 204
        assert users_status(workspace, lost["token"]) == 401
        assert users_status(workspace, new["token"]) == 200
        assert [row["name"] for row in api.get(TOKENS).body] == ["New"]
        assert api.delete(f"{TOKENS}/{lost['id']}").status == 404

    def test_s0_105_another_tenants_is_neither_listed_nor_deleted(
        self, api: ApiClient, other_api: ApiClient, membership: Membership
    ) -> None:
        made = api.post(TOKENS, wish(membership)).body

        assert other_api.get(TOKENS).body == []
        assert other_api.delete(f"{TOKENS}/{made['id']}").status == 404
        assert ScimToken.objects.get().revoked_at is None

    def test_s0_106_it_stops_when_its_user_is_deactivated(
        self, api: ApiClient, workspace: Workspace
    ) -> None:
        owner = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
        value = api.post(TOKENS, wish(owner)).body["token"]
        assert users_status(workspace, value) == 200

        owner.is_active = False
        owner.save()

        assert users_status(workspace, value) == 401


class TestBySession:
    def test_who_is_signed_in_can_try_it(
        self, alice_client: Client, membership: Membership
    ) -> None:
        """S0-90: what Execute sends."""
        answer = ApiClient("", alice_client).post(TOKENS, wish(membership))

        assert answer.status == 201

    def test_form_of_another_site_changes_nothing(
        self, alice: User, membership: Membership
    ) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)

        answer = ApiClient("", client).post(TOKENS, wish(membership))

        assert answer.status == 403
        assert not ScimToken.objects.exists()

    def test_what_needs_a_confirmation_is_refused(
        self, alice_client: Client, workspace: Workspace, membership: Membership
    ) -> None:
        workspace.confirmed_actions = ["tokens.generate"]
        workspace.save()

        answer = ApiClient("", alice_client).post(TOKENS, wish(membership))

        assert answer.status == 403
        assert "confirm your identity" in answer.body["detail"]

    def test_second_step_is_not_left_out(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        workspace.require_two_steps = True
        workspace.save()

        assert ApiClient("", alice_client).get("/user/users/me").status == 403
