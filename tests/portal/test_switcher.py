"""From one workspace to another."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories
from tests.portal.words import query_count, read, text_of
from workspaces.models import Membership, Role, User, Workspace


@pytest.fixture
def second(alice: User, other_workspace: Workspace) -> Membership:
    return factories.MembershipFactory(
        workspace=other_workspace, user=alice, role=Role.ADMIN
    )


def test_one_workspace_needs_no_menu(alice_client: Client) -> None:
    assert b"switch-workspace" not in alice_client.get("/members/").content


def test_menu_lists_all_of_the_person_and_no_other(
    alice_client: Client, second: Membership
) -> None:
    factories.WorkspaceFactory(name="Foreign")

    page = read(alice_client, "/members/")

    assert "Acme Switch workspace" in page
    assert "Other" in page
    assert "Foreign" not in page


def test_switch_stays_until_the_next(
    alice_client: Client, second: Membership, integration: object
) -> None:
    answer = alice_client.post(
        "/switch-workspace/", {"workspace": "other"}, follow=True
    )

    assert answer.redirect_chain[0] == ("/", 302)
    assert "Charlie" in read(alice_client, "/members/")
    assert "Acme Demo" not in text_of(alice_client.get("/integrations/"))


def test_workspace_of_others_is_not_found(
    alice_client: Client, other_workspace: Workspace
) -> None:
    answer = alice_client.post("/switch-workspace/", {"workspace": "other"})

    assert answer.status_code == 404
    assert "Charlie" not in read(alice_client, "/members/")


def test_workspaces_cost_no_query_of_their_own(
    alice_client: Client, alice: User, second: Membership
) -> None:
    few = query_count(alice_client, "/members/")
    for _ in range(5):
        factories.MembershipFactory(user=alice)

    assert query_count(alice_client, "/members/") == few


@pytest.mark.parametrize(
    ("role", "first"),
    [(Role.ADMIN, "/dashboard/"), (Role.AUDITOR, "/members/"), (Role.MEMBER, None)],
)
def test_home_is_the_first_page_that_the_role_opens(
    workspace: Workspace, role: Role, first: str | None
) -> None:
    membership = factories.MembershipFactory(workspace=workspace, role=role)
    client = Client()
    client.force_login(membership.user)

    answer = client.get("/")

    if first:
        assert answer["Location"] == first
    else:
        assert "You are Member here." in text_of(answer)
