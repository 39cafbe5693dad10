"""A closed loop of HTTP/1.1 connections on asyncio, cheap enough to measure with.

Each connection sends the next request when the answer to the last has come.
With uvloop a request costs the driver 10 to 15 microseconds of CPU.
"""

from __future__ import annotations

import array
import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any
from urllib.parse import urlsplit

try:
    import uvloop
except ImportError:
    uvloop = None

DRAIN_SECONDS = 120.0
NO_ANSWER = 0


class Wire:
    """How requests to one server look."""

    def __init__(self, base_url: str, token: str) -> None:
        url = urlsplit(base_url)
        if url.scheme != "http":
            raise ValueError("Load the server itself, over http.")
        self.host, self.port = url.hostname or "127.0.0.1", url.port or 80
        self.base_url = base_url.rstrip("/")
        self.prefix = url.path.rstrip("/")
        self.head = (
            f"Host: {self.host}:{self.port}\r\n"
            f"Authorization: Bearer {token}\r\n"
            "Accept: application/scim+json\r\n"
            "User-Agent: keyway-bench/1\r\n"
        )

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        head = f"{method} {self.prefix}{path} HTTP/1.1\r\n{self.head}"
        if body is not None:
            head += "Content-Type: application/scim+json\r\n"
            head += f"Content-Length: {len(body)}\r\n"
        return f"{head}\r\n".encode() + (body or b"")


class Cell:
    """One measurement: `concurrency` connections over a source of requests."""

    def __init__(
        self,
        wire: Wire,
        source: Iterator[bytes],
        concurrency: int,
        *,
        seconds: float | None = None,
        keep: bool = False,
    ) -> None:
        self.wire, self.source, self.concurrency = wire, source, concurrency
        self.seconds, self.keep = seconds, keep
        self.latencies = array.array("d")
        self.statuses: Counter[int] = Counter()
        self.bodies: list[tuple[int, bytes]] = []
        self.live = 0
        self.finished = False
        self.deadline = self.last = self.wall = 0.0
        self.tasks: set[asyncio.Task] = set()

    def next_request(self) -> bytes | None:
        if self.deadline and time.perf_counter() >= self.deadline:
            return None
        return next(self.source, None)

    def record(self, seconds: float, status: int, body: bytes) -> None:
        self.last = time.perf_counter()
        self.latencies.append(seconds)
        self.statuses[status] += 1
        if self.keep:
            self.bodies.append((status, body))

    def leave(self) -> None:
        self.live -= 1
        if self.live == 0 and not self.done.done():
            self.done.set_result(None)

    def connect(self, connection: Connection) -> None:
        task = self.loop.create_task(
            self.loop.create_connection(
                lambda: connection, self.wire.host, self.wire.port
            )
        )
        self.tasks.add(task)
        task.add_done_callback(self._connected)

    def _connected(self, task: asyncio.Task) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.record(0.0, NO_ANSWER, b"")
            self.leave()

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.done = self.loop.create_future()
        start = time.perf_counter()
        if self.seconds:
            self.deadline = start + self.seconds
        self.live = self.concurrency
        for _ in range(self.concurrency):
            self.connect(Connection(self))
        limit = (self.seconds or 7200) + DRAIN_SECONDS
        try:
            await asyncio.wait_for(self.done, limit)
        except TimeoutError:
            self.statuses[NO_ANSWER] += self.live
        self.finished = True
        self.wall = max(self.last - start, 1e-9)

    def run(self) -> Cell:
        run_loop(self._run())
        return self


class Connection(asyncio.Protocol):
    """One connection of a cell; it reads no more of an answer than it must."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.transport: Any = None
        self.request: bytes | None = None
        self.started = 0.0
        self.retried = False
        self._forget()

    def _forget(self) -> None:
        self.buffer = b""
        self.chunks: list[bytes] = []
        self.status = NO_ANSWER
        self.missing = 0
        self.chunked = self.until_close = self.close_after = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        if self.request is None and not self._take():
            return
        self.transport.write(self.request)

    def _take(self) -> bool:
        """Take the next request; False and out of the cell if there is none."""
        self.request = self.cell.next_request()
        self.retried = False
        self._forget()
        self.started = time.perf_counter()
        if self.request is None:
            self.cell.leave()
            if self.transport is not None:
                self.transport.close()
        return self.request is not None

    def _reconnect(self) -> None:
        old, self.transport = self.transport, None
        if old is not None:
            old.close()
        self.cell.connect(self)

    def data_received(self, data: bytes) -> None:
        if self.request is None:
            return
        if self.status == NO_ANSWER:
            head, separator, data = (self.buffer + data).partition(b"\r\n\r\n")
            if not separator:
                self.buffer = head
                return
            self._read_head(head.lower())
            self.buffer = b""
        if self.cell.keep:
            self.chunks.append(data)
        if self._is_complete(data):
            self._complete()

    def _read_head(self, head: bytes) -> None:
        self.status = int(head[9:12])
        self.close_after = b"\r\nconnection: close" in head or (
            head.startswith(b"http/1.0") and b"keep-alive" not in head
        )
        _, given, rest = head.partition(b"\r\ncontent-length:")
        if self.status in {204, 304}:
            self.missing = 0
        elif given:
            self.missing = int(rest.partition(b"\r\n")[0])
        elif b"\r\ntransfer-encoding: chunked" in head:
            self.chunked = True
        else:
            self.until_close = True

    def _is_complete(self, data: bytes) -> bool:
        if self.chunked:
            self.buffer = (self.buffer + data)[-7:]
            return self.buffer.endswith(b"0\r\n\r\n")
        self.missing -= len(data)
        return not self.until_close and self.missing <= 0

    def _complete(self) -> None:
        seconds = time.perf_counter() - self.started
        body = b"".join(self.chunks)
        if self.chunked:
            body = _dechunk(body)
        reconnect = self.close_after or self.until_close
        self.cell.record(seconds, self.status, body)
        if not self._take():
            return
        if reconnect:
            self._reconnect()
        else:
            self.transport.write(self.request)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is None or self.request is None or self.cell.finished:
            return
        if self.until_close and self.status != NO_ANSWER:
            self._complete()
        elif self.status == NO_ANSWER and not self.retried:
            # The server closed an idle connection: the request is sent again, once.
            self.retried = True
            self._forget()
            self._reconnect()
        else:
            self.cell.record(time.perf_counter() - self.started, NO_ANSWER, b"")
            self.transport = None
            if self._take():
                self._reconnect()


def _dechunk(body: bytes) -> bytes:
    out = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.partition(b";")[0] or b"0", 16)
        if length == 0:
            break
        out.append(rest[:length])
        body = rest[length + 2 :]
    return b"".join(out)


def run_loop(coroutine: Coroutine[Any, Any, None]) -> None:
    factory = uvloop.new_event_loop if uvloop is not None else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(coroutine)
