"""The connection to a directory: checked addresses, TLS, limits, and ldap3 upon it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import httpx2
import ldap3
from httpcore2 import NetworkStream

from integrations.connectors.addresses import AddressRule, port_of
from integrations.connectors.base import PermanentFailure
from integrations.connectors.client import TOO_LARGE
from integrations.connectors.network import CheckedBackend, Deadline, Resolver

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 15.0
_READ_AT_ONCE = 64 * 1024
_LARGEST_ANSWER = 8 * 1024 * 1024


class Socket:
    """A network stream in the shape of the socket that ldap3 reads and writes."""

    def __init__(self, stream: NetworkStream) -> None:
        self._stream = stream
        self._received = 0

    def new_call(self) -> None:
        """Begin to count the answer of a new call."""
        self._received = 0

    def recv(self, size: int) -> bytes:
        """Return what has come. Raises PermanentFailure if it is too much."""
        data = self._stream.read(max(size, _READ_AT_ONCE), _READ_SECONDS)
        self._received += len(data)
        if self._received > _LARGEST_ANSWER:
            raise PermanentFailure(TOO_LARGE)
        return data

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._stream.write(data, _READ_SECONDS)

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Go on over TLS, with a certificate for `host`."""
        self._stream = self._stream.start_tls(context, host, _READ_SECONDS)

    def shutdown(self, _how: int) -> None:
        """Do nothing: closing is enough."""

    def close(self) -> None:
        """End the connection."""
        self._stream.close()


class Dialler:
    """Connects to the one address of a directory."""

    def __init__(
        self,
        url: httpx2.URL,
        *,
        rule: AddressRule,
        resolver: Resolver,
        deadline: Deadline,
        context: Callable[[], ssl.SSLContext],
        always_tls: bool,
    ) -> None:
        self._url = url
        self._rule = rule
        self._deadline = deadline
        self._context = context
        self._always_tls = always_tls
        self._backend = CheckedBackend(rule, resolver, deadline, scheme=url.scheme)

    def dial(self) -> tuple[Socket, bool]:
        """Return a connection, and whether StartTLS must be the first thing on it.

        Raises Misconfigured for an address that is not allowed, and what
        `integrations.connectors.client.NETWORK_ERRORS` names.
        """
        url = self._url
        stream = self._backend.connect_tcp(url.host, port_of(url), _CONNECT_SECONDS)
        server = ip_address(stream.get_extra_info("server_addr")[0])
        sock = Socket(stream)
        if url.scheme == "ldaps":
            self.start_tls(sock)
            return sock, False
        return sock, self._always_tls or not self._rule.is_opened(server)

    def start_tls(self, sock: Socket) -> None:
        """Go on over TLS, with a certificate for the name of the address."""
        sock.start_tls(self._context(), self._url.host)


def connection_on(sock: Socket, *, user: str, password: str) -> Any:
    """Return an ldap3 connection over a socket that is open already."""
    connection = ldap3.Connection(
        ldap3.Server("checked", get_info=ldap3.NONE),
        user=user,
        password=password,
        client_strategy=ldap3.SYNC,
        auto_referrals=False,
        auto_range=False,
        check_names=False,
    )
    # What open() does, but for the socket.
    connection.strategy._outstanding = {}  # noqa: SLF001
    connection.socket = sock
    connection.closed = False
    connection.listening = True
    return connection
