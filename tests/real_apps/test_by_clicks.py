"""The `browser` connector on real apps, from their manifests alone."""

from __future__ import annotations

from contextlib import closing
from ipaddress import ip_network

import pytest

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.registry import connector_for
from integrations.desired import Connection
from integrations.models import AppCall
from tests import factories
from tests.integrations.connectors.contract import person
from tests.journeys.chromium import executable
from tests.real_apps.fixtures import OutsideApp
from tests.real_apps.life import lead_a_life
from tests.real_apps.redmine_scenario import people_come_and_go
from tests.real_apps.test_redmine_scenario import ANN_AND_BEA
from workspaces.models import Workspace

pytestmark = [pytest.mark.real_app, pytest.mark.browser]


@pytest.fixture(autouse=True)
def chromium_is_there() -> None:
    executable()


def test_wagtail_takes_an_account_from_creation_to_its_end(wagtail: OutsideApp) -> None:
    manifest = next(m for m in shipped_manifests() if m["slug"] == "wagtail")
    connector = connector_for(manifest, allowed_networks=[ip_network("127.0.0.0/8")])
    connection = Connection(wagtail.base_url, wagtail.username, wagtail.password)

    with closing(connector.open(connection)) as session:
        lead_a_life(session, person(display_name=""), "Editors")


@pytest.mark.django_db(transaction=True)
def test_clicks_leave_in_redmine_what_its_api_leaves(
    fresh_redmine: OutsideApp, workspace: Workspace
) -> None:
    """The scenario of `test_redmine_scenario`, which goes by the API."""
    account = factories.ServiceAccountFactory(
        workspace=workspace,
        app=factories.AppFactory(slug="redmine-by-clicks"),
        username=fresh_redmine.username,
        secret=fresh_redmine.password,
    )
    integration = factories.IntegrationFactory(
        workspace=workspace, service_account=account, base_url=fresh_redmine.base_url
    )

    assert people_come_and_go(integration) == ANN_AND_BEA
    assert not AppCall.objects.exclude(error="").exists()
