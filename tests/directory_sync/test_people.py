"""SCIM users of the workspace's own directory, and its members."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client

from scim.models import Change, Resource
from tests import factories
from tests.conftest import ScimClient
from tests.directory_sync.conftest import member
from tokens.models import ScimToken
from tokens.state import TokenState
from workspaces import audit, break_glass, directory_sync, domains, members
from workspaces.clock import database_now
from workspaces.directory_sync import Rules
from workspaces.errors import MemberError
from workspaces.management.commands.worker import Worker
from workspaces.models import (
    AuditEvent,
    Directory,
    DirectorySync,
    EmailDomain,
    Job,
    Membership,
    Role,
    User,
    Workspace,
)

ANN = "ann@acme.test"
PASSWORD = factories.PASSWORD


def activity(*, on: bool) -> dict[str, object]:
    return {"op": "replace", "path": "active", "value": on}


def rules(sync: DirectorySync, alice: User, **given: object) -> None:
    values = {
        "default_role": Role.MEMBER,
        "adopts": False,
        "allows_unproven": False,
        "owned_tokens": DirectorySync.OwnedTokens.STOP,
    }
    directory_sync.change_rules(
        sync, Rules(**(values | given)), by=alice.memberships.get()
    )  # type: ignore[arg-type]


def nothing_was_written() -> bool:
    return not Resource.objects.exists() and not Change.objects.exists()


def owned_token(directory: Directory, owner: Membership) -> ScimClient:
    """Return a client with a token of an administrator's own."""
    owner.role = Role.ADMIN
    owner.save()
    issued = factories.issue_token(directory, owner=owner)
    return ScimClient(directory, issued.plaintext)


class TestCreated:
    def test_user_becomes_a_member_of_the_lowest_role(self, idp: ScimClient) -> None:
        """S0-86: created, with the name and the address of the IdP."""
        idp.add_user(ANN, displayName="Ann Lee")

        ann = member(ANN)
        assert (ann.role, ann.is_active, ann.user.name) == (
            Role.MEMBER,
            True,
            "Ann Lee",
        )
        assert ann.user.provisioned_by == ann.workspace
        assert not ann.user.has_usable_password()
        assert AuditEvent.objects.filter(action=audit.Sync.PROVISIONED).count() == 1

    @pytest.mark.parametrize(
        ("body", "email"),
        [
            ({"userName": "ann", "emails": [{"value": ANN}]}, ANN),
            (
                {
                    "userName": "x@acme.test",
                    "emails": [
                        {"value": "second@acme.test"},
                        {"value": ANN, "primary": True},
                    ],
                },
                ANN,
            ),
            ({"userName": "Ann@Acme.TEST"}, ANN),
        ],
    )
    def test_address_is_the_primary_one_or_the_user_name(
        self, idp: ScimClient, body: dict[str, object], email: str
    ) -> None:
        assert idp.post("/Users", body).status == 201

        assert member(email).is_active

    def test_role_of_new_members_is_a_setting(
        self, idp: ScimClient, sync: DirectorySync, alice: User
    ) -> None:
        rules(sync, alice, default_role=Role.AUDITOR)

        idp.add_user(ANN)

        assert member(ANN).role == Role.AUDITOR

    def test_user_without_an_address_is_refused(self, idp: ScimClient) -> None:
        answer = idp.post("/Users", {"userName": "ann"})

        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
        assert "no email address" in answer.body["detail"]
        assert nothing_was_written()

    def test_directory_that_is_not_turned_on_refuses(
        self, workspace: Workspace
    ) -> None:
        directory = workspace.directories.get(kind=Directory.Kind.DIRECTORY_SYNC)
        token = factories.issue_token(directory).plaintext

        answer = ScimClient(directory, token).post("/Users", {"userName": ANN})

        assert answer.status == 403
        assert "Directory Sync is not on" in answer.body["detail"]
        assert nothing_was_written()


class TestDomains:
    def test_user_of_another_domain_is_refused_by_its_name(
        self, idp: ScimClient
    ) -> None:
        """S0-117: the message names the domain, and nothing of the write stays."""
        answer = idp.post("/Users", {"userName": "eve@elsewhere.test"})

        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
        assert "elsewhere.test is not listed" in answer.body["detail"]
        assert nothing_was_written()
        event = AuditEvent.objects.get(action=audit.Sync.REFUSED)
        assert event.data["reason"] == "DomainNotListed"

    def test_subdomain_is_another_domain(self, idp: ScimClient) -> None:
        answer = idp.post("/Users", {"userName": "ann@sub.acme.test"})

        assert "sub.acme.test is not listed" in answer.body["detail"]

    def test_unproven_domain_provisions_only_if_allowed(
        self, idp: ScimClient, sync: DirectorySync, alice: User
    ) -> None:
        """S0-117."""
        EmailDomain.objects.update(proven_at=None)

        refused = idp.post("/Users", {"userName": ANN})
        rules(sync, alice, allows_unproven=True)
        taken = idp.post("/Users", {"userName": ANN})

        assert refused.status == 400
        assert "acme.test is not proven yet" in refused.body["detail"]
        assert taken.status == 201

    def test_operations_of_a_bulk_request_are_refused_one_by_one(
        self, idp: ScimClient
    ) -> None:
        operations = [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": name,
                "data": {"userName": name},
            }
            for name in ("eve@elsewhere.test", ANN)
        ]

        answer = idp.post("/Bulk", {"Operations": operations})

        assert [o["status"] for o in answer.body["Operations"]] == ["400", "201"]
        assert AuditEvent.objects.filter(action=audit.Sync.REFUSED).count() == 1


class TestAdoption:
    @pytest.fixture
    def ann(self, workspace: Workspace) -> Membership:
        made: Membership = factories.MembershipFactory(
            workspace=workspace, user__email=ANN, user__name="Ann", role=Role.ADMIN
        )
        return made

    def test_member_is_not_taken_over_by_an_equal_address(
        self, idp: ScimClient, ann: Membership
    ) -> None:
        answer = idp.post("/Users", {"userName": ANN})

        assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")
        assert "has an account with this email address" in answer.body["detail"]
        assert nothing_was_written()
        ann.refresh_from_db()
        assert ann.resource_id is None

    def test_person_of_another_workspace_is_not_taken_over(
        self, idp: ScimClient, other_workspace: Workspace
    ) -> None:
        factories.MembershipFactory(workspace=other_workspace, user__email=ANN)

        assert idp.post("/Users", {"userName": ANN}).status == 409
        assert Membership.objects.filter(user__email_key=ANN).count() == 1

    def test_policy_allows_it_in_a_proven_domain(
        self, idp: ScimClient, sync: DirectorySync, alice: User, ann: Membership
    ) -> None:
        rules(sync, alice, adopts=True)

        made = idp.add_user(ANN, displayName="Somebody Else")

        ann.refresh_from_db()
        assert (ann.resource_id, ann.role) == (made["id"], Role.ADMIN)
        assert ann.user.name == "Ann"
        assert AuditEvent.objects.filter(action=audit.Sync.ADOPTED).exists()

    def test_policy_does_not_reach_an_unproven_domain(
        self, idp: ScimClient, sync: DirectorySync, alice: User, ann: Membership
    ) -> None:
        rules(sync, alice, adopts=True, allows_unproven=True)
        EmailDomain.objects.update(proven_at=None)

        assert idp.post("/Users", {"userName": ANN}).status == 409

    def test_two_users_of_the_idp_are_not_one_member(self, idp: ScimClient) -> None:
        idp.add_user(ANN)

        answer = idp.post("/Users", {"userName": "b", "emails": [{"value": ANN}]})

        assert answer.status == 409
        assert "Another user of this directory" in answer.body["detail"]

    def test_address_of_an_adopted_person_stays_theirs(
        self, idp: ScimClient, sync: DirectorySync, alice: User, ann: Membership
    ) -> None:
        rules(sync, alice, adopts=True)
        made = idp.add_user(ANN)

        answer = idp.patch(
            f"/Users/{made['id']}",
            {"op": "replace", "path": "userName", "value": "evil@acme.test"},
        )

        assert answer.status == 403
        assert idp.get(f"/Users/{made['id']}").body["userName"] == ANN
        ann.user.refresh_from_db()
        assert ann.user.email == ANN


class TestUpdated:
    def test_name_and_address_follow_the_idp(self, idp: ScimClient) -> None:
        """S0-86: updated."""
        made = idp.add_user(ANN, displayName="Ann")
        body = {"userName": "ann.lee@acme.test", "displayName": "Ann Lee"}

        assert idp.put(f"/Users/{made['id']}", body).status == 200

        lee = member("ann.lee@acme.test")
        assert (lee.user.name, lee.user.email) == ("Ann Lee", "ann.lee@acme.test")
        assert User.objects.filter(provisioned_by=lee.workspace).count() == 1

    def test_address_of_somebody_else_is_refused(
        self, idp: ScimClient, alice: User
    ) -> None:
        made = idp.add_user(ANN)

        answer = idp.patch(
            f"/Users/{made['id']}",
            {"op": "replace", "path": "userName", "value": alice.email},
        )

        assert answer.status == 409
        assert member(ANN).user.email == ANN

    def test_person_with_a_second_workspace_keeps_the_address(
        self, idp: ScimClient, other_workspace: Workspace
    ) -> None:
        made = idp.add_user(ANN)
        factories.MembershipFactory(workspace=other_workspace, user=member(ANN).user)

        answer = idp.patch(
            f"/Users/{made['id']}",
            {"op": "replace", "path": "userName", "value": "x@acme.test"},
        )

        assert answer.status == 403


class TestDeactivated:
    @pytest.fixture
    def ann(self, idp: ScimClient) -> Membership:
        made = idp.add_user(ANN)
        ann = member(ANN)
        ann.user.set_password(PASSWORD)
        ann.user.save()
        Membership.objects.filter(pk=ann.pk).update(role=Role.ADMIN)
        assert ann.resource_id == made["id"]
        return member(ANN)

    def test_session_ends_with_the_next_request(
        self, idp: ScimClient, ann: Membership
    ) -> None:
        client = Client()
        client.force_login(ann.user)
        assert client.get("/integrations/").status_code == 200

        idp.patch(f"/Users/{ann.resource_id}", activity(on=False))

        assert client.get("/integrations/")["Location"].startswith("/login/")
        assert "_auth_user_id" not in client.session
        again = client.post("/login/", {"username": ANN, "password": PASSWORD})
        assert again.status_code == 422
        assert "This account is deactivated." in again.content.decode()

    def test_session_with_another_workspace_lives_on_there(
        self, idp: ScimClient, ann: Membership, other_workspace: Workspace
    ) -> None:
        factories.MembershipFactory(
            workspace=other_workspace, user=ann.user, role=Role.AUDITOR
        )
        client = Client()
        client.force_login(ann.user)

        idp.patch(f"/Users/{ann.resource_id}", activity(on=False))

        page = client.get("/members/")
        assert page.status_code == 200
        assert b"charlie@other.test" in page.content
        assert b"alice@acme.test" not in page.content

    def test_tokens_of_theirs_stop_with_the_next_request(
        self, idp: ScimClient, own: Directory, ann: Membership
    ) -> None:
        theirs = owned_token(own, ann)
        assert theirs.get("/Users").status == 200

        idp.patch(f"/Users/{ann.resource_id}", activity(on=False))

        assert theirs.get("/Users").status == 401
        token = ScimToken.objects.latest("id")
        now = database_now()
        assert token.state(now) == TokenState.OWNER_INACTIVE
        assert token not in ScimToken.objects.live(now)

    @pytest.mark.parametrize("way", ["patch", "create"])
    def test_reactivation_does_not_bring_the_former_role_back(
        self, idp: ScimClient, ann: Membership, way: str
    ) -> None:
        idp.patch(f"/Users/{ann.resource_id}", activity(on=False))

        if way == "patch":
            idp.patch(f"/Users/{ann.resource_id}", activity(on=True))
        else:
            idp.add_user(ANN)

        again = member(ANN)
        assert (again.is_active, again.role) == (True, Role.MEMBER)
        assert again.pk == ann.pk

    def test_domain_that_was_taken_off_lets_out_and_not_in(
        self, idp: ScimClient, ann: Membership, alice: User
    ) -> None:
        domains.delete(EmailDomain.objects.get(), actor=alice)

        out = idp.patch(f"/Users/{ann.resource_id}", activity(on=False))
        back = idp.patch(f"/Users/{ann.resource_id}", activity(on=True))

        assert (out.status, back.status) == (200, 400)
        assert not member(ANN).is_active

    def test_deleted_user_is_no_member(self, idp: ScimClient, ann: Membership) -> None:
        assert idp.delete(f"/Users/{ann.resource_id}").status == 204

        assert not Membership.objects.filter(pk=ann.pk).exists()
        assert AuditEvent.objects.filter(action=audit.Sync.DEPROVISIONED).exists()

    def test_who_comes_back_after_a_deletion_starts_anew(
        self, idp: ScimClient, ann: Membership
    ) -> None:
        idp.delete(f"/Users/{ann.resource_id}")

        idp.add_user(ANN)

        again = member(ANN)
        assert again.user == ann.user
        assert again.role == Role.MEMBER
        assert not again.user.has_usable_password()

    def test_tokens_of_a_deleted_owner_stop(
        self, idp: ScimClient, own: Directory, ann: Membership
    ) -> None:
        """S0-106: and do not become the workspace's."""
        theirs = owned_token(own, ann)
        assert theirs.get("/Users").status == 200

        assert idp.delete(f"/Users/{ann.resource_id}").status == 204

        assert not Membership.objects.filter(pk=ann.pk).exists()
        assert theirs.get("/Users").status == 401

    def test_people_cannot_end_what_the_idp_would_bring_back(
        self, ann: Membership, membership: Membership
    ) -> None:
        with pytest.raises(MemberError, match="Your IdP provisions this member"):
            members.remove(ann, by=membership)


