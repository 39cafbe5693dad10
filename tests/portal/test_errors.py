"""Pages for what went wrong say what, why, the way back and the id."""

from __future__ import annotations

import re

import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory

from integrations.models import Integration
from tests import factories
from tests.factories import PASSWORD
from tests.portal.words import read, text_of
from workspaces.models import AuditEvent, Role, User, Workspace
from workspaces.views.errors import server_error

REQUEST_ID = re.compile(r'id="request-id"\s+value="([0-9a-f-]{36})"')


def test_403_names_the_roles_that_may_and_ones_own(
    workspace: Workspace, bob: User, client: Client
) -> None:
    client.force_login(bob)

    answer = client.get("/integrations/")

    page = text_of(answer)
    assert "Owner , Super Admin and Admin can. Your role in Acme is Member." in page
    found = REQUEST_ID.search(answer.content.decode())
    assert found
    event = AuditEvent.objects.get(action="workspaces.permission.refused")
    assert event.request_id == found[1]


def test_404_has_a_way_back(alice_client: Client) -> None:
    answer = alice_client.get("/nowhere/")

    assert answer.status_code == 404
    assert "There is no such page" in text_of(answer)
    assert REQUEST_ID.search(answer.content.decode())
    assert b'href="/"' in answer.content


@pytest.mark.django_db(databases=[])
def test_500_asks_no_database(rf: RequestFactory) -> None:
    answer = server_error(rf.get("/"))

    assert answer.status_code == 500
    assert "This gateway made an error" in text_of(answer)


def test_database_that_is_away_is_no_fault_of_the_page(alice_client: Client) -> None:
    """F11: the page says that nothing may be saved, and when to try again."""

    def away(*_: object) -> None:
        raise OperationalError

    alice_client.raise_request_exception = False
    with connection.execute_wrapper(away):
        answer = alice_client.get("/integrations/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The database of this gateway did not answer" in text_of(answer)


def test_old_form_leads_back_to_its_page(alice: User, integration: Integration) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    page = f"/integrations/{integration.directory.key}/users/?q=ann"

    answer = client.post(
        f"/integrations/{integration.directory.key}/sync/",
        headers={"referer": f"http://testserver{page}"},
    )

    assert answer.status_code == 403
    assert f'href="{page}"' in answer.content.decode()
    assert "Nothing was changed." in text_of(answer)


@pytest.mark.parametrize(
    "referer",
    ["https://evil.example/x", "http://testserver//evil.example/", "javascript:1", ""],
)
def test_way_back_never_leaves_the_site(client: Client, referer: str, db: None) -> None:
    answer = client.post("/members/invite/", headers={"referer": referer})

    target = answer["Location"]
    assert answer.status_code == 302
    assert target in {
        "/login/?next=/members/invite/",
        "/login/?next=/evil.example/&unsent=1",
    }


def test_ended_session_of_a_form_comes_back_to_the_form(
    client: Client, workspace: Workspace, alice: User
) -> None:
    sent = client.post(
        "/switch-workspace/", headers={"referer": "http://testserver/members/?q=a"}
    )
    login = client.get(sent["Location"])
    signed_in = client.post(
        sent["Location"],
        {
            "username": "alice@acme.test",
            "password": PASSWORD,
            "next": "/members/?q=a",
        },
    )

    assert "Your session ended" in text_of(login)
    assert signed_in["Location"] == "/members/?q=a"


def test_page_that_needs_a_session_is_opened_after_signing_in(
    client: Client, workspace: Workspace
) -> None:
    asked = client.get("/audit/?who=ana")

    assert asked["Location"] == "/login/?next=/audit/%3Fwho%3Dana"
    assert "You go on where you were." in read(client, asked["Location"])


def test_role_without_pages_is_told_so(workspace: Workspace, client: Client) -> None:
    member = factories.MembershipFactory(workspace=workspace, role=Role.MEMBER)
    client.force_login(member.user)

    assert "Nothing to open with your role" in read(client, "/")
