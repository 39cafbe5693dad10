"""What people hold in their hands: an authenticator app, a passkey."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django_otp.oath import TOTP

from workspaces.clock import database_now
from workspaces.factors import authenticator as services
from workspaces.models import AuthenticatorApp, User

STEP = timedelta(seconds=30)
_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40


def code_at(key: str, at: datetime) -> str:
    """Return what an app shows at a time."""
    shown = TOTP(base64.b32decode(key))
    shown.time = at.timestamp()
    return f"{shown.token():06d}"


@dataclass
class App:
    """An authenticator app on a phone, set up with Keyway."""

    app: AuthenticatorApp
    key: str

    @property
    def id(self) -> str:
        return str(self.app.public_id)

    def code(self, at: datetime | None = None) -> str:
        return code_at(self.key, at or database_now())


def authenticator(user: User, *, name: str = "Phone", is_old: bool = False) -> App:
    """Set an app up, its first code used two steps ago."""
    now = database_now()
    started = services.start(user, now=now)
    made = App(started, services.key_of(started))
    then = now - 2 * STEP
    assert services.finish(started, made.code(then), name=name, now=then)
    if is_old:
        AuthenticatorApp.objects.filter(pk=started.pk).update(confirms_from=then)
    started.refresh_from_db()
    return made


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """A passkey in software: what WebAuthn asks of a device, and what it must not do."""

    origin: str = "http://testserver"
    rp_id: str = "testserver"
    verifies: bool = True
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: dict[str, object]) -> dict[str, object]:
        """Answer `navigator.credentials.create`."""
        numbers = self.key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32),
            -3: numbers.y.to_bytes(32),
        }
        attested = (
            bytes(16)
            + len(self.credential_id).to_bytes(2)
            + self.credential_id
            + cbor2.dumps(cose)
        )
        data = self._data(_HAS_KEY) + attested
        statement = {"fmt": "none", "attStmt": {}, "authData": data}
        return self._answer(
            clientDataJSON=_text(self._client_data("webauthn.create", options)),
            attestationObject=_text(cbor2.dumps(statement)),
            transports=["internal"],
        )

    def get(self, options: dict[str, object]) -> dict[str, object]:
        """Answer `navigator.credentials.get`."""
        self.count += 1
        data, client = self._data(0), self._client_data("webauthn.get", options)
        signed = data + hashlib.sha256(client).digest()
        return self._answer(
            clientDataJSON=_text(client),
            authenticatorData=_text(data),
            signature=_text(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
        )

    def _data(self, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        rp = hashlib.sha256(self.rp_id.encode()).digest()
        return rp + bytes([flags]) + self.count.to_bytes(4)

    def _client_data(self, kind: str, options: dict[str, object]) -> bytes:
        said = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _answer(self, **response: object) -> dict[str, object]:
        return {
            "id": _text(self.credential_id),
            "rawId": _text(self.credential_id),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }
