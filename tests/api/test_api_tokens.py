"""API tokens: made, shown once, refused, revoked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from tests import factories
from tests.api.conftest import ApiClient
from tokens import api_tokens
from tokens.audit import Action
from tokens.models import ApiToken
from workspaces import members
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Membership, Role, User, Workspace
from workspaces.permissions import Permission

PAGE = "/administration/api-tokens/"
WISH = {"name": "nightly", "scopes": ["view_members"], "lifetime": "30"}


def made(client: Client) -> str:
    answer = client.post(f"{PAGE}new/", WISH)
    found = re.search(r"kwa_[0-9A-Za-z]{61}", answer.content.decode())
    assert found, answer.status_code
    return found.group()


class TestPages:
    def test_value_is_shown_once_and_stored_nowhere(self, alice_client: Client) -> None:
        value = made(alice_client)

        token = ApiToken.objects.get()
        kept = str([*ApiToken.objects.values(), *AuditEvent.objects.values()])
        assert value not in kept
        assert value not in alice_client.get(PAGE).content.decode()
        assert token.hint in alice_client.get(PAGE).content.decode()
        assert token.scopes == ["view_members"]
        assert AuditEvent.objects.filter(action=Action.API_GENERATED).count() == 1

    def test_bad_choices_are_explained(self, alice_client: Client) -> None:
        answer = alice_client.post(f"{PAGE}new/", {"scopes": ["manage_owners"]})

        assert answer.status_code == 422
        assert b"Choose from the scopes that are listed." in answer.content
        assert not ApiToken.objects.exists()

    def test_revoked_token_is_refused_at_once_and_written_down(
        self, alice_client: Client
    ) -> None:
        client = ApiClient(made(alice_client))
        token = ApiToken.objects.get()
        assert client.get("/user/users/me").status == 200

        alice_client.post(f"{PAGE}{token.key}/revoke/")

        for _ in range(2):
            assert client.get("/user/users/me").status == 401
        refused = AuditEvent.objects.filter(action=Action.API_REFUSED)
        assert [event.data for event in refused] == [{"reason": "Revoked"}]

    def test_list_takes_as_many_queries_for_many_as_for_one(
        self, alice_client: Client, workspace: Workspace, django_assert_num_queries
    ) -> None:
        for _ in range(5):
            factories.issue_api_token(workspace)
        alice_client.get(PAGE)

        with django_assert_num_queries(9):
            alice_client.get(PAGE)

    def test_confirmation_is_asked_for_where_owners_want_it(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        workspace.confirmed_actions = ["tokens.generate_api"]
        workspace.save()

        answer = alice_client.post(f"{PAGE}new/", WISH)

        assert answer.status_code == 403
        assert not ApiToken.objects.exists()


class TestWhatATokenMay:
    def test_nothing_beyond_its_scopes(self, workspace: Workspace) -> None:
        scopes = [Permission.VIEW_AUDIT]
        token = factories.issue_api_token(workspace, scopes=scopes).plaintext

        answer = ApiClient(token).get("/user/scimTokens")

        assert answer.status == 403
        assert "manage_directory_sync" in answer.body["detail"]

    def test_nothing_beyond_the_role_of_now(
        self, api: ApiClient, membership: Membership
    ) -> None:
        membership.role = Role.MEMBER
        membership.save()

        assert api.get("/user/scimTokens").status == 403

    def test_no_scope_that_the_role_lacks_can_be_chosen(
        self, workspace: Workspace
    ) -> None:
        auditor = factories.MembershipFactory(workspace=workspace, role=Role.AUDITOR)

        with pytest.raises(api_tokens.ScopeRefused):
            api_tokens.issue(
                auditor,
                name="x",
                scopes=["manage_tokens"],
                lifetime=timedelta(days=1),
                now=database_now(),
            )

    def test_it_ends_with_the_membership(
        self, workspace: Workspace, alice: User
    ) -> None:
        token = factories.issue_api_token(workspace, Role.ADMIN)
        owner = token.token.membership
        client = ApiClient(token.plaintext)
        assert client.get("/user/users/me").status == 200

        members.remove(owner, by=workspace.memberships.get(user=alice))

        assert client.get("/user/users/me").status == 401
        assert AuditEvent.objects.filter(action=Action.API_OWNER_ENDED).exists()

    def test_it_expires(self, workspace: Workspace) -> None:
        token = factories.issue_api_token(workspace)
        ApiToken.objects.update(expires_at=database_now())

        assert ApiClient(token.plaintext).get("/user/users/me").status == 401

    def test_it_opens_no_directory_and_no_page(
        self, api: ApiClient, integration
    ) -> None:
        sent = {"authorization": f"Bearer {api.token}"}

        scim = Client().get(f"{integration.directory.path}/Users", headers=sent)
        page = Client().get("/integrations/", headers=sent)

        assert (scim.status_code, page.status_code) == (401, 302)


@pytest.mark.parametrize(
    "header", ["", "Bearer x", "Bearer", "Basic eDp5", "Bearer \udc80"]
)
def test_without_a_right_token_the_answer_is_a_problem(
    db: None, header: str, workspace: Workspace
) -> None:
    sent = {"authorization": header} if header else {}

    answer = ApiClient("").get("/user/users/me", **sent)

    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer.body["title"] == "Unauthorized"


def test_tokens_are_listed_and_revoked_by_api_but_not_made(
    api: ApiClient, workspace: Workspace
) -> None:
    """S0-102: no list has a value. A script ends a token that leaked, itself too."""
    other = factories.issue_api_token(workspace)
    rows = api.get("/v1/api-tokens").body["data"]
    own = next(row["id"] for row in rows if row["id"] != other.token.key)

    ended = [api.delete(f"/v1/api-tokens/{other.token.key}").status for _ in range(2)]
    live = api.get("/v1/api-tokens?live=true").body["data"]

    assert other.plaintext not in str(rows)
    assert ended == [204, 409]
    assert [row["id"] for row in live] == [own]
    assert api.post("/v1/api-tokens", {"name": "x"}).status == 405
    assert api.delete(f"/v1/api-tokens/{own}").status == 204
    assert api.get("/v1/api-tokens").status == 401
