"""The `http` connector on a real JupyterHub, from its manifest alone."""

from __future__ import annotations

from contextlib import closing

import pytest

from integrations import services
from integrations.connectors.base import Connector, Misconfigured, Session
from integrations.desired import Connection
from integrations.models import AppAccount, Provisioning
from tests import factories
from tests.conftest import scim_client
from tests.integrations.connectors.contract import (
    PAGE_SIZE,
    ConnectorContract,
    person,
)
from tests.integrations.connectors.manifests import on_loopback, shipped
from tests.real_apps.fixtures import OutsideApp
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import Workspace


@pytest.mark.real_app
class TestHttpConnectorOnJupyterHub(ConnectorContract):
    keeps_display_name = False
    keeps_names = False
    keeps_email = False
    deactivates = False
    key_is_name = True

    @pytest.fixture
    def connector(self) -> Connector:
        return on_loopback(shipped("jupyterhub", page_size=PAGE_SIZE))

    @pytest.fixture
    def connection(self, jupyterhub: OutsideApp) -> Connection:
        return Connection(jupyterhub.base_url, jupyterhub.username, jupyterhub.password)

    def takes_username(self, name: str) -> bool:
        return name != ".." and "/" not in name

    def test_keeps_groups_when_an_account_is_renamed(self, session: Session) -> None:
        made = session.create_account(person())
        group = next(e for e in session.list_entitlements() if e.kind == "group")
        session.grant(made.external_id, group)
        wanted = person()

        session.update_account(made.external_id, wanted)

        found = session.find_account(wanted.username)
        assert found is not None
        assert found.entitlements == {("group", group.external_id)}
        assert session.get_account(made.external_id) is None

    def test_says_that_the_account_is_no_administrator(
        self, connector: Connector, connection: Connection, session: Session
    ) -> None:
        made = session.create_account(person())
        plain = Connection(connection.base_url, made.username, connection.secret)

        with (
            closing(connector.open(plain)) as other,
            pytest.raises(Misconfigured) as failure,
        ):
            other.check()

        assert "lacks the right" in failure.value.message


@pytest.mark.real_app
@pytest.mark.django_db(transaction=True)
def test_follows_an_account_whose_name_is_its_key(
    jupyterhub: OutsideApp, workspace: Workspace
) -> None:
    account = factories.ServiceAccountFactory(
        workspace=workspace,
        app=factories.AppFactory(slug="jupyterhub"),
        username=jupyterhub.username,
        secret=jupyterhub.password,
    )
    integration = factories.IntegrationFactory(
        workspace=workspace, service_account=account, base_url=jupyterhub.base_url
    )
    scim = scim_client(integration.directory)
    services.request_sync(integration, actor=None, now=database_now())
    Worker(threads=1).drain()
    (editors,) = scim.get("/Groups", filter='displayName eq "editors"').resources
    ann = scim.add_user("ann.lee@example.com")
    member = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
    scim.patch(f"/Groups/{editors['id']}", member)
    Worker(threads=1).drain()

    rename = {"op": "replace", "path": "userName", "value": "ann.novak@example.com"}
    scim.patch(f"/Users/{ann['id']}", rename)
    Worker(threads=1).drain()

    (held,) = AppAccount.objects.filter(resource__public_id=ann["id"])
    assert held.external_id == held.username == "ann.novak@example.com"
    assert [each.name for each in held.entitlements.all()] == ["editors"]
    assert Provisioning.objects.get(resource_id_public=ann["id"]).account == held