class TestOwnerGuard:
    @pytest.fixture
    def owner(
        self,
        idp: ScimClient,
        sync: DirectorySync,
        alice: User,
        membership: Membership,
    ) -> Membership:
        """Alice, the last Owner, taken over by the IdP."""
        rules(sync, alice, adopts=True)
        idp.add_user(alice.email)
        membership.refresh_from_db()
        assert membership.resource_id
        return membership

    @pytest.mark.parametrize("way", ["patch", "put", "delete"])
    def test_last_owner_cannot_be_shut_out(
        self, idp: ScimClient, owner: Membership, way: str
    ) -> None:
        path = f"/Users/{owner.resource_id}"
        version = idp.get(path).body["meta"]["version"]

        answer = {
            "patch": lambda: idp.patch(path, activity(on=False)),
            "put": lambda: idp.put(
                path, {"userName": owner.user.email, "active": False}
            ),
            "delete": lambda: idp.delete(path),
        }[way]()

        assert answer.status == 403
        assert answer.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert "the last Owner of the workspace" in answer.body["detail"]
        owner.refresh_from_db()
        assert (owner.is_active, owner.role) == (True, Role.OWNER)
        assert idp.get(path).body["meta"]["version"] == version

    def test_refusal_is_recorded_and_told_to_administrators_once_a_day(
        self, idp: ScimClient, owner: Membership
    ) -> None:
        for _ in range(3):
            idp.patch(f"/Users/{owner.resource_id}", activity(on=False))
            Worker(threads=1).drain()

        told = [m for m in mail.outbox if "kept Alice" in m.subject]
        assert len(told) == 1
        assert told[0].recipients() == ["alice@acme.test"]
        assert "last Owner" in told[0].body
        events = AuditEvent.objects.filter(action=audit.Sync.REFUSED)
        assert events.count() == 3
        assert events[0].target_label == "Alice"

    def test_owner_beside_another_can_be_deactivated(
        self, idp: ScimClient, owner: Membership, workspace: Workspace
    ) -> None:
        factories.MembershipFactory(workspace=workspace, role=Role.OWNER)

        assert (
            idp.patch(f"/Users/{owner.resource_id}", activity(on=False)).status == 200
        )

    def test_deactivated_owner_does_not_count_as_another(
        self, idp: ScimClient, owner: Membership, workspace: Workspace
    ) -> None:
        factories.MembershipFactory(
            workspace=workspace, role=Role.OWNER, is_active=False
        )

        assert (
            idp.patch(f"/Users/{owner.resource_id}", activity(on=False)).status == 403
        )

    def test_break_glass_account_is_kept(
        self, idp: ScimClient, membership: Membership
    ) -> None:
        made = idp.add_user(ANN)
        break_glass.mark(member(ANN), on=True, by=membership)

        answers = [
            idp.patch(f"/Users/{made['id']}", activity(on=False)),
            idp.delete(f"/Users/{made['id']}"),
            idp.patch(
                f"/Users/{made['id']}",
                {"op": "replace", "path": "userName", "value": "x@acme.test"},
            ),
        ]

        assert [a.status for a in answers] == [403, 403, 403]
        assert "break-glass account" in answers[0].body["detail"]
        assert member(ANN).is_active

    def test_only_an_owner_marks_break_glass_accounts(
        self, workspace: Workspace, membership: Membership
    ) -> None:
        admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)

        with pytest.raises(MemberError):
            break_glass.mark(admin, on=True, by=admin)

        assert not Job.objects.exists()
