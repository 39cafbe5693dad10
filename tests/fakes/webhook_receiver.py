"""A receiver of webhooks that checks signatures with code of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from typing import Any

from tests.fakes.serving import serving


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Check id, time and body against a `whsec_` secret, as a receiver does."""
        stamp = self.headers["webhook-timestamp"]
        if abs(time.time() - int(stamp)) > 300:
            return False
        key = base64.b64decode(secret.split("_", 1)[1])
        text = f"{self.headers['webhook-id']}.{stamp}.{self.body.decode()}"
        digest = hmac.digest(key, text.encode(), hashlib.sha256)
        wanted = "v1," + base64.b64encode(digest).decode()
        return wanted in self.headers["webhook-signature"].split(" ")


@dataclass(slots=True)
class Receiver:
    """Where it is, what came, and what it answers next: 200 when nothing is said."""

    base_url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    go_on: Event = field(default_factory=Event)

    def will_answer(self, status: int, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named))


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run the receiver while the block lasts. It answers when `go_on` is set."""
    receiver = Receiver()
    receiver.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            receiver.go_on.wait(10)
            status, more = receiver.answers.pop(0) if receiver.answers else (200, {})
            self.send_response(status)
            for name, value in {"Content-Length": "0", **more}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.base_url = f"http://127.0.0.1:{server.server_port}"
        # The one who answers last is waited for, or it dies with its socket open.
        server.daemon_threads = False
        with serving(server):
            try:
                yield receiver
            finally:
                receiver.go_on.set()
