"""The demo app as a whole, and the server that carries it."""

from __future__ import annotations

import logging
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from integrations.demo_app import api, markup, pages, seeds
from integrations.demo_app.faults import Faults
from integrations.demo_app.store import Store
from integrations.demo_app.web import (
    JSON,
    DropConnection,
    Refusal,
    Request,
    Response,
    html_response,
    json_response,
    redirect,
)

logger = logging.getLogger(__name__)

_LARGEST_BODY = 64 * 1024
_STYLE = Path(__file__).with_name("style.css")


class DemoApp:
    """A request goes in, an answer comes out."""

    def __init__(self, store: Store, faults: Faults | None = None) -> None:
        self._store = store
        self._faults = faults

    def respond(self, request: Request) -> Response:
        """Return the answer to a request. Raises DropConnection if told to."""
        try:
            return self._respond(request)
        except Refusal as refusal:
            return _refused(request, refusal)

    def _respond(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", "/healthz":
                return Response(content_type="text/plain", body=b"ok")
            case "GET", "/style.css":
                return Response(content_type="text/css", body=_STYLE.read_bytes())
        if not request.path.startswith("/api/"):
            handler, numbers = pages.routes.find(request)
            return handler(self._store, request, **numbers)
        if self._faults is not None:
            if request.path == "/api/faults":
                return self._switch_fault(self._faults, request.json())
            if answer := self._faults.meet(request.path):
                return answer
        handler, numbers = api.routes.find(request)
        return handler(self._store, request, **numbers)

    def _switch_fault(self, faults: Faults, document: dict[str, JSON]) -> Response:
        if document.get("mode") == "log_out":
            self._store.close_all_sessions()
        else:
            faults.switch(document)
        return Response(HTTPStatus.NO_CONTENT)


def _refused(request: Request, refusal: Refusal) -> Response:
    if request.path.startswith("/api/"):
        error = {"code": refusal.code, "message": refusal.message}
        return json_response({"error": {**error}}, refusal.status)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        return redirect("/login")
    return html_response(markup.refusal_page(refusal.message), refusal.status)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "DemoApp"
    sys_version = ""
    timeout = 30
    # Head and body in one packet: else each answer waits 40 ms for an ACK.
    wbufsize = -1
    server: DemoServer

    def _answer(self) -> None:
        body = self._read_body()
        if body is None:
            return
        parts = urlsplit(self.path)
        request = Request(
            method="GET" if self.command == "HEAD" else self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        try:
            self._send(self.server.app.respond(request))
        except DropConnection:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            self._send(Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return None
        return self.rfile.read(int(length))

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.all_headers():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        logger.info(format, *args)


class DemoServer(ThreadingHTTPServer):
    """The demo app on a port of this machine. Port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, app: DemoApp, *, host: str, port: int) -> None:
        super().__init__((host, port), _Handler)
        self.app = app


def build(data: Path, *, service_password: str, faults: bool) -> DemoApp:
    """Return the demo app on the SQLite file `data`, filled if it is new."""
    store = Store(data)
    if store.is_empty():
        seeds.plant(store, service_password=service_password)
    return DemoApp(store, Faults() if faults else None)
