"""The tab **Activity** of an integration: its part of the timeline, in its frame."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from integrations.models import Integration
from scim import records
from tests import factories
from tests.conftest import ScimClient
from tests.portal.words import query_count, read


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
