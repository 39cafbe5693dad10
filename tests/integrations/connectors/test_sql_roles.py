"""What the `sql` connector does with real roles, and how it fails."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from ipaddress import ip_address, ip_network
from uuid import uuid4

import psycopg
import pytest

from integrations.catalog.loader import shipped_manifests
from integrations.connectors import addresses, client, failures
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    Session,
    TemporaryFailure,
)
from integrations.connectors.exchange import Exchange, Observe, unobserved
from integrations.connectors.registry import connector_for
from integrations.connectors.sql import answers
from integrations.connectors.sql.client import NOT_POSTGRESQL, SqlClient
from integrations.desired import Connection, Entitlement
from tests.fakes.raw_server import serving
from tests.integrations.connectors.contract import person
from tests.real_apps.role_database import GRANTABLE, RoleDatabase
from tests.tls import NAME

real = pytest.mark.real_app
LOOPBACK = [ip_network("127.0.0.0/8")]


@contextmanager
def session_with(
    app: RoleDatabase,
    *,
    base_url: str = "",
    username: str = "",
    secret: str = "",
    observe: Observe = unobserved,
    **section: str,
) -> Iterator[Session]:
    """Open a session; `section` is said besides in the manifest's `sql`."""
    shipped = next(m for m in shipped_manifests() if m["slug"] == "postgresql")
    manifest = {**shipped, "sql": {**shipped["sql"], **section}}
    connection = Connection(
        base_url or app.base_url,
        username or app.username,
        secret or app.password,
        GRANTABLE,
    )
    connector = connector_for(manifest, allowed_networks=LOOPBACK)
    with closing(connector.open(connection, observe=observe)) as session:
        yield session


@pytest.fixture
def session(role_database: RoleDatabase) -> Iterator[Session]:
    with session_with(role_database) as session:
        yield session


@pytest.fixture
def owner(role_database: RoleDatabase) -> Iterator[psycopg.Connection]:
    with role_database.as_owner() as owner:
        yield owner


def role(owner: psycopg.Connection, name: str) -> tuple[bool, str]:
    """Return whether it can log in, and its comment."""
    query = "SELECT rolcanlogin, shobj_description(oid, 'pg_authid') FROM pg_roles"
    rows = owner.execute(f"{query} WHERE rolname = %s", [name]).fetchall()
    ((can_log_in, comment),) = rows
    return can_log_in, comment or ""


def message_of(act: Callable[[], object], kind: type[ConnectorError]) -> str:
    with pytest.raises(kind) as failure:
        act()
    return failure.value.message


