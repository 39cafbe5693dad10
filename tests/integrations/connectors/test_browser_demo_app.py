"""The `browser` connector on the demo app: the same promises, kept by clicks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_network

import pytest

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.base import Connector, Session
from integrations.connectors.registry import connector_for
from integrations.desired import Connection
from tests.integrations.connectors.contract import ConnectorContract
from tests.journeys.chromium import executable
from tests.real_apps.fixtures import OutsideApp

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.mark.browser
class TestBrowserConnectorOnDemoApp(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls) -> Connector:
        executable()
        manifests = shipped_manifests()
        manifest = next(m for m in manifests if m["slug"] == "demo-app-by-clicks")
        return connector_for(manifest, allowed_networks=LOOPBACK)

    @pytest.fixture(scope="class")
    @classmethod
    def connection(cls, demo_app: OutsideApp) -> Connection:
        return Connection(demo_app.base_url, demo_app.username, demo_app.password)

    @pytest.fixture(scope="class")
    @classmethod
    def session(cls, connector: Connector, connection: Connection) -> Iterator[Session]:
        """One for all: a window and a log-in for each test would take most of its time."""
        with closing(connector.open(connection)) as session:
            yield session
