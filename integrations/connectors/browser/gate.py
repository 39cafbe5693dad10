"""The only way out for the pages of one session: one host, one port, checked addresses.

A SOCKS proxy (RFC 1928) on loopback that Chromium is told to use for everything,
loopback included. Redirects, frames, images, sockets and prefetches of a page all pass
it, so that whatever a page asks for, nothing but its own app hears of it. The name is
resolved here and the checked address is dialled: Chromium never resolves.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address

import httpx2

from integrations.connectors.addresses import (
    AddressRule,
    IPAddress,
    IPNetwork,
    port_of,
    resolve,
)
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    TemporaryFailure,
)
from integrations.connectors.client import UNREACHABLE
from integrations.connectors.network import Resolver

_VERSION = b"\x05"
_NO_LOGIN = b"\x05\x00"
_CONNECT = 1
_ADDRESS_LENGTHS = {1: 4, 4: 16}
_BY_NAME = 3
_DONE, _NOT_ALLOWED, _UNREACHABLE = 0, 2, 4
_NO_ADDRESS = b"\x00\x01" + bytes(6)
_SECONDS = 5.0
_ADDRESSES_TRIED = 4
_HUNG_UP = (OSError, asyncio.IncompleteReadError)
_CHUNK = 64 * 1024


class Gate:
    """Lets connections to one app through, and remembers why it let none."""

    def __init__(
        self,
        url: httpx2.URL,
        *,
        allowed_networks: Sequence[IPNetwork] = (),
        resolver: Resolver = resolve,
    ) -> None:
        self._host = url.host.strip("[]")
        self._scheme = url.scheme
        self._port = port_of(url)
        self._rule = AddressRule(allowed_networks)
        self._resolve = resolver
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.failure: ConnectorError | None = None
        """Why the app could not be reached the last time, if it could not."""

    async def open(self) -> str:
        """Begin to listen, and return the address for Chromium's proxy setting."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"socks5://127.0.0.1:{port}"

    async def close(self) -> None:
        """Stop listening and hang up on both sides, which ends what is under way."""
        if self._server is None:
            return
        self._server.close()
        open_ends = [*self._open]
        for end in open_ends:
            end.close()
        await asyncio.gather(
            *(end.wait_closed() for end in open_ends), return_exceptions=True
        )

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with self._kept(writer), contextlib.suppress(*_HUNG_UP):
            async with asyncio.timeout(_SECONDS * 2):
                host, port = await _asked(reader, writer)
                outward = await self._dial(host, port, writer)
            if outward is not None:
                with self._kept(outward[1]):
                    await _relay(reader, writer, *outward)

    @contextlib.contextmanager
    def _kept(self, end: asyncio.StreamWriter) -> Iterator[None]:
        """Remember one end of a connection as long as it is open."""
        self._open.add(end)
        try:
            yield
        finally:
            self._open.discard(end)
            end.close()

    async def _dial(
        self, host: str, port: int, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        if (host, port) != (self._host, self._port):
            _reply(writer, _NOT_ALLOWED)
            return None
        try:
            outward = await self._connect()
        except ConnectorError as error:
            self.failure = error
            is_refused = isinstance(error, Misconfigured)
            _reply(writer, _NOT_ALLOWED if is_refused else _UNREACHABLE)
            return None
        self.failure = None
        _reply(writer, _DONE)
        return outward

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the app. Raises Misconfigured if an address is refused."""
        addresses = await asyncio.to_thread(self._resolve, self._host, _SECONDS)
        for address in addresses:
            self._rule.check(address, scheme=self._scheme, port=self._port)
        for address in addresses[:_ADDRESSES_TRIED]:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(str(address), self._port)
        raise TemporaryFailure(UNREACHABLE)


async def _asked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, int]:
    """Return the host and port that Chromium asks for: RFC 1928 sections 3 and 4."""
    version, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(_NO_LOGIN)
    version, command, _, kind = await reader.readexactly(4)
    if version != _VERSION[0] or command != _CONNECT:
        raise asyncio.IncompleteReadError(b"", None)
    if kind == _BY_NAME:
        length = (await reader.readexactly(1))[0]
        host = (await reader.readexactly(length)).decode("ascii", "replace")
    else:
        host = str(_literal(await reader.readexactly(_ADDRESS_LENGTHS[kind])))
    return host, int.from_bytes(await reader.readexactly(2))


def _literal(packed: bytes) -> IPAddress:
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


def _reply(writer: asyncio.StreamWriter, code: int) -> None:
    writer.write(_VERSION + bytes([code]) + _NO_ADDRESS)


async def _relay(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    app_reader: asyncio.StreamReader,
    app_writer: asyncio.StreamWriter,
) -> None:
    """Carry bytes both ways until both sides have ended."""
    await asyncio.gather(_copy(reader, app_writer), _copy(app_reader, writer))


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        sink.write(chunk)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