@real
class TestRoles:
    def test_server_learns_a_verifier_and_no_password(
        self, session: Session, owner: psycopg.Connection
    ) -> None:
        made = session.create_account(person())

        query = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
        ((stored,),) = owner.execute(query, [made.username]).fetchall()
        assert stored.startswith("SCRAM-SHA-256$4096:")

    def test_comment_holds_the_reference_and_the_names(
        self, session: Session, owner: psycopg.Connection
    ) -> None:
        wanted = person()
        session.create_account(wanted)

        noted = json.loads(role(owner, wanted.username)[1])["keyway"]
        assert noted["external_ref"] == wanted.external_ref
        assert noted["family_name"] == "Example"

    def test_password_ends_when_the_idp_says(self, role_database: RoleDatabase) -> None:
        wanted = person(attributes={"until": "2030-02-01T01:00:00+01:00"})
        with session_with(role_database, valid_until="until") as session:
            made = session.create_account(wanted)
            assert made.attributes == {"until": "2030-02-01T00:00:00Z"}

            later = replace(wanted, attributes={"until": "2031-02-01T00:00:00Z"})
            session.update_account(made.external_id, later)
            session.update_account(made.external_id, replace(wanted, attributes={}))
            found = session.get_account(made.external_id)
            assert found is not None
            assert found.attributes == {"until": "2031-02-01T00:00:00Z"}

            session.update_account(
                made.external_id, replace(wanted, attributes={"until": ""})
            )
            found = session.find_account(wanted.username)
            assert found is not None
            assert found.attributes == {}

    @pytest.mark.parametrize("bad", ["soon", "2030-02-01T00:00:00", 7])
    def test_end_that_is_no_time_is_refused(
        self, role_database: RoleDatabase, bad: str | int
    ) -> None:
        wanted = person(attributes={"until": bad})
        with session_with(role_database, valid_until="until") as session:
            said = message_of(lambda: session.create_account(wanted), PermanentFailure)
            assert session.find_account(wanted.username) is None

        assert said == answers.NO_TIME

    def test_comment_of_somebody_else_is_kept(
        self, session: Session, owner: psycopg.Connection
    ) -> None:
        name = f"before-us-{uuid4().hex[:8]}"
        owner.execute(f'CREATE ROLE "{name}" LOGIN')
        owner.execute(f"COMMENT ON ROLE \"{name}\" IS 'Ticket 7'")
        found = session.find_account(name)
        assert found is not None

        session.deactivate_account(found.external_id)
        session.update_account(found.external_id, person(name))

        can_log_in, comment = role(owner, name)
        assert not can_log_in
        assert json.loads(comment)["comment"] == "Ticket 7"
        again = session.find_account(name)
        assert again is not None
        assert (again.given_name, again.active) == ("Ann", False)

    def test_open_sessions_end_with_the_account(
        self, session: Session, owner: psycopg.Connection, role_database: RoleDatabase
    ) -> None:
        made = session.create_account(person())
        owner.execute(f"ALTER ROLE \"{made.username}\" PASSWORD 'pass-of-ann-1'")
        theirs = psycopg.connect(
            role_database.base_url, user=made.username, password="pass-of-ann-1"
        )

        session.deactivate_account(made.external_id)

        with closing(theirs), pytest.raises(psycopg.OperationalError):
            theirs.execute("SELECT 1")

    def test_deactivation_goes_on_where_sessions_may_not_be_ended(
        self, owner: psycopg.Connection, role_database: RoleDatabase
    ) -> None:
        told: list[Exchange] = []
        owner.execute("REVOKE pg_signal_backend FROM svc_keyway")
        try:
            with session_with(role_database, observe=told.append) as session:
                made = session.create_account(person())
                owner.execute(f"ALTER ROLE \"{made.username}\" PASSWORD 'pass-of-b-1'")
                theirs = psycopg.connect(
                    role_database.base_url, user=made.username, password="pass-of-b-1"
                )
                with closing(theirs):
                    session.deactivate_account(made.external_id)
                    theirs.execute("SELECT 1")
        finally:
            owner.execute("GRANT pg_signal_backend TO svc_keyway")

        assert role(owner, made.username)[0] is False
        assert "pg_signal_backend" in told[-1].answer_body
        assert not told[-1].error

    def test_role_that_owns_something_stays_and_is_deactivated(
        self, session: Session, owner: psycopg.Connection
    ) -> None:
        made = session.create_account(person())
        owner.execute(
            f'CREATE SCHEMA "{made.username}" AUTHORIZATION "{made.username}"'
        )

        message = message_of(
            lambda: session.delete_account(made.external_id), PermanentFailure
        )

        assert message == answers.STILL_OWNS
        assert role(owner, made.username)[0] is False
        owner.execute(f'DROP SCHEMA "{made.username}"')
        session.delete_account(made.external_id)
        assert session.get_account(made.external_id) is None

    def test_only_named_groups_are_seen(self, session: Session) -> None:
        """SCI-32: a superuser, a maker of roles and what is not named stay away."""
        names = [each.name for each in session.list_entitlements()]

        assert names == ["readers", "app_writers"]

    @pytest.mark.parametrize("name", ["app_root", "app_maker", "payroll", "postgres"])
    def test_sci_32_group_outside_the_list_is_never_granted(
        self, session: Session, owner: psycopg.Connection, name: str
    ) -> None:
        query = "SELECT oid::text FROM pg_roles WHERE rolname = %s"
        ((oid,),) = owner.execute(query, [name]).fetchall()
        made = session.create_account(person())

        with pytest.raises(PermanentFailure, match="no such account or entitlement"):
            session.grant(made.external_id, Entitlement("group", oid, "readers"))

        session.delete_account(made.external_id)

    def test_superusers_and_roles_of_the_system_are_never_touched(
        self, session: Session, owner: psycopg.Connection
    ) -> None:
        listed = {each.username for each in session.list_accounts()}
        assert not listed & {"postgres", "svc_keyway", "pg_monitor"}
        query = "SELECT oid::text FROM pg_roles WHERE rolname = 'postgres'"
        ((oid,),) = owner.execute(query).fetchall()

        assert session.find_account("postgres") is None
        session.delete_account(oid)
        with pytest.raises(PermanentFailure, match="no such account"):
            session.deactivate_account(oid)
        with pytest.raises(PermanentFailure, match="already"):
            session.create_account(person("postgres"))

        assert role(owner, "postgres")[0]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("x" * 64, answers.TOO_LONG),
            ("日" * 22, answers.TOO_LONG),
            ("pg_ann", answers.RESERVED),
            ("a\x00b", client.UNSENDABLE),
            ("a\ud800", client.UNSENDABLE),
            ("", client.UNSENDABLE),
        ],
    )
    def test_name_that_is_no_role_is_refused(
        self, session: Session, name: str, expected: str
    ) -> None:
        wanted = person("for now")
        wanted = type(wanted)(username=name, external_ref="x")

        act = lambda: session.create_account(wanted)  # noqa: E731
        assert message_of(act, PermanentFailure) == expected

    def test_con_09_a_name_is_never_part_of_a_statement(
        self, session: Session, owner: psycopg.Connection
    ) -> None:
        """CON-09: quotes, statements and placeholders stay text."""
        for hostile in (
            'x" SUPERUSER; --',
            "x'; DROP ROLE readers; --",
            "%s %(oid)s {role} $1",
            "\\",
        ):
            made = session.create_account(person(hostile, given_name=hostile))
            session.grant(made.external_id, next(session.list_entitlements()))
            assert made.username == made.given_name == hostile
            session.delete_account(made.external_id)
            assert session.find_account(hostile) is None

        assert role(owner, "readers") == (False, "")

    def test_key_that_is_none_belongs_to_nobody(self, session: Session) -> None:
        for key in ("0", "", "x", "4294967296", "99999999999999999999", "²"):
            assert session.get_account(key) is None

    def test_every_statement_is_told_without_secrets(
        self, role_database: RoleDatabase
    ) -> None:
        told: list[Exchange] = []
        with session_with(role_database, observe=told.append) as session:
            made = session.create_account(person())

        created = next(e for e in told if e.path.startswith("CREATE ROLE"))
        assert created.path == "CREATE ROLE {role} LOGIN PASSWORD {password}"
        assert json.loads(created.request_body) == {
            "role": made.username,
            "password": "[hidden]",
        }
        assert told[0].is_login
        assert {each.method for each in told} == {"SQL"}
        everything = "".join(f"{e.path}{e.request_body}{e.answer_body}" for e in told)
        assert "SCRAM" not in everything
        assert role_database.password not in everything


