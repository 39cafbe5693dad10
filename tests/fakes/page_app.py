"""An app that is nothing but pages: what to answer is a function of the path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.serving import serving

Answering = Callable[[str], tuple[int, str, dict[str, str]]]
"""From path and query to status, HTML of the body and more headers."""

PROLOGUE = "<!doctype html><html lang=en><title>Pages</title>"


class PageApp:
    """A running app, and which paths it was asked for."""

    def __init__(self, answering: Answering) -> None:
        self.requests: list[str] = []
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                app.requests.append(self.path)
                status, body, headers = answering(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write((PROLOGUE + body).encode())

            do_POST = do_GET  # noqa: N815

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def page_app(answering: Answering) -> Iterator[PageApp]:
    """Serve while the block lasts."""
    app = PageApp(answering)
    with serving(app.server):
        yield app
