"""The `http` connector on a real Redmine, from its manifest alone."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx2
import pytest

from integrations.connectors.base import Connector, PermanentFailure, Session
from integrations.connectors.exchange import Exchange
from integrations.desired import Connection, Entitlement
from tests.integrations.connectors.contract import (
    PAGE_SIZE,
    ConnectorContract,
    person,
)
from tests.integrations.connectors.manifests import on_loopback, shipped
from tests.real_apps.fixtures import OutsideApp


@pytest.mark.real_app
class TestHttpConnectorOnRedmine(ConnectorContract):
    keeps_display_name = False

    @pytest.fixture
    def connector(self) -> Connector:
        return on_loopback(shipped("redmine", page_size=PAGE_SIZE))

    @pytest.fixture
    def connection(self, redmine: OutsideApp) -> Connection:
        return Connection(redmine.base_url, redmine.username, redmine.password)

    def takes_username(self, name: str) -> bool:
        return re.fullmatch(r"[A-Za-z0-9_.@-]+", name) is not None

    def test_gives_several_roles_in_a_project_and_takes_them_away(
        self, session: Session
    ) -> None:
        made = session.create_account(person())
        developer = named(session, "Website: Developer")
        manager = named(session, "Website: Manager")
        held = []

        for change, entitlement in [
            (session.grant, developer),
            (session.grant, developer),
            (session.grant, manager),
            (session.revoke, developer),
            (session.revoke, developer),
            (session.revoke, manager),
            (session.revoke, manager),
        ]:
            change(made.external_id, entitlement)
            account = session.get_account(made.external_id)
            assert account is not None
            held.append({key for _, key in account.entitlements})

        one, other = developer.external_id, manager.external_id
        assert held == [{one}, {one}, {one, other}, {other}, {other}, set(), set()]

    def test_reads_and_changes_who_is_an_administrator(self, session: Session) -> None:
        made = session.create_account(person())
        admin = named(session, "Administrator")

        session.grant(made.external_id, admin)
        promoted = session.get_account(made.external_id)
        session.revoke(made.external_id, admin)
        demoted = session.get_account(made.external_id)

        assert promoted is not None
        assert promoted.entitlements == {("admin", "admin")}
        assert demoted == made

    def test_lists_what_each_account_holds(self, session: Session) -> None:
        made = session.create_account(person())
        editors = named(session, "Editors")
        session.grant(made.external_id, editors)

        listed = {each.external_id: each for each in session.list_accounts()}
        found = session.find_account(made.username.upper())

        assert listed[made.external_id].entitlements == {("group", editors.external_id)}
        assert found == listed[made.external_id]

    def test_repeats_what_the_app_finds_wrong(self, session: Session) -> None:
        with pytest.raises(PermanentFailure) as failure:
            session.create_account(person(email="no address"))

        assert "Email is invalid" in failure.value.message

    def test_logs_in_with_an_api_key(
        self, connector: Connector, connection: Connection, session: Session
    ) -> None:
        made = session.create_account(person())
        me = httpx2.get(
            f"{connection.base_url}/users/current.json",
            auth=(connection.username, connection.secret),
        )
        api_key = me.json()["user"]["api_key"]
        heard: list[Exchange] = []
        with_key = replace(
            connection, username="", secret=api_key, login_workflow="access_token"
        )

        other = connector.open(with_key, observe=heard.append)
        other.log_in()
        other.check()
        found = other.get_account(made.external_id)
        with pytest.raises(PermanentFailure):
            other.create_account(person(email=api_key))
        other.close()

        assert found == made
        assert api_key not in repr(heard)


def named(session: Session, name: str) -> Entitlement:
    return next(each for each in session.list_entitlements() if each.name == name)