@real
class TestFailures:
    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"secret": "wrong"}, failures.REFUSED),
            ({"username": "nobody"}, failures.REFUSED),
            ({"username": "plain"}, failures.FORBIDDEN),
            ({"username": "postgres", "secret": "pass-of-owner-1"}, answers.SUPERUSER),
        ],
    )
    def test_service_account_that_is_wrong_is_named(
        self, role_database: RoleDatabase, changes: dict[str, str], expected: str
    ) -> None:
        with session_with(role_database, **changes) as session:
            assert message_of(session.check, Misconfigured) == expected

    def test_database_that_is_not_there_is_named(
        self, role_database: RoleDatabase
    ) -> None:
        other = role_database.base_url.replace("/postgres", "/nowhere")
        with session_with(role_database, base_url=other) as session:
            session.reach()
            assert message_of(session.log_in, Misconfigured) == answers.NO_DATABASE

    def test_role_that_may_only_connect_lacks_the_right(
        self, role_database: RoleDatabase
    ) -> None:
        with session_with(role_database, username="plain") as session:
            act = lambda: session.create_account(person())  # noqa: E731
            assert message_of(act, Misconfigured) == failures.FORBIDDEN

    def test_f18_statement_that_waits_ends_in_time(
        self, role_database: RoleDatabase, owner: psycopg.Connection
    ) -> None:
        connection = Connection(
            role_database.base_url, role_database.username, role_database.password
        )
        sql = SqlClient(connection, allowed_networks=LOOPBACK, total_seconds=0.5)
        with closing(sql), owner.transaction():
            sql.connect()
            owner.execute("LOCK TABLE pg_authid IN ACCESS EXCLUSIVE MODE")
            act = lambda: sql.run("SELECT count(*) FROM pg_roles")  # noqa: E731
            with pytest.raises(TemporaryFailure):
                act()

    def test_connection_that_was_cut_is_made_anew(
        self, role_database: RoleDatabase, owner: psycopg.Connection
    ) -> None:
        with session_with(role_database) as session:
            session.check()
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = 'svc_keyway'"
            )
            with pytest.raises(TemporaryFailure):
                session.check()
            session.check()


