"""A phone with a key of its own, and the push service of its browser."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client

from tests.fakes.serving import serving
from workspaces.clock import database_now
from workspaces.models import PhoneDevice, User
from workspaces.phones import enrolment


def text_of(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Phone:
    """Signs as static/js/device.js does."""

    client: Client = field(default_factory=Client)
    id: str = ""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def public_key(self) -> str:
        return text_of(
            self.key.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        )

    @property
    def device(self) -> PhoneDevice:
        return PhoneDevice.objects.get(public_id=self.id)

    def headers(
        self,
        method: str,
        path: str,
        body: bytes,
        *,
        late: timedelta = timedelta(),
        nonce: str = "",
    ) -> dict[str, str]:
        time = str(int((database_now() - late).timestamp() * 1000))
        nonce = nonce or secrets.token_urlsafe(16)
        digest = text_of(hashlib.sha256(body).digest())
        lines = ("keyway-phone-1", method, path, time, nonce, digest)
        signed = self.key.sign("\n".join(lines).encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(signed)
        return {
            "keyway-phone": self.id,
            "keyway-time": time,
            "keyway-nonce": nonce,
            "keyway-signature": text_of(r.to_bytes(32, "big") + s.to_bytes(32, "big")),
        }

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        return self.client.generic(
            method, path, body, content_type="application/json", headers=headers
        )

    def call(self, method: str, name: str, given: object = None, **how: Any) -> Any:
        path = f"/device/{name}"
        body = b"" if given is None else json.dumps(given).encode()
        headers = self.headers(method, path, body, **how)
        return self.send(method, path, body, headers)

    def enrol(self, code: str, name: str = "Pixel 8") -> Any:
        answer = self.call(
            "POST", "enrol/", {"code": code, "key": self.public_key, "name": name}
        )
        self.id = answer.json().get("id", "")
        return answer

    def state(self) -> dict[str, Any]:
        answer = self.call("GET", "state/")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def request(self) -> dict[str, Any] | None:
        return self.state()["request"]

    def answer(self, request_id: object, decision: str, **given: Any) -> Any:
        return self.call(
            "POST", f"requests/{request_id}/", {"decision": decision, **given}
        )

    def subscribe(self, browser: PushBrowser) -> Any:
        return self.call(
            "POST", "subscription/", {"subscription": browser.subscription}
        )


def added(user: User, name: str = "Pixel 8", *, is_old: bool = True) -> Phone:
    """Return a phone of a person, added as a person does."""
    now = database_now()
    begun, code = enrolment.start(user, now=now)
    phone = Phone()
    assert phone.enrol(code, name).status_code == 200
    begun.refresh_from_db()
    enrolment.add(begun, now=now)
    if is_old:
        PhoneDevice.objects.filter(public_id=phone.id).update(
            confirms_from=now - timedelta(days=1)
        )
    return phone


@dataclass
class PushBrowser:
    """A push service and the browser behind it, which alone can read the messages."""

    url: str = ""
    status: int = 201
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def subscription(self) -> dict[str, Any]:
        point = self.key.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": text_of(point), "auth": text_of(self.auth)}
        return {"endpoint": self.url, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """Return what a message says."""
        return http_ece.decrypt(
            body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"
        )


@contextmanager
def push_browser() -> Iterator[PushBrowser]:
    """Serve on loopback while the block lasts."""
    browser = PushBrowser()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard = {name.lower(): value for name, value in self.headers.items()}
            browser.heard.append((heard, body))
            self.send_response(browser.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        browser.url = f"http://127.0.0.1:{server.server_port}/push/abc?x=1"
        with serving(server):
            yield browser
