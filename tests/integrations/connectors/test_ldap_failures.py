"""How the `ldap` connector fails: rights, limits, TLS, addresses, servers that lie."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing
from ipaddress import ip_address

import pytest

from integrations.connectors import addresses, client, failures
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.exchange import Exchange
from integrations.connectors.ldap import answers
from integrations.connectors.ldap.client import NOT_LDAP, LdapClient
from integrations.desired import Connection
from tests.fakes.raw_server import serving
from tests.integrations.connectors.contract import person
from tests.integrations.connectors.directory_manifest import (
    LOOPBACK,
    openldap,
    session_with,
)
from tests.real_apps.servers import free_port
from tests.real_apps.slapd import (
    BASE,
    MOST_FOR_READER,
    READER,
    READER_PASSWORD,
    Slapd,
)
from tests.tls import NAME

real = pytest.mark.real_app


def message_of(act: Callable[[], object], kind: type[ConnectorError]) -> str:
    with pytest.raises(kind) as failure:
        act()
    return failure.value.message


@real
def test_service_account_without_rights_is_told_so(slapd: Slapd) -> None:
    told: list[Exchange] = []
    with session_with(
        slapd, username=READER, secret=READER_PASSWORD, observe=told.append
    ) as session:
        session.check()
        message = message_of(lambda: session.create_account(person()), Misconfigured)

    assert message == failures.FORBIDDEN
    assert told[-1].error == failures.FORBIDDEN
    assert told[-1].status == 50


@real
def test_list_that_is_cut_off_is_no_list(slapd: Slapd) -> None:
    with session_with(slapd) as session:
        for _ in range(MOST_FOR_READER + 1):
            session.create_account(person())
    with session_with(slapd, username=READER, secret=READER_PASSWORD) as session:
        message = message_of(lambda: list(session.list_accounts()), Misconfigured)

    assert message == answers.CUT_OFF


@real
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"secret": "wrong"}, failures.REFUSED),
        ({"username": f"cn=who,{BASE}"}, failures.REFUSED),
        ({"username": "keyway"}, answers.NO_DN),
        ({"identifier": "dc=other,dc=org"}, answers.NO_BASE),
        ({"identifier": "example.com"}, answers.NO_DN),
    ],
)
def test_what_was_entered_wrongly_is_named(
    slapd: Slapd, changes: dict[str, str], expected: str
) -> None:
    with session_with(slapd, **changes) as session:
        assert message_of(session.check, Misconfigured) == expected


def test_empty_password_is_never_sent() -> None:
    connection = Connection(f"ldap://127.0.0.1:{free_port()}", "cn=a", "")
    with closing(LdapClient(connection, allowed_networks=LOOPBACK)) as ldap:
        assert message_of(ldap.bind, Misconfigured) == failures.REFUSED


@real
def test_reach_logs_nobody_in(slapd: Slapd) -> None:
    told: list[Exchange] = []
    with session_with(slapd, secret="wrong", observe=told.append) as session:
        session.reach()

    assert [each.method for each in told] == ["SEARCH"]


@real
def test_directory_refuses_in_its_own_words(slapd: Slapd) -> None:
    manifest = openldap(attributes={"username": "uid", "email": "mail"}, never_empty=[])
    with session_with(slapd, manifest) as session:
        message = message_of(lambda: session.create_account(person()), PermanentFailure)

    assert message.startswith("The app refuses this change. It says: “")
    assert "requires attribute" in message


@real
def test_connection_that_was_lost_is_made_anew(slapd: Slapd) -> None:
    with session_with(slapd) as session:
        session.check()
        session.close()

        session.check()


class TestTls:
    """TLS on the real server, whose certificate names app.example.com."""

    pytestmark = real

    def client(self, slapd: Slapd, base_url: str, *, trust: bool = True) -> LdapClient:
        return LdapClient(
            Connection(base_url, slapd.username, slapd.password),
            always_tls=True,
            allowed_networks=LOOPBACK,
            ssl_context=ssl.create_default_context(cafile=slapd.certificate)
            if trust
            else None,
            resolver=lambda _host, _seconds: [ip_address("127.0.0.1")],
        )

    def test_ldaps_and_start_tls_work(self, slapd: Slapd) -> None:
        port = slapd.base_url.rpartition(":")[2]
        for base_url in (slapd.tls_url, f"ldap://{NAME}:{port}"):
            with closing(self.client(slapd, base_url)) as ldap:
                ldap.bind()
                ldap.read_base(BASE)

    def test_certificate_that_nobody_vouches_for_is_refused(self, slapd: Slapd) -> None:
        port = slapd.base_url.rpartition(":")[2]
        for base_url in (slapd.tls_url, f"ldap://{NAME}:{port}"):
            with closing(self.client(slapd, base_url, trust=False)) as ldap:
                assert message_of(ldap.bind, Misconfigured) == client.UNTRUSTED

    def test_certificate_for_another_name_is_refused(self, slapd: Slapd) -> None:
        other = slapd.tls_url.replace(NAME, "other.example.com")
        with closing(self.client(slapd, other)) as ldap:
            assert message_of(ldap.bind, Misconfigured) == client.UNTRUSTED


EXTENDED, BIND = 0x78, 0x61
"""The tags of an answer to an extended request and to a bind. RFC 4511 appendix B."""


def answer(request: bytes, code: int, tag: int) -> bytes:
    """Return a result in BER for the message id of a short request."""
    message_id = request[2 : 4 + request[3]]
    result = bytes([0x0A, 1, code, 4, 0, 4, 0])
    operation = bytes([tag, len(result)]) + result
    body = message_id + operation
    return bytes([0x30, len(body)]) + body


def client_of(
    port: int, *, always_tls: bool = False, total_seconds: float = 5
) -> LdapClient:
    connection = Connection(f"ldap://127.0.0.1:{port}", "cn=a", "s3cret-word")
    return LdapClient(
        connection,
        always_tls=always_tls,
        allowed_networks=LOOPBACK,
        total_seconds=total_seconds,
    )


def test_password_is_not_sent_where_start_tls_is_refused() -> None:
    heard: list[bytes] = []

    def refuse(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(answer(heard[0], 2, EXTENDED))
        heard.append(connection.recv(4096))

    with serving(refuse) as port, closing(client_of(port, always_tls=True)) as ldap:
        assert message_of(ldap.bind, Misconfigured) == answers.NO_TLS

    assert b"s3cret-word" not in b"".join(heard)


@pytest.mark.parametrize(
    ("code", "kind", "expected"),
    [
        (51, TemporaryFailure, failures.FAILED),
        (52, TemporaryFailure, failures.FAILED),
        (53, PermanentFailure, "The app refuses this change."),
        (8, Misconfigured, answers.NO_TLS),
        (10, Misconfigured, answers.ELSEWHERE),
    ],
)
def test_code_of_a_result_becomes_our_error(
    code: int, kind: type[ConnectorError], expected: str
) -> None:
    def say(connection: socket.socket) -> None:
        connection.sendall(answer(connection.recv(4096), code, BIND))

    with serving(say) as port, closing(client_of(port)) as ldap:
        assert message_of(ldap.bind, kind) == expected


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x30\x03\x02\x01\x01",
        answer(b"\x30\x00\x02\x03\x7f\x00\x00", 0, BIND),
        b"\x30\x0c\x02\x01\x01\x61\x07\x30\x30\x30\x30\x30\x30\x30",
    ],
)
def test_f18_what_is_not_ldap_is_a_temporary_failure(said: bytes) -> None:
    """F18: an app that answers with rubbish."""

    def say(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(said)

    with serving(say) as port, closing(client_of(port)) as ldap:
        assert message_of(ldap.bind, TemporaryFailure) == NOT_LDAP


def test_f18_a_byte_now_and_then_wins_no_time() -> None:
    """F18: an app that gives one byte at a time."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"\x30\x84\x00\x10\x00\x00")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    begun = time.monotonic()
    with serving(drip) as port, closing(client_of(port, total_seconds=0.5)) as ldap:
        assert message_of(ldap.bind, TemporaryFailure) == client.UNREACHABLE
    assert time.monotonic() - begun < 2


