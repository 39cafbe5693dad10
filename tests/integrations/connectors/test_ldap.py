"""The `ldap` connector on a real OpenLDAP, which it knows from a manifest alone."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.base import Connector
from integrations.connectors.registry import connector_for
from integrations.desired import Connection
from tests.integrations.connectors.contract import PAGE_SIZE, ConnectorContract
from tests.real_apps.slapd import BASE, Slapd

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.mark.real_app
class TestLdapConnectorOnOpenLdap(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Connector:
        manifest = next(m for m in shipped_manifests() if m["slug"] == "openldap")
        manifest["ldap"]["page_size"] = PAGE_SIZE
        return connector_for(manifest, allowed_networks=LOOPBACK)

    @pytest.fixture
    def connection(self, slapd: Slapd) -> Connection:
        return Connection(slapd.base_url, slapd.username, slapd.password, BASE)
