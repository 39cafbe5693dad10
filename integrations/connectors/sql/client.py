"""A client for one PostgreSQL server: statements in, rows or one of our errors out."""

from __future__ import annotations

import os
import ssl
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from psycopg import sql
from psycopg.abc import PQGen

from integrations.connectors import client as outgoing
from integrations.connectors.addresses import (
    AddressRule,
    IPAddress,
    IPNetwork,
    port_of,
    resolve,
)
from integrations.connectors.base import (
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.network import CheckedBackend, Deadline, Resolver
from integrations.connectors.observing import Sent, observed
from integrations.connectors.redaction import (
    redact_answer,
    redact_body,
    redact_path,
    redact_text,
)
from integrations.connectors.sql.answers import (
    NO_DATABASE,
    error_at_connect,
    error_for,
)
from integrations.connectors.sql.blueprint import SCHEMES
from integrations.desired import Connection

NOT_POSTGRESQL = (
    "The app answered with something that is not PostgreSQL. Check that the address "
    "is that of the database server."
)
_TOTAL_SECONDS = 20.0
_CONNECT_SECONDS = 5
_ADDRESSES_TRIED = 4
_LIMITS = (
    "-c statement_timeout=15000 -c lock_timeout=5000 "
    "-c idle_in_transaction_session_timeout=20000 -c search_path=pg_catalog"
)
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)

Rows = list[tuple[Any, ...]]


