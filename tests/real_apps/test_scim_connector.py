"""The `scim` connector on scim2-server, and on one that can do less."""

from __future__ import annotations

from contextlib import closing
from ipaddress import ip_network
from typing import Any

import pytest

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.base import Connector, Session
from integrations.connectors.exchange import Exchange
from integrations.connectors.registry import connector_for
from integrations.connectors.scim.connector import ScimSession
from integrations.desired import Connection, Entitlement
from tests.integrations.connectors.contract import (
    PAGE_SIZE,
    ConnectorContract,
    person,
)
from tests.real_apps.scim import plain_scim2_server, scim2_server

__all__ = ["plain_scim2_server", "scim2_server"]

pytestmark = pytest.mark.real_app


def scim_connector(**settings: Any) -> Connector:
    manifest = next(m for m in shipped_manifests() if m["slug"] == "scim-app")
    manifest["scim"] |= settings
    return connector_for(manifest, allowed_networks=[ip_network("127.0.0.0/8")])


class _OnScim2Server(ConnectorContract):
    secret_word = "access token"

    @pytest.fixture
    def connector(self) -> Connector:
        return scim_connector(page_size=PAGE_SIZE)

    @pytest.fixture
    def entitlement(self, session: ScimSession) -> Entitlement:
        """A group that a test may fill. The server begins without any."""
        found = next(iter(session.list_entitlements()), None)
        if found is not None:
            return found
        group = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Editors",
        }
        session._conversation.ask("POST", "/Groups", body=group)
        return next(iter(session.list_entitlements()))

    def test_lists_entitlements_with_names(
        self, session: Session, entitlement: Entitlement
    ) -> None:
        assert entitlement in list(session.list_entitlements())
        assert entitlement.name == "Editors"


class TestScimConnectorOnScim2Server(_OnScim2Server):
    @pytest.fixture
    def connection(self, scim2_server: Connection) -> Connection:
        return scim2_server

    def test_finds_where_the_app_has_an_attribute_of_that_name(
        self, connector: Connector, connection: Connection
    ) -> None:
        heard: list[Exchange] = []
        session = connector.open(connection, observe=heard.append)
        with closing(session):
            session.create_account(
                person(attributes={"costCenter": "4711", "nickName": "Annie"})
            )

        (created,) = [each for each in heard if each.method == "POST"]
        enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        assert f'"{enterprise}": {{"costCenter": "4711"}}' in created.request_body
        assert '"nickName": "Annie"' in created.request_body
        assert connection.secret not in str(heard)

    def test_changes_only_what_differs(
        self, connector: Connector, connection: Connection
    ) -> None:
        heard: list[Exchange] = []
        session = connector.open(connection, observe=heard.append)
        wanted = person()
        with closing(session):
            made = session.create_account(wanted)
            heard.clear()
            session.update_account(made.external_id, wanted)

        assert {each.method for each in heard} <= {"GET"}

    def test_has_nothing_to_tell_of_an_app_that_can_all(
        self, session: ScimSession
    ) -> None:
        assert session.limits() == []


class TestScimConnectorOnAnAppThatCanLess(_OnScim2Server):
    @pytest.fixture
    def connection(self, plain_scim2_server: Connection) -> Connection:
        return plain_scim2_server

    def test_tells_what_the_app_cannot_and_what_is_done_instead(
        self, session: ScimSession
    ) -> None:
        assert session.limits() == [
            "The app cannot PATCH: Keyway reads and replaces whole resources.",
            "The app cannot filter: Keyway reads the whole list to find a user.",
        ]

    def test_neither_patches_nor_filters(
        self, connector: Connector, connection: Connection
    ) -> None:
        heard: list[Exchange] = []
        session = connector.open(connection, observe=heard.append)
        with closing(session):
            made = session.create_account(person())
            session.update_account(made.external_id, person())
            session.find_account(made.username)

        assert "PATCH" not in {each.method for each in heard}
        assert "PUT" in {each.method for each in heard}
        assert not any("filter=" in each.path for each in heard)