@real
class TestTls:
    def client(self, app: RoleDatabase, base_url: str, *, trust: bool) -> SqlClient:
        return SqlClient(
            Connection(base_url, app.username, app.password),
            always_tls=True,
            allowed_networks=LOOPBACK,
            authorities=app.certificate if trust else None,
            resolver=lambda _host, _seconds: [ip_address("127.0.0.1")],
        )

    def test_certificate_is_verified_by_name(self, role_database: RoleDatabase) -> None:
        app = role_database
        with closing(self.client(app, app.tls_url, trust=True)) as sql:
            query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            assert sql.run(query) == [(True,)]

    @pytest.mark.parametrize(
        ("name", "trust"), [(NAME, False), ("other.example.com", True)]
    )
    def test_certificate_that_is_not_right_is_refused(
        self, role_database: RoleDatabase, name: str, trust: bool
    ) -> None:
        url = role_database.tls_url.replace(NAME, name)
        with closing(self.client(role_database, url, trust=trust)) as sql:
            assert message_of(sql.connect, Misconfigured) == client.UNTRUSTED


def client_of(port: int, **options: object) -> SqlClient:
    connection = Connection(f"postgres://127.0.0.1:{port}/db", "svc", "s3cret-word")
    options = {"allowed_networks": LOOPBACK, **options}
    return SqlClient(connection, **options)  # type: ignore[arg-type]


def test_server_without_tls_is_refused_where_tls_is_a_must() -> None:
    heard: list[bytes] = []
    is_over = threading.Event()

    def refuse(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(b"N")
        heard.append(connection.recv(4096))
        is_over.set()

    with serving(refuse) as port, closing(client_of(port, always_tls=True)) as sql:
        assert message_of(sql.connect, Misconfigured) == answers.NO_TLS

    assert is_over.wait(5)
    assert heard == [bytes.fromhex("0000000804d2162f"), b""]


def test_password_is_never_sent_in_the_clear() -> None:
    """A server that asks for the password itself does not get it."""
    heard: list[bytes] = []
    is_over = threading.Event()

    def ask(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(b"N")
        heard.append(connection.recv(4096))
        connection.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x03")
        heard.append(connection.recv(4096))
        is_over.set()

    with serving(ask) as port, closing(client_of(port)) as sql:
        assert message_of(sql.connect, Misconfigured) == answers.NOT_LET_IN

    assert is_over.wait(5)
    assert b"s3cret-word" not in b"".join(heard)


def test_f18_server_that_keeps_silent_ends_in_time() -> None:
    """F18: nothing comes, and a byte now and then wins no time."""

    def say_nothing(connection: socket.socket) -> None:
        connection.recv(4096)
        time.sleep(3)

    with serving(say_nothing) as port:
        with closing(client_of(port, total_seconds=0.5)) as sql:
            begun = time.monotonic()
            assert message_of(sql.reach, TemporaryFailure) == client.UNREACHABLE
    assert time.monotonic() - begun < 2


def test_what_is_not_postgresql_is_named() -> None:
    with serving(lambda c: c.sendall(b"220 mail ready\r\n")) as port:
        with closing(client_of(port)) as sql:
            assert message_of(sql.reach, Misconfigured) == NOT_POSTGRESQL


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("postgres://127.0.0.1/db", addresses.NOT_ALLOWED),
        ("postgresql://[::1]:5432/db", addresses.NOT_ALLOWED),
        ("postgres://db.example.com", answers.NO_DATABASE),
        ("postgres://db.example.com/a/b", answers.NO_DATABASE),
    ],
)
def test_con_01_address_is_refused_before_a_connection(
    base_url: str, expected: str
) -> None:
    """CON-01: a tenant cannot point Keyway at its own network."""
    act = lambda: SqlClient(Connection(base_url, "a", "b"))  # noqa: E731
    assert message_of(act, Misconfigured) == expected


def test_con_02_name_that_resolves_to_a_private_address_is_not_dialled() -> None:
    """CON-02: what was resolved is checked, and only that is dialled."""
    reached = threading.Event()
    with serving(lambda _: reached.set()) as port:
        sql = SqlClient(
            Connection(f"postgres://{NAME}:{port}/db", "a", "b"),
            resolver=lambda _host, _seconds: [ip_address("127.0.0.1")],
        )
        for act in (sql.connect, sql.reach):
            assert message_of(act, Misconfigured) == addresses.NOT_ALLOWED

    assert not reached.is_set()