class SqlClient:
    """Speaks with one server as one service account. Used by one thread at a time.

    Connects when first needed.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        always_tls: bool = False,
        allowed_networks: Sequence[IPNetwork] = (),
        total_seconds: float = _TOTAL_SECONDS,
        authorities: Path | None = None,
        resolver: Resolver = resolve,
        observe: Observe = unobserved,
    ) -> None:
        """Prepare a client; nothing is sent yet. Raises Misconfigured.

        `authorities` pins a private authority; `resolver` is there for tests.
        """
        self._user, self._password = connection.username, connection.secret
        self._rule = AddressRule(allowed_networks)
        self._url = self._rule.check_base_url(connection.base_url, schemes=SCHEMES)
        self._database = _database_of(self._url)
        self._always_tls = always_tls
        self._authorities = authorities or _system_authorities()
        self._resolve = resolver
        self._deadline = Deadline(total_seconds)
        self._observe = observe
        self._connection: psycopg.Connection | None = None

    def reach(self) -> None:
        """Return if a PostgreSQL answers at the address. Logs nobody in."""
        url = self._url
        backend = CheckedBackend(
            self._rule, self._resolve, self._deadline, scheme=url.scheme
        )
        with observed(Sent("SQL", "SSLRequest"), self._observe):
            self._deadline.restart()
            try:
                stream = backend.connect_tcp(url.host, port_of(url), _CONNECT_SECONDS)
                try:
                    stream.write(_SSL_REQUEST)
                    answer = stream.read(1)
                finally:
                    stream.close()
            except outgoing.NETWORK_ERRORS as error:
                raise TemporaryFailure(outgoing.UNREACHABLE) from error
            if answer not in {b"S", b"N"}:
                raise Misconfigured(NOT_POSTGRESQL)

    def connect(self) -> psycopg.Connection:
        """Log in, if that is not done yet. Raises ConnectorError."""
        if self._connection is not None and not self._connection.closed:
            return self._connection
        sent = Sent("SQL", redact_path(f"connect {self._user}"), is_login=True)
        with observed(sent, self._observe):
            self._deadline.restart()
            addresses = self._checked_addresses()
            try:
                self._connection = _Connection.connect(**self._parameters(addresses))
            except psycopg.Error as error:
                used = error.pgconn is not None and error.pgconn.used_password
                raise error_at_connect(str(error), used_password=used) from None
            except (UnicodeError, ValueError):
                raise PermanentFailure(outgoing.UNSENDABLE) from None
            self._connection.deadline = self._deadline
            sent.status = 0
        return self._connection

    def run(
        self,
        statement: str,
        values: Mapping[str, Any] | None = None,
        *,
        names: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
        hides: Container[str] = (),
        fine: Container[str] = (),
    ) -> Rows:
        """Run one statement and return its rows.

        `values` go beside the statement, as `%(name)s`; `names` and `texts` into it,
        quoted by the driver, as `{name}`. `hides` says which of them nobody may see,
        `fine` which SQLSTATE is no failure. Raises ConnectorError.
        """
        connection = self.connect()
        given = {**(values or {}), **(names or {}), **(texts or {})}
        shown = {n: "[hidden]" if n in hides else v for n, v in given.items()}
        sent = Sent("SQL", redact_path(" ".join(statement.split())), redact_body(shown))
        query = sql.SQL(statement).format(
            **{name: sql.Identifier(value) for name, value in (names or {}).items()},
            **{name: sql.Literal(value) for name, value in (texts or {}).items()},
        )
        with observed(sent, self._observe):
            self._deadline.restart()
            try:
                cursor = connection.execute(query, values)
                rows = cursor.fetchall() if cursor.description else []
            except outgoing.NETWORK_ERRORS:
                self.close()
                raise TemporaryFailure(outgoing.UNFINISHED) from None
            except psycopg.Error as error:
                if error.sqlstate is None:
                    # It broke, or its time is over: its state is not known.
                    self.close()
                    raise TemporaryFailure(outgoing.UNFINISHED) from None
                sent.status = 0
                words = error.diag.message_primary or ""
                sent.answer = redact_answer(words.encode(), secrets=[self._password])
                if error.sqlstate not in fine:
                    said = redact_text(words, secrets=[self._password])
                    raise error_for(error.sqlstate, said) from None
                rows = []
            except UnicodeError:
                raise PermanentFailure(outgoing.UNSENDABLE) from None
            sent.status = 0
        return rows

    def verifier(self, password: str) -> str:
        """Return what the server may know of a password: its SCRAM verifier."""
        made = self.connect().pgconn.encrypt_password(
            password.encode(), b"", b"scram-sha-256"
        )
        return made.decode()

    def close(self) -> None:
        """End the connection. Never raises."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _checked_addresses(self) -> list[IPAddress]:
        """Return where to connect. Raises Misconfigured if one is not allowed."""
        found = self._resolve(self._url.host, _CONNECT_SECONDS)
        for address in found:
            self._rule.check(address, scheme=self._url.scheme, port=port_of(self._url))
        if not found:
            raise TemporaryFailure(outgoing.UNREACHABLE)
        return found[:_ADDRESSES_TRIED]

    def _parameters(self, addresses: Sequence[IPAddress]) -> dict[str, Any]:
        must_encrypt = self._always_tls or not all(
            self._rule.is_opened(address) for address in addresses
        )
        return {
            "host": ",".join([self._url.host] * len(addresses)),
            "hostaddr": ",".join(map(str, addresses)),
            "port": port_of(self._url),
            "dbname": self._database,
            "user": self._user,
            "password": self._password,
            "sslmode": "verify-full" if must_encrypt else "prefer",
            "sslrootcert": str(self._authorities) if must_encrypt else "",
            "sslcertmode": "disable",
            "gssencmode": "disable",
            "require_auth": "scram-sha-256",
            "connect_timeout": _CONNECT_SECONDS,
            "client_encoding": "UTF8",
            "application_name": "Keyway",
            "options": _LIMITS,
            "autocommit": True,
        }


class _Connection(psycopg.Connection):
    """A connection on which each statement ends in time, whatever the server does."""

    deadline: Deadline | None = None

    def wait(
        self,
        gen: PQGen[Any],
        interval: float = 0.1,
        timeout: float | None = None,
    ) -> Any:
        if self.deadline is not None:
            timeout = self.deadline.within(timeout)
        return super().wait(gen, interval, timeout)


def _database_of(url: httpx2.URL) -> str:
    name = url.path.strip("/")
    if not name or "/" in name:
        raise Misconfigured(NO_DATABASE)
    return name


def _system_authorities() -> Path:
    """Return the file of the authorities that this machine trusts."""
    named = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    places = [Path(place) for place in (named, *_AUTHORITIES) if place]
    return next((place for place in places if place.is_file()), places[0])
