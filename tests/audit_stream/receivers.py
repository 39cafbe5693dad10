"""Log systems on loopback, which take batches or break connections off."""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tests.fakes.raw_server import response


def hang_up(connection: socket.socket) -> None:
    """Break off at once, with a reset, as a process that dies with unread data does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class SyslogReceiver:
    """Keeps what whole connections brought; breaks the first `drops` of them off."""

    def __init__(self, drops: int = 0) -> None:
        self.drops = drops
        self.received: list[bytes] = []

    def __call__(self, connection: socket.socket) -> None:
        if self.drops:
            self.drops -= 1
            connection.recv(10)
            hang_up(connection)
            return
        data = b""
        with suppress(TimeoutError):
            while piece := connection.recv(65536):
                data += piece
        self.received.extend(messages_in(data))

    @property
    def sequences(self) -> list[int]:
        found = [re.search(rb'sequenceId="(\d+)"', each) for each in self.received]
        return [int(match.group(1)) for match in found if match]


def messages_in(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a stream with octet counting."""
    while data:
        length, _, rest = data.partition(b" ")
        assert int(length) <= len(rest)
        yield rest[: int(length)]
        data = rest[int(length) :]


class HttpReceiver:
    """Answers one request after the other as told, then 200; None breaks off."""

    def __init__(self, *answers: int | None, headers: tuple[str, ...] = ()) -> None:
        self.answers = list(answers)
        self.headers = headers
        self.requests: list[tuple[str, bytes]] = []

    def __call__(self, connection: socket.socket) -> None:
        head, body = _read(connection)
        answer = self.answers.pop(0) if self.answers else 200
        if answer is None:
            hang_up(connection)
            return
        self.requests.append((head, body))
        status = f"{answer} Whatever"
        connection.sendall(response(b"", status=status, headers=self.headers))

    def events(self) -> list[dict[str, Any]]:
        """Return the events of every request that was answered, in their order."""
        return [event for _, body in self.requests for event in json.loads(body)]


def _read(connection: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    while found and len(body) < int(found.group(1)):
        body += connection.recv(65536)
    return head.decode(), body
