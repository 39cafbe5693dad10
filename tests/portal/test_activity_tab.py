"""The tab **Activity** of an integration: what happened to it, as a table."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from integrations import services
from integrations.models import Integration
from scim import records
from tests import factories
from tests.conftest import ScimClient
from tests.portal.words import query_count, read
from workspaces.clock import database_now
from workspaces.models import Job, Role, User

CAUSE = "The request is not as the SCIM standard or the user schema says."


@pytest.fixture(autouse=True)
def _no_records_of_other_tests() -> None:
    records._waiting.clear()


@pytest.fixture
def neighbour(integration: Integration) -> ScimClient:
    """Another integration of the workspace, as its IdP sees it."""
    other = factories.IntegrationFactory(
        workspace=integration.workspace,
        service_account=integration.service_account,
        name="Zabbix",
    )
    token = factories.issue_token(other.directory).plaintext
    return ScimClient(other.directory, token)


def path(integration: Integration) -> str:
    return f"/integrations/{integration.directory.key}/activity/"


def cells(row: str) -> list[str]:
    """Return the text of each cell of a row."""
    found = re.findall(r"<t[hd] .*?</t[hd]>", row, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in found]


def owner_of(integration: Integration) -> User:
    return integration.workspace.memberships.get(role=Role.OWNER).user


def test_e0_18_is_a_tab_of_the_details(
    alice_client: Client, integration: Integration
) -> None:
    page = alice_client.get(path(integration)).content.decode()

    (current,) = re.findall(r'<a href="([^"]+)" aria-current="page">Activity<', page)
    assert current == path(integration)
    assert "Acme Demo</h1>" in page
    assert ">Settings</a>" in page
    assert "More options for Acme Demo" in page
    assert f"/activity/export/?integration={integration.directory.key}" in page


def test_e0_18_shows_this_integration_alone(
    alice_client: Client,
    integration: Integration,
    scim: ScimClient,
    neighbour: ScimClient,
) -> None:
    scim.add_user("ann@acme.test")
    neighbour.add_user("zoe@acme.test")
    records.flush()

    for query in ("", f"?integration={neighbour.directory.key}"):
        page = read(alice_client, path(integration) + query)
        assert "ann@acme.test" in page
        assert "zoe@acme.test" not in page
    assert "No match" in read(alice_client, path(integration) + "?action=delete")
    assert "zoe@acme.test" in read(alice_client, "/activity/")


def test_e0_18_is_a_table_with_these_columns(
    alice_client: Client, integration: Integration, scim: ScimClient
) -> None:
    ann = scim.add_user("ann@acme.test")
    scim.patch(f"/Users/{ann['id']}", {"op": "replace", "path": "nickName"})
    scim.get("/Users")
    records.flush()
    job = Job.objects.get(subject=ann["id"])
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.NOT_COMPLETED, error="The app answered 422."
    )
    sync = services.request_sync(
        integration, actor=owner_of(integration), now=database_now()
    )

    content = alice_client.get(path(integration)).content.decode()
    table = content[content.index("<table") : content.index("</table>")]

    heads = re.findall(r'scope="col"[^>]*>([^<]+)<', table)
    assert heads == ["Date", "Actor", "Event", "Target"]
    lines = [cells(row) for row in table.split("<tr ")[2:]]
    assert [(who, what, whom) for _, who, what, whom in lines] == [
        (str(sync.actor), "Asked for a sync Queued", "Acme Demo"),
        ("IdP", "Read Users", "Acme Demo"),
        ("IdP", f"Tried: PATCH user Failed 400 {CAUSE}", "Acme Demo"),
        ("Keyway", "Could not provision Failed The app answered 422.", "ann@acme.test"),
        ("IdP", "Created user", "ann@acme.test"),
        ("Keyway", "SCIM integration connected", "Acme Demo"),
    ]
    assert all(re.fullmatch(r"\d+ \w{3} \d{4}, [\d:]{5} UTC", at) for at, *_ in lines)
    assert f'href="/activity/jobs/{sync.public_id}/"' in table
    assert "<form" not in table
    for url in re.findall(r'href="([^"]+)"', table):
        assert alice_client.get(url.replace("&amp;", "&")).status_code == 200


def test_tells_of_its_own_news(
    alice_client: Client,
    integration: Integration,
    scim: ScimClient,
    neighbour: ScimClient,
) -> None:
    scim.add_user("ann@acme.test")
    records.flush()
    page = alice_client.get(path(integration)).content.decode()
    (ask,) = re.findall(r'hx-get="([^"]+since=[^"]+)"', page)
    ask = ask.replace("&amp;", "&")

    neighbour.add_user("zoe@acme.test")
    records.flush()
    assert alice_client.get(ask, headers={"hx-request": "true"}).status_code == 204
    scim.get("/Users")
    records.flush()
    news = alice_client.get(ask, headers={"hx-request": "true"})
    assert "1 new event." in news.content.decode()


def test_costs_the_same_however_much_happened(
    alice_client: Client, integration: Integration, scim: ScimClient
) -> None:
    scim.add_user("ann@acme.test")
    records.flush()
    few = query_count(alice_client, path(integration))
    for number in range(12):
        scim.add_user(f"user{number}@acme.test")
    records.flush()

    assert query_count(alice_client, path(integration)) == few
