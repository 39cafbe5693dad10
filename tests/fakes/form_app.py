"""An app with a log-in page, a session cookie and a CSRF token, and JSON behind them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from tests.fakes.serving import serving

PAGE = """<html><form><input name=q type=hidden value=search></form>
<form method=post><input type="hidden" name="csrf" value="{csrf}">
<input name=user><input name=word type=password></form></html>"""


@dataclass(slots=True)
class FormApp:
    """Where the app is, and who is logged in."""

    username: str
    password: str
    has_form: bool = True
    base_url: str = ""
    logins: int = 0
    sessions: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)

    def end_sessions(self) -> None:
        """Log everybody out."""
        self.sessions.clear()


class _Handler(BaseHTTPRequestHandler):
    wbufsize = -1
    app: FormApp

    def do_GET(self) -> None:
        if self.path == "/login":
            self.show_form()
        elif self.cookie("session") not in self.app.sessions:
            self.answer(302, "", {"Location": "/login?next=/users"})
        elif self.headers.get("X-CSRF") not in self.app.tokens:
            self.answer(403, "{}")
        else:
            self.answer(200, json.dumps({"users": [{"id": 1, "name": "ann"}]}))

    def show_form(self) -> None:
        csrf = secrets.token_hex(8)
        self.app.tokens.add(csrf)
        page = PAGE.format(csrf=csrf) if self.app.has_form else "<p>Moved.</p>"
        self.answer(200, page, {"Set-Cookie": f"csrf={csrf}; Path=/"})

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        sent = parse_qs(self.rfile.read(length).decode())
        csrf = sent["csrf"][0]
        is_ours = csrf in self.app.tokens and csrf == self.cookie("csrf")
        expected = ([self.app.username], [self.app.password])
        if not is_ours or (sent["user"], sent["word"]) != expected:
            self.answer(200, PAGE.format(csrf=csrf))
            return
        self.app.logins += 1
        session = secrets.token_hex(8)
        self.app.sessions.add(session)
        cookie = {"Set-Cookie": f"session={session}; Path=/; HttpOnly"}
        self.answer(302, "", {"Location": "/home", **cookie})

    def cookie(self, name: str) -> str:
        found = SimpleCookie(self.headers.get("Cookie", "")).get(name)
        return found.value if found else ""

    def answer(
        self, status: int, text: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def form_app(
    username: str, password: str, *, has_form: bool = True
) -> Iterator[FormApp]:
    """Run the app while the block lasts."""
    app = FormApp(username, password, has_form)
    handler = type("Handler", (_Handler,), {"app": app})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        app.base_url = f"http://127.0.0.1:{server.server_port}"
        with serving(server):
            yield app
