"""The `sql` connector on a real PostgreSQL: the contract."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.base import Connector
from integrations.connectors.registry import connector_for
from integrations.desired import Connection
from tests.integrations.connectors.contract import PAGE_SIZE, ConnectorContract
from tests.real_apps.role_database import GRANTABLE, RoleDatabase


@pytest.mark.real_app
class TestSqlConnectorOnPostgresql(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Connector:
        manifest = next(m for m in shipped_manifests() if m["slug"] == "postgresql")
        manifest["sql"]["page_size"] = PAGE_SIZE
        return connector_for(manifest, allowed_networks=[ip_network("127.0.0.0/8")])

    @pytest.fixture
    def connection(self, role_database: RoleDatabase) -> Connection:
        app = role_database
        return Connection(app.base_url, app.username, app.password, GRANTABLE)
