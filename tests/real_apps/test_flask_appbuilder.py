"""The `http` connector on a real Flask-AppBuilder, from its manifest alone."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.base import Connector, PermanentFailure, Session
from integrations.connectors.registry import connector_for
from integrations.desired import Connection, Entitlement
from tests.integrations.connectors.contract import (
    PAGE_SIZE,
    ConnectorContract,
    person,
)
from tests.real_apps.fixtures import OutsideApp


@pytest.mark.real_app
class TestHttpConnectorOnFlaskAppBuilder(ConnectorContract):
    keeps_display_name = False
    kind = "role"

    @pytest.fixture
    def connector(self) -> Connector:
        manifests = shipped_manifests()
        manifest = next(m for m in manifests if m["slug"] == "flask-appbuilder")
        manifest["http"]["calls"]["list_accounts"]["paging"]["size"] = PAGE_SIZE
        return connector_for(manifest, allowed_networks=[ip_network("127.0.0.0/8")])

    @pytest.fixture
    def connection(self, flask_appbuilder: OutsideApp) -> Connection:
        app = flask_appbuilder
        return Connection(app.base_url, app.username, app.password)

    def test_puts_an_account_in_a_group_and_takes_it_out(
        self, session: Session
    ) -> None:
        group = next(e for e in session.list_entitlements() if e.kind == "group")
        made = session.create_account(person())

        session.grant(made.external_id, group)
        inside = session.get_account(made.external_id)
        session.revoke(made.external_id, group)
        outside = session.get_account(made.external_id)

        assert inside is not None
        assert inside.entitlements == made.entitlements | {("group", group.external_id)}
        assert outside == made

    def test_gives_a_new_account_the_default_role(self, session: Session) -> None:
        roles = {e.external_id: e.name for e in session.list_entitlements()}

        made = session.create_account(person())

        assert [roles[key] for _, key in made.entitlements] == ["Public"]

    def test_repeats_why_the_app_keeps_the_last_role(self, session: Session) -> None:
        made = session.create_account(person())
        ((kind, key),) = made.entitlements

        with pytest.raises(PermanentFailure) as failure:
            session.revoke(made.external_id, Entitlement(kind, key, "Public"))

        assert "Cannot clear all roles" in failure.value.message
