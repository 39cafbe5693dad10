"""A hostile outside app: it forgets no effect, and answers as it likes.

    python -m tests.faults.app --port 8001 --effects FILE --seed 1 --faults 0.06

Speaks the API of the demo app, so that its manifest fits. Unlike the demo app it
takes two users of one name: who creates twice is seen to have done so. Each effect
is a line of FILE before anybody is answered; `/faults` sets how often it misbehaves.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.faults.template import GROUPS

JSON = dict[str, Any]
BEFORE = ("error", "drop", "rate", "slow")
AFTER = ("error", "drop")
_USER = re.compile(r"/api/users/(\d+)")
_MEMBER = re.compile(r"/api/groups/(\d+)/members/(\d+)")


class App:
    """Users by id, in memory: this process is the witness and is never killed."""

    def __init__(self, effects: Path, *, seed: int, faults: float) -> None:
        self.effects = effects.open("a")
        self.chance = random.Random(seed)
        self.faults = faults
        self.users: dict[int, JSON] = {}
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()

    def misbehaves(self) -> tuple[str, str]:
        """Return what goes wrong before and after the work; empty for nothing."""
        with self.lock:
            if self.chance.random() >= self.faults:
                return "", ""
            if self.chance.random() < 0.5:
                return self.chance.choice(BEFORE), ""
            return "", self.chance.choice(AFTER)

    def answer(self, method: str, path: str, query: JSON, body: JSON) -> tuple:
        """Do what is asked; status and document."""
        found, member = _USER.fullmatch(path), _MEMBER.fullmatch(path)
        with self.lock:
            if path == "/api/session":
                return 201, {"token": "the-one-token", "expires_in": 900}
            if path == "/faults":
                self.faults = body["faults"]
                return 204, None
            if path == "/api/users" and method == "POST":
                return 201, self._create(body)
            if path == "/api/users":
                return 200, self._list(query)
            if path == "/api/groups":
                groups = [{"id": int(n), "name": name} for n, name in GROUPS.items()]
                return 200, {"total": len(groups), "groups": groups}
            if member and int(member[2]) in self.users:
                return self._member(method, int(member[1]), self.users[int(member[2])])
            if found and int(found[1]) in self.users:
                return self._one(method, self.users[int(found[1])], body)
        return 404, {"error": {"message": "There is no such thing."}}

    def _create(self, body: JSON) -> JSON:
        user = {"groups": [], "active": True, **body, "id": next(self.numbers)}
        self.users[user["id"]] = user
        self._note("create", user)
        return user

    def _list(self, query: JSON) -> JSON:
        login = query.get("login")
        found = [
            user
            for user in self.users.values()
            if login is None or user["login"].lower() == login.lower()
        ]
        return {"total": len(found), "users": found}

    def _one(self, method: str, user: JSON, body: JSON) -> tuple:
        if method == "DELETE":
            del self.users[user["id"]]
            self._note("delete", user)
            return 204, None
        if method == "PATCH":
            user.update(body)
            self._note("update", user)
        return 200, user

    def _member(self, method: str, group: int, user: JSON) -> tuple:
        held = set(user["groups"])
        held = held | {group} if method == "PUT" else held - {group}
        user["groups"] = sorted(held)
        self._note("member", user)
        return 204, None

    def _note(self, effect: str, user: JSON) -> None:
        kept = ("id", "login", "display_name", "active", "external_ref", "groups")
        line = {"at": time.time(), "effect": effect} | {k: user.get(k) for k in kept}
        self.effects.write(json.dumps(line) + "\n")
        self.effects.flush()


class Handler(BaseHTTPRequestHandler):
    """HTTP around the app."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    app: App

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        content = self.rfile.read(length)
        if len(content) < length:
            # Whoever sent it died in between: half a request asks for nothing.
            self.close_connection = True
            return
        body = json.loads(content or b"{}")
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        before, after = ("", "")
        if parts.path.startswith(("/api/users", "/api/groups")):
            before, after = self.app.misbehaves()
        if before == "slow":
            time.sleep(0.5)
        elif before:
            self._fail(before)
            return
        status, document = self.app.answer(self.command, parts.path, query, body)
        if after:
            self._fail(after)
        else:
            self._send(status, document)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _fail(self, how: str) -> None:
        if how == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif how == "rate":
            self._send(429, {}, ("Retry-After", "1"))
        else:
            self._send(500, {"error": {"message": "Out of order."}})

    def _send(self, status: int, document: JSON | None, *headers: tuple) -> None:
        content = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The effects are the log."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.faults.app")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--effects", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=float, default=0)
    given = parser.parse_args()
    Handler.app = App(given.effects, seed=given.seed, faults=given.faults)
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
