"""An outside app in a few lines: a function from a request to a JSON answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.serving import serving


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the app got it; the path is not decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object = None


def _read(content: bytes, media_type: str) -> object:
    if not content:
        return None
    return json.loads(content) if "json" in media_type else content.decode()


Answering = Callable[[Asked], tuple[int, object]]


@dataclass(slots=True)
class JsonApp:
    """Where the app is, and what it was asked."""

    base_url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def json_app(
    answering: Answering, *, headers: Mapping[str, str] | None = None
) -> Iterator[JsonApp]:
    """Run the app while the block lasts."""
    app = JsonApp("")

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def answer(self) -> None:
            parts = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            asked = Asked(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                _read(content, self.headers.get("Content-Type", "")),
            )
            app.asked.append(asked)
            status, document = answering(asked)
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        app.base_url = f"http://127.0.0.1:{server.server_port}"
        with serving(server):
            yield app
