"""The scenario of Redmine, by its API."""

from __future__ import annotations

import pytest

from integrations.models import Integration
from tests import factories
from tests.real_apps.fixtures import OutsideApp
from tests.real_apps.redmine_scenario import (
    RedminePerson,
    people_come_and_go,
    roles_in_projects,
)
from workspaces.models import Workspace

pytestmark = [pytest.mark.real_app, pytest.mark.django_db(transaction=True)]

ANN_AND_BEA = [
    RedminePerson(
        login="ann.lee@example.com",
        first_name="Ann",
        last_name="Lee",
        mail="ann.lee@example.com",
        is_active=True,
        groups=("Viewers",),
        roles=(),
    ),
    RedminePerson(
        login="bea.novak@example.com",
        first_name="Bea",
        last_name="Novak",
        mail="bea.lee@example.com",
        is_active=False,
        groups=(),
        roles=(),
    ),
]


@pytest.fixture
def integration(fresh_redmine: OutsideApp, workspace: Workspace) -> Integration:
    account = factories.ServiceAccountFactory(
        workspace=workspace,
        app=factories.AppFactory(slug="redmine"),
        username=fresh_redmine.username,
        secret=fresh_redmine.password,
    )
    return factories.IntegrationFactory(
        workspace=workspace, service_account=account, base_url=fresh_redmine.base_url
    )


def test_people_come_and_go(integration: Integration) -> None:
    assert people_come_and_go(integration) == ANN_AND_BEA


def test_roles_in_projects_are_given_and_taken_away(integration: Integration) -> None:
    """E0-3: access to a project is granted apart from the account."""

    dora, eve = roles_in_projects(integration)

    assert dora.roles == ("Website: Manager",)
    assert eve.roles == ()
