"""Connections to checked addresses, under one deadline for each call."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable

import httpcore2

from integrations.connectors.addresses import AddressRule, IPAddress

Resolver = Callable[[str, float], list[IPAddress]]

_ADDRESSES_TRIED = 4


class Deadline:
    """The moment at which the present call must be over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends_at = 0.0

    def restart(self) -> None:
        """Begin the time of a new call."""
        self._ends_at = time.monotonic() + self._seconds

    def within(self, timeout: float | None) -> float:
        """Return `timeout`, or the time that is left. Raises ReadTimeout at the end."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout
        return left if timeout is None else min(timeout, left)


class CheckedBackend(httpcore2.NetworkBackend):
    """Resolves a name once, checks each address, dials the ones it checked."""

    def __init__(
        self, rule: AddressRule, resolve: Resolver, deadline: Deadline, *, scheme: str
    ) -> None:
        self._rule = rule
        self._resolve = resolve
        self._deadline = deadline
        self._scheme = scheme
        self._dialler = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to `host`. Raises Misconfigured if one of its addresses is refused."""
        addresses = self._resolve(host, self._deadline.within(timeout))
        for address in addresses:
            self._rule.check(address, scheme=self._scheme, port=port)
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                stream = self._dialler.connect_tcp(
                    str(address),
                    port,
                    self._deadline.within(timeout),
                    local_address,
                    socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
            return _DeadlineStream(stream, self._deadline)
        raise httpcore2.ConnectError


class _DeadlineStream(httpcore2.NetworkStream):
    """A stream on which a byte a second does not win more time."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.within(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._deadline.within(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
