"""Run a server of the standard library in a thread, and end it whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from threading import Thread


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Serve while the block lasts, also if it fails.

    A server whose socket is closed while its thread goes on watches the descriptor
    of whatever is opened next, and turns in circles.
    """
    thread = Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
