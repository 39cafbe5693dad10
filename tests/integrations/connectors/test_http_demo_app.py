"""The `http` connector on the demo app, which it knows from a manifest alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from ipaddress import ip_network
from uuid import uuid4

import httpx2
import pytest

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.base import (
    Connector,
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    Session,
    TemporaryFailure,
)
from integrations.connectors.registry import connector_for
from integrations.desired import Connection
from tests.integrations.connectors.contract import (
    PAGE_SIZE,
    ConnectorContract,
    person,
)
from tests.integrations.demo_app.browser import Browser
from tests.real_apps.fixtures import OutsideApp

LOOPBACK = [ip_network("127.0.0.0/8")]


class TestHttpConnectorOnDemoApp(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Connector:
        manifest = next(m for m in shipped_manifests() if m["slug"] == "demo-app")
        manifest["http"]["calls"]["list_accounts"]["paging"]["size"] = PAGE_SIZE
        return connector_for(manifest, allowed_networks=LOOPBACK)

    @pytest.fixture
    def connection(self, demo_app: OutsideApp) -> Connection:
        return Connection(demo_app.base_url, demo_app.username, demo_app.password)

    @pytest.fixture
    def fault(self, demo_app: OutsideApp) -> Iterator[Callable[..., None]]:
        """Switch a failure of the app on; they are all off after the test."""
        with httpx2.Client(base_url=demo_app.base_url, trust_env=False) as client:

            def switch(mode: str, **document: object) -> None:
                answer = client.post("/api/faults", json={"mode": mode, **document})
                assert answer.status_code == 204

            yield switch
            switch("none")

    @pytest.mark.parametrize(
        ("mode", "kind"),
        [
            ("error", TemporaryFailure),
            ("drop", TemporaryFailure),
            ("html", TemporaryFailure),
            ("wrong_types", PermanentFailure),
        ],
    )
    def test_survives_an_app_that_fails(
        self,
        session: Session,
        fault: Callable[..., None],
        mode: str,
        kind: type[ConnectorError],
    ) -> None:
        session.check()
        fault(mode)

        with pytest.raises(kind) as failure:
            list(session.list_accounts())

        assert "Traceback" not in failure.value.message
        assert list(session.list_accounts())

    def test_passes_on_how_long_the_app_wants_to_wait(
        self, session: Session, fault: Callable[..., None]
    ) -> None:
        fault("rate", seconds=30)

        with pytest.raises(TemporaryFailure) as failure:
            session.check()

        assert failure.value.retry_after == timedelta(seconds=30)

    def test_waits_for_an_app_that_is_slow(
        self, session: Session, fault: Callable[..., None]
    ) -> None:
        fault("slow", seconds=0.3)

        session.check()

    def test_goes_on_when_its_session_has_ended(
        self, session: Session, fault: Callable[..., None]
    ) -> None:
        session.check()
        fault("log_out")

        assert list(session.list_accounts())

    def test_finds_an_account_whatever_the_case_of_its_name(
        self, session: Session
    ) -> None:
        made = session.create_account(person())

        assert session.find_account(made.username.upper()) == made

    def test_says_in_a_list_too_who_is_in_which_group(self, session: Session) -> None:
        group = next(iter(session.list_entitlements()))
        made = session.create_account(person())
        session.grant(made.external_id, group)

        listed = {each.external_id: each for each in session.list_accounts()}

        pair = (group.kind, group.external_id)
        assert listed[made.external_id].entitlements == {pair}

    def test_tells_a_service_account_without_rights_that_it_lacks_them(
        self, connector: Connector, demo_app: OutsideApp
    ) -> None:
        login = f"{uuid4().hex[:10]}@example.com"
        browser = Browser(demo_app.base_url)
        with closing(browser.client):
            browser.log_in(demo_app.username, demo_app.password)
            browser.submit("/users/new", login=login, password="pass-of-nobody-1")
        connection = Connection(demo_app.base_url, login, "pass-of-nobody-1")

        with (
            closing(connector.open(connection)) as session,
            pytest.raises(Misconfigured, match="lacks the right"),
        ):
            session.check()


def test_reads_pages_as_large_as_the_app_gives(demo_app: OutsideApp) -> None:
    manifest = next(m for m in shipped_manifests() if m["slug"] == "demo-app")
    connector = connector_for(manifest, allowed_networks=LOOPBACK)
    connection = Connection(demo_app.base_url, demo_app.username, demo_app.password)

    with closing(connector.open(connection)) as session:
        made = {session.create_account(person()).external_id for _ in range(105)}
        listed = {account.external_id for account in session.list_accounts()}

    assert made <= listed
