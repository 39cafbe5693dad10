"""Calls that decide: on members, passwords, held removals, unmatched accounts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from integrations.models import Integration, Provisioning, ServiceAccount
from scim.models import Resource
from tests import factories
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from tests.routes import unmatched_in
from workspaces import secrets
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    Invitation,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)

CANARY = "canary-of-a-new-password"


class TestPassword:
    @pytest.fixture
    def path(self, integration: Integration) -> str:
        account = integration.service_account
        assert account is not None
        return f"/v1/service-accounts/{account.public_id}"

    def test_new_one_is_stored_checked_and_told_to_nobody(
        self, api: ApiClient, path: str
    ) -> None:
        answer = api.call("PUT", f"{path}/password", {"password": CANARY})

        account = ServiceAccount.objects.select_related("workspace").get()
        kept = secrets.decrypt(account.sealed_secret, account.secret_address)
        assert (answer.status, kept) == (200, CANARY)
        assert CANARY not in str(answer.body)
        assert CANARY not in str(list(AuditEvent.objects.values()))
        assert Job.objects.filter(kind="integrations.check_service_account").exists()

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "password"),
            ({"password": ""}, "password"),
            ({"password": CANARY, "origins": ["https://evil.example"]}, "origins"),
            ({"password": CANARY, "origins": "x"}, "origins"),
            ({"password": CANARY, "origins": []}, "origins"),
        ],
        ids=str,
    )
    def test_what_cannot_be_is_refused_by_its_field(
        self, api: ApiClient, path: str, body: dict[str, Any], field: str
    ) -> None:
        answer = api.call("PUT", f"{path}/password", body)

        assert answer.status == 422
        assert answer.body["errors"][0]["pointer"].startswith(f"#/{field}")
        assert CANARY not in str(answer.body)

    def test_check_is_one_job_however_often_it_is_asked_for(
        self, api: ApiClient, path: str
    ) -> None:
        first, second = (api.post(f"{path}/check") for _ in range(2))

        assert (first.status, second.status) == (201, 201)
        assert first.body["id"] == second.body["id"]
        assert api.get(f"/v1/jobs/{first.body['id']}").status == 200

    def test_account_that_nobody_uses_cannot_be_checked(
        self, api: ApiClient, workspace: Workspace
    ) -> None:
        account = factories.ServiceAccountFactory(workspace=workspace)

        answer = api.post(f"/v1/service-accounts/{account.public_id}/check")

        assert answer.status == 409
        assert "No integration uses" in answer.body["detail"]


class TestMembers:
    def test_invitation_is_made_listed_and_revoked(self, api: ApiClient) -> None:
        wish = {"email": "ina@acme.test", "role": "admin"}

        made = api.post("/v1/invitations", wish, Idempotency_Key="one")
        again = api.post("/v1/invitations", wish, Idempotency_Key="one")
        listed = api.get("/v1/invitations").body["data"]
        revoked = api.delete(f"/v1/invitations/{made.body['id']}")

        assert (made.status, revoked.status) == (201, 204)
        assert again.body == made.body == listed[0]
        assert api.get("/v1/invitations").body["data"] == []
        assert Invitation.objects.count() == 1
        assert "digest" not in str(listed)

    def test_member_gets_another_role_and_is_removed(
        self, api: ApiClient, workspace: Workspace
    ) -> None:
        member = factories.MembershipFactory(workspace=workspace)
        one = f"/v1/members/{member.pk}"

        changed = api.patch(one, {"role": "auditor"})
        removed = api.delete(one)

        assert (changed.status, changed.body["role"]) == (200, "auditor")
        assert removed.status == 204
        assert not Membership.objects.filter(pk=member.pk).exists()
        assert list(
            AuditEvent.objects.order_by("-id").values_list("action", flat=True)[:2]
        ) == ["workspaces.member.removed", "workspaces.member.role_changed"]

    def test_role_above_ones_own_is_no_conflict_but_forbidden(
        self, workspace: Workspace
    ) -> None:
        admin = ApiClient(factories.issue_api_token(workspace, Role.ADMIN).plaintext)
        member = factories.MembershipFactory(workspace=workspace)
        wish = {"email": "x@acme.test", "role": "super_admin"}

        answers = [
            admin.patch(f"/v1/members/{member.pk}", {"role": "super_admin"}),
            admin.post("/v1/invitations", wish),
        ]

        assert [answer.status for answer in answers] == [403, 403]
        assert "somebody with a higher role" in answers[0].body["detail"]

    def test_no_token_deals_with_owners(
        self, api: ApiClient, workspace: Workspace, alice: User
    ) -> None:
        owner = workspace.memberships.get(user=alice)
        member = factories.MembershipFactory(workspace=workspace)

        answers = [
            api.patch(f"/v1/members/{member.pk}", {"role": "owner"}),
            api.patch(f"/v1/members/{owner.pk}", {"role": "member"}),
            api.delete(f"/v1/members/{owner.pk}"),
            api.post("/v1/invitations", {"email": "x@acme.test", "role": "owner"}),
        ]

        assert {answer.status for answer in answers} == {403}
        assert "manage_owners" in answers[0].body["detail"]
        assert [m.role for m in workspace.memberships.order_by("id")] == [
            Role.OWNER,
            Role.MEMBER,
        ]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"email": "no", "role": "admin"}, "email"),
            ({"email": "a@acme.test", "role": "king"}, "role"),
            ({"email": "a@acme.test"}, "role"),
        ],
        ids=str,
    )
    def test_invitation_that_cannot_be_says_which_field(
        self, api: ApiClient, body: dict[str, str], field: str
    ) -> None:
        answer = api.post("/v1/invitations", body)

        assert answer.status == 422
        assert answer.body["errors"][0]["pointer"] == f"#/{field}"

    def test_who_is_a_member_is_not_invited(self, api: ApiClient, alice: User) -> None:
        answer = api.post("/v1/invitations", {"email": alice.email, "role": "admin"})

        assert answer.status == 409


class TestRemovals:
    @pytest.fixture
    def path(self, integration: Integration, scim: ScimClient) -> str:
        """Two users whom the IdP deactivated, whose removal is held."""
        for name in ("ann", "bob"):
            user = scim.add_user(f"{name}@acme.test")
            resource = Resource.objects.get(public_id=user["id"])
            account = integration.accounts.create(
                external_id=name,
                username=name,
                resource=resource,
                seen_at=database_now(),
            )
            Provisioning.objects.filter(resource=resource).update(account=account)
            inactive = {"op": "replace", "path": "active", "value": False}
            scim.patch(f"/Users/{user['id']}", inactive)
        Integration.objects.update(removals_held_at=database_now())
        return f"/v1/integrations/{integration.directory.key}/removals"

    def test_chosen_ones_are_approved(self, api: ApiClient, path: str) -> None:
        first, second = api.get(path).body["data"]

        answer = api.post(f"{path}/approve", {"users": [first["id"]]})

        assert (answer.status, answer.body) == (200, {"count": 1})
        assert [row["id"] for row in api.get(path).body["data"]] == [second["id"]]

    def test_all_are_discarded_and_active_again(
        self, api: ApiClient, path: str
    ) -> None:
        answer = api.post(f"{path}/discard", {"all": True})

        assert answer.body == {"count": 2}
        assert api.get(path).body["data"] == []
        users = Resource.objects.filter(resource_type="User")
        assert all(user.active for user in users)

    @pytest.mark.parametrize(
        "body", [{}, {"users": []}, {"all": False}, {"all": True, "users": ["x"]}]
    )
    def test_nobody_is_decided_on_by_accident(
        self, api: ApiClient, path: str, body: dict[str, Any]
    ) -> None:
        assert api.post(f"{path}/approve", body).status == 422
        assert len(api.get(path).body["data"]) == 2


class TestUnmatched:
    @pytest.fixture
    def path(self, integration: Integration) -> str:
        row = unmatched_in(integration)
        key = integration.directory.key
        return f"/v1/integrations/{key}/unmatched/{row.resource_id_public}"

    def test_account_is_matched_to_a_user_without_one(
        self, api: ApiClient, integration: Integration, scim: ScimClient, path: str
    ) -> None:
        user = scim.add_user("zoe@acme.test")

        answer = api.post(f"{path}/match", {"user": user["id"]})

        row = Provisioning.objects.get(resource_id_public=user["id"])
        assert answer.status == 204
        assert row.account is not None
        assert row.account.username == "svc.backup"
        assert api.get(path.rpartition("/")[0]).body["data"] == []
        assert api.post(f"{path}/match", {"user": user["id"]}).status == 404

    def test_user_who_is_none_is_refused(self, api: ApiClient, path: str) -> None:
        unknown = api.post(f"{path}/match", {"user": str(uuid.uuid4())})
        missing = api.post(f"{path}/match", {})

        assert (unknown.status, missing.status) == (422, 422)
        assert "without an account" in unknown.body["errors"][0]["detail"]

    def test_exemption_has_a_reason_and_an_end(self, api: ApiClient, path: str) -> None:
        without = api.call("PUT", f"{path}/exemption", {"reason": " "})
        made = api.call("PUT", f"{path}/exemption", {"reason": "Runs the backup."})
        twice = api.call("PUT", f"{path}/exemption", {"reason": "Runs the backup."})
        ended = [api.delete(f"{path}/exemption").status for _ in range(2)]

        assert (without.status, made.status, twice.status) == (422, 200, 409)
        assert made.body["exemptReason"] == "Runs the backup."
        assert ended == [204, 204]
        listed = api.get(path.rpartition("/")[0]).body["data"]
        assert [row["exemptedAt"] for row in listed] == [None]