def test_f18_an_answer_without_end_is_not_read_to_its_end() -> None:
    """F18: an app that sends 1 GB."""

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"\x30\x84\x40\x00\x00\x00")
        while True:
            connection.sendall(b"x" * 1_000_000)

    with serving(flood) as port, closing(client_of(port)) as ldap:
        assert message_of(ldap.bind, PermanentFailure) == client.TOO_LARGE


@pytest.mark.parametrize(
    "base_url",
    ["ldap://127.0.0.1:389", "ldaps://10.0.0.8", "ldap://[::ffff:169.254.169.254]"],
)
def test_con_01_private_address_is_refused_before_a_connection(base_url: str) -> None:
    """CON-01: a tenant cannot point Keyway at its own network."""
    act = lambda: LdapClient(Connection(base_url, "cn=a", "b"))  # noqa: E731
    assert message_of(act, Misconfigured) == addresses.NOT_ALLOWED


def test_name_that_resolves_to_a_private_address_is_not_dialled() -> None:
    reached = threading.Event()
    with serving(lambda _: reached.set()) as port:
        ldap = LdapClient(
            Connection(f"ldap://{NAME}:{port}", "cn=a", "b"),
            resolver=lambda _host, _seconds: [ip_address("127.0.0.1")],
        )
        with closing(ldap):
            assert message_of(ldap.bind, Misconfigured) == addresses.NOT_ALLOWED

    assert not reached.is_set()


@pytest.mark.parametrize(
    "base_url", ["https://ldap.example.com", "ldap://", "ldaps://a@b", "ldap://h?x"]
)
def test_address_that_is_no_directory_says_how_it_begins(base_url: str) -> None:
    act = lambda: LdapClient(Connection(base_url, "cn=a", "b"))  # noqa: E731
    assert "begins with ldaps:// or ldap://" in message_of(act, Misconfigured)
