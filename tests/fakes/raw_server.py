"""A server that says exactly the bytes that a test wants said."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Conversation = Callable[[socket.socket], None]


def says(*pieces: bytes) -> Conversation:
    """Return a conversation: read one request, send the pieces, hang up."""

    def converse(connection: socket.socket) -> None:
        read_request(connection)
        for piece in pieces:
            connection.sendall(piece)

    return converse


def response(
    body: bytes, *, status: str = "200 OK", headers: tuple[str, ...] = ()
) -> bytes:
    """Return a whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def read_request(connection: socket.socket) -> bytes:
    """Return the request up to the end of its headers."""
    request = b""
    while b"\r\n\r\n" not in request:
        piece = connection.recv(65536)
        if not piece:
            break
        request += piece
    return request


@contextmanager
def serving(
    converse: Conversation, *, tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Hold a conversation with everybody who connects; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=[connection], daemon=True).start()

    def answer(connection: socket.socket) -> None:
        # The caller hangs up in the middle: that is what the tests are about.
        with suppress(OSError), connection:
            if tls is None:
                converse(connection)
                return
            with tls.wrap_socket(connection, server_side=True) as wrapped:
                converse(wrapped)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        # shutdown, because close alone does not wake a thread out of accept().
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
