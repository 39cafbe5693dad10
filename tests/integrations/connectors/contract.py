"""What every connector promises, as one test class to inherit from.

A subclass gives the fixtures `connector` and `connection` of an app that runs,
with pages small enough that a handful of accounts fills more than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from uuid import uuid4

import httpx2
import pytest

from integrations.connectors.base import (
    Connector,
    Misconfigured,
    PermanentFailure,
    Session,
    TemporaryFailure,
)
from integrations.desired import Connection, DesiredAccount, Entitlement
from tests.real_apps.servers import free_port

PAGE_SIZE = 3

ODD_NAMES = [
    "ann,o'x+1@example.com",
    "../../admin?x=1#",
    "..",
    "%2e%2e%2fadmin",
    "a&b=c;d",
    '"quoted"!(\\)',
    "Žofie Þórsdóttir",
    "日本語😀",
    "*",
    "{id}",
]


def person(username: str = "", **changes: object) -> DesiredAccount:
    """Return an account that no other test has."""
    unique = uuid4().hex[:12]
    account = DesiredAccount(
        username=username or f"ann-{unique}@example.com",
        external_ref=unique,
        email=f"{unique}@example.com",
        given_name="Ann",
        family_name="Example",
        display_name="Ann Example",
    )
    return replace(account, **changes)  # type: ignore[arg-type]


class ConnectorContract:
    """Inherit, name the class `Test...`, and give the two fixtures."""

    keeps_display_name = True
    keeps_names = True
    """Whether given and family name are attributes of their own."""

    keeps_email = True
    deactivates = True
    secret_word = "password"
    key_is_name = False
    """Whether an account that is renamed gets another key."""
    kind = "group"

    @pytest.fixture
    def connector(self) -> Connector:
        raise NotImplementedError

    @pytest.fixture
    def connection(self) -> Connection:
        raise NotImplementedError

    @pytest.fixture
    def session(
        self, connector: Connector, connection: Connection
    ) -> Iterator[Session]:
        session = connector.open(connection)
        yield session
        session.close()

    @pytest.fixture
    def entitlement(self, session: Session) -> Entitlement:
        kinds = [each for each in session.list_entitlements() if each.kind == self.kind]
        return kinds[-1]

    def test_accepts_a_service_account_with_rights(self, session: Session) -> None:
        session.check()

    def test_creates_an_account_and_says_how_it_is(self, session: Session) -> None:
        wanted = person()

        made = session.create_account(wanted)

        assert made.external_id
        assert made.username == wanted.username
        assert made.email == (wanted.email if self.keeps_email else "")
        if self.keeps_names:
            assert (made.given_name, made.family_name) == ("Ann", "Example")
        assert made.display_name == ("Ann Example" if self.keeps_display_name else "")
        assert made.active

    def test_creates_an_inactive_account_inactive_or_not_at_all(
        self, session: Session
    ) -> None:
        wanted = person(active=False)

        if self.deactivates:
            assert not session.create_account(wanted).active
            return
        with pytest.raises(PermanentFailure):
            session.create_account(wanted)
        assert session.find_account(wanted.username) is None

    def test_gets_what_it_created(self, session: Session) -> None:
        made = session.create_account(person())

        assert session.get_account(made.external_id) == made

    def test_finds_an_account_by_its_exact_name(self, session: Session) -> None:
        made = session.create_account(person())

        assert session.find_account(made.username) == made
        assert session.find_account(made.username[:-1]) is None
        assert session.find_account(f"{uuid4().hex}@example.com") is None

    def takes_username(self, name: str) -> bool:
        """Return whether the app allows such a user name; it refuses the others."""
        return bool(name)

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_carries_odd_names_unharmed(self, session: Session, name: str) -> None:
        if not self.takes_username(name):
            with pytest.raises(PermanentFailure):
                session.create_account(person(name))
            if self.keeps_names:
                made = session.create_account(person(given_name=name, family_name=name))
                assert (made.given_name, made.family_name) == (name,) * 2
            return
        if left_over := session.find_account(name):
            session.delete_account(left_over.external_id)

        made = session.create_account(person(name, given_name=name, family_name=name))

        assert made.username == name
        if self.keeps_names:
            assert (made.given_name, made.family_name) == (name,) * 2
        assert session.find_account(name) == made
        session.delete_account(made.external_id)
        assert session.find_account(name) is None

    def test_refuses_a_name_that_is_taken(self, session: Session) -> None:
        first = session.create_account(person())

        with pytest.raises(PermanentFailure) as failure:
            session.create_account(person(first.username))

        assert "already" in failure.value.message

    def test_updates_attributes_and_renames(self, session: Session) -> None:
        made = session.create_account(person())
        wanted = person(given_name="Bea", family_name="Changed")

        session.update_account(made.external_id, wanted)

        found = session.find_account(wanted.username)
        if not self.key_is_name:
            assert found == session.get_account(made.external_id)
        assert found is not None
        if self.keeps_names:
            assert (found.given_name, found.family_name) == ("Bea", "Changed")
        assert found.username == wanted.username
        assert found.email == (wanted.email if self.keeps_email else "")
        assert session.find_account(made.username) is None

    def test_keeps_activity_and_entitlements_in_an_update(
        self, session: Session, entitlement: Entitlement
    ) -> None:
        made = session.create_account(person())
        session.grant(made.external_id, entitlement)
        if self.deactivates:
            session.deactivate_account(made.external_id)

        wanted = person()
        session.update_account(made.external_id, wanted)

        found = session.find_account(wanted.username)
        assert found is not None
        assert found.active is not self.deactivates
        assert (entitlement.kind, entitlement.external_id) in found.entitlements

    def test_deactivates_and_reactivates_twice_or_says_that_it_cannot(
        self, session: Session
    ) -> None:
        made = session.create_account(person())
        if not self.deactivates:
            with pytest.raises(PermanentFailure):
                session.deactivate_account(made.external_id)
            assert session.get_account(made.external_id) == made
            return

        for _ in range(2):
            session.deactivate_account(made.external_id)
        off = session.get_account(made.external_id)
        for _ in range(2):
            session.reactivate_account(made.external_id)
        on = session.get_account(made.external_id)

        assert off is not None
        assert not off.active
        assert on is not None
        assert on.active

    def test_lists_inactive_accounts_too(self, session: Session) -> None:
        made = session.create_account(person())
        if self.deactivates:
            session.deactivate_account(made.external_id)

        listed = {each.external_id: each for each in session.list_accounts()}

        assert listed[made.external_id].active is not self.deactivates

    def test_deletes_twice(self, session: Session) -> None:
        made = session.create_account(person())

        session.delete_account(made.external_id)
        session.delete_account(made.external_id)

        assert session.get_account(made.external_id) is None
        assert session.find_account(made.username) is None

    def test_says_that_an_account_to_change_is_gone(self, session: Session) -> None:
        made = session.create_account(person())
        session.delete_account(made.external_id)

        with pytest.raises(PermanentFailure) as failure:
            session.update_account(made.external_id, person())
        with pytest.raises(PermanentFailure):
            session.deactivate_account(made.external_id)

        assert "no such account" in failure.value.message

    def test_lists_every_account_over_many_pages(self, session: Session) -> None:
        made = {
            session.create_account(person()).external_id
            for _ in range(2 * PAGE_SIZE + 1)
        }

        listed = [each.external_id for each in session.list_accounts()]

        assert made <= set(listed)
        assert len(listed) == len(set(listed))

    def test_lists_entitlements_with_names(self, session: Session) -> None:
        listed = list(session.list_entitlements())

        assert listed
        assert all(each.name and each.external_id for each in listed)

    def test_grants_and_revokes_twice(
        self, session: Session, entitlement: Entitlement
    ) -> None:
        made = session.create_account(person())
        pair = (entitlement.kind, entitlement.external_id)

        for _ in range(2):
            session.grant(made.external_id, entitlement)
        granted = session.get_account(made.external_id)
        for _ in range(2):
            session.revoke(made.external_id, entitlement)
        revoked = session.get_account(made.external_id)

        assert granted is not None
        assert granted.entitlements == made.entitlements | {pair}
        assert revoked is not None
        assert revoked.entitlements == made.entitlements

    def test_revokes_from_an_account_that_is_gone(
        self, session: Session, entitlement: Entitlement
    ) -> None:
        made = session.create_account(person())
        session.delete_account(made.external_id)

        session.revoke(made.external_id, entitlement)

    def test_calls_a_wrong_password_misconfigured(
        self, connector: Connector, connection: Connection
    ) -> None:
        wrong = replace(connection, secret="not-the-password-9")
        with (
            closing(connector.open(wrong)) as session,
            pytest.raises(Misconfigured) as failure,
        ):
            session.check()

        assert self.secret_word in failure.value.message
        assert "not-the-password-9" not in failure.value.message

    def test_calls_an_app_that_is_down_a_temporary_failure(
        self, connector: Connector, connection: Connection
    ) -> None:
        url = httpx2.URL(connection.base_url).copy_with(port=free_port())
        nowhere = replace(connection, base_url=str(url).rstrip("/"))
        with (
            closing(connector.open(nowhere)) as session,
            pytest.raises(TemporaryFailure),
        ):
            session.check()

    def test_can_be_closed_twice(self, session: Session) -> None:
        session.close()
        session.close()
