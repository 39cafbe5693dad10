"""The `http` connector on a real Roundup, from its manifest alone."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from integrations.connectors.base import Connector, PermanentFailure, Session
from integrations.desired import Connection, Entitlement
from tests.integrations.connectors.contract import (
    PAGE_SIZE,
    ConnectorContract,
    person,
)
from tests.integrations.connectors.manifests import on_loopback, shipped
from tests.real_apps.fixtures import OutsideApp


@pytest.mark.real_app
class TestHttpConnectorOnRoundup(ConnectorContract):
    keeps_names = False
    deactivates = False
    kind = "admin"

    @pytest.fixture
    def connector(self) -> Connector:
        return on_loopback(shipped("roundup", page_size=PAGE_SIZE))

    @pytest.fixture
    def connection(self, roundup: OutsideApp) -> Connection:
        return Connection(roundup.base_url, roundup.username, roundup.password)

    def takes_username(self, name: str) -> bool:
        return re.fullmatch(r"[A-Za-z0-9@._!+%-]+", name) is not None

    def test_repeats_what_the_app_finds_wrong(self, session: Session) -> None:
        with pytest.raises(PermanentFailure) as failure:
            session.create_account(person("not a name"))

        assert "Username/Login Name must consist only of" in failure.value.message

    def test_roles_are_the_trackers_own(self, session: Session) -> None:
        assert set(session.list_entitlements()) == {
            Entitlement("role", "user", "user"),
            Entitlement("role", "triage", "triage"),
            Entitlement("admin", "admin", "Administrator"),
        }

    def test_two_who_change_one_account_lose_nothing(
        self, connector: Connector, connection: Connection, session: Session
    ) -> None:
        made = session.create_account(person())
        admin = Entitlement("admin", "admin", "Administrator")

        def rename(name: str) -> None:
            with closing(connector.open(connection)) as own:
                own.update_account(
                    made.external_id, person(made.username, display_name=name)
                )

        with ThreadPoolExecutor(2) as both:
            for number in range(5):
                renamed = both.submit(rename, f"Ann {number}")
                granted = both.submit(session.grant, made.external_id, admin)
                renamed.result()
                granted.result()
                found = session.get_account(made.external_id)
                assert found is not None
                assert found.display_name == f"Ann {number}"
                assert ("admin", "admin") in found.entitlements
                session.revoke(made.external_id, admin)
