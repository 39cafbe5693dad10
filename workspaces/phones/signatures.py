"""Who calls: a phone signs each call with its key; there is no session.

What it signs are these lines, with a newline between them:

    keyway-phone-1
    the method
    the path
    the time in milliseconds since 1970
    a nonce
    SHA-256 of the body, in base64url

The signature is ECDSA on P-256 with SHA-256, r and s in 32 bytes each, in base64url
without padding. A call counts for two minutes by the database's clock and once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.db import IntegrityError, transaction

from workspaces.models import PhoneDevice, PhoneNonce
from workspaces.phones.errors import (
    NotSigned,
    NotUnderstood,
    Replayed,
    UnknownPhone,
    WrongTime,
)

WINDOW = timedelta(minutes=2)
_SCHEME = "keyway-phone-1"
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,40}", re.ASCII)
_COORDINATE_BYTES = 32
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came: method, path, what its headers say, body."""

    method: str
    path: str
    body: bytes
    phone: str
    time: str
    nonce: str
    signature: str

    @classmethod
    def read(
        cls, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Call:
        """Return the call; a header that is not there is empty."""
        names = ("Phone", "Time", "Nonce", "Signature")
        return cls(method, path, body, *(headers.get(f"Keyway-{n}", "") for n in names))

    @property
    def text(self) -> bytes:
        """What is signed."""
        digest = encoded(hashlib.sha256(self.body).digest())
        lines = (_SCHEME, self.method, self.path, self.time, self.nonce, digest)
        return "\n".join(lines).encode()


def caller(call: Call, *, now: datetime) -> PhoneDevice:
    """Return the phone that signed the call, and use the nonce up.

    Raises UnknownPhone, NotSigned, WrongTime or Replayed.
    """
    device = _device(call.phone)
    require_signed(call, device.public_key)
    if not _NONCE.fullmatch(call.nonce):
        raise NotSigned
    if abs(_time_of(call) - now) > WINDOW:
        raise WrongTime
    _use_up(device, call.nonce, now=now)
    PhoneDevice.objects.filter(pk=device.pk).update(seen_at=now)
    return device


def require_signed(call: Call, public_key: str) -> None:
    """Raise NotSigned unless the key signed the call."""
    try:
        signature = decoded(call.signature)
        if len(signature) != 2 * _COORDINATE_BYTES:
            raise NotSigned
        r = int.from_bytes(signature[:_COORDINATE_BYTES], "big")
        s = int.from_bytes(signature[_COORDINATE_BYTES:], "big")
        _loaded(public_key).verify(
            utils.encode_dss_signature(r, s), call.text, ec.ECDSA(hashes.SHA256())
        )
    except (InvalidSignature, ValueError):
        raise NotSigned from None


def require_key(public_key: str) -> None:
    """Raise NotUnderstood unless it is a key on P-256, in its one spelling."""
    try:
        if len(public_key) > _LONGEST_KEY or encoded(decoded(public_key)) != public_key:
            raise NotUnderstood
        _loaded(public_key)
    except ValueError:
        raise NotUnderstood from None


def encoded(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes:
    """Return what base64url without padding stands for. Raises ValueError."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("No base64url.") from error


def _loaded(public_key: str) -> ec.EllipticCurvePublicKey:
    key = load_der_public_key(decoded(public_key))
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1
    )
    if not is_p256:
        raise ValueError("No key on P-256.")
    assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101  seen above
    return key


def _device(public_id: str) -> PhoneDevice:
    try:
        key = uuid.UUID(public_id)
    except ValueError:
        raise NotSigned from None
    found = (
        PhoneDevice.objects.select_related("user")
        .filter(public_id=key, user__is_active=True)
        .first()
    )
    if found is None:
        raise UnknownPhone
    return found


def _time_of(call: Call) -> datetime:
    try:
        return datetime.fromtimestamp(int(call.time) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise NotSigned from None


def _use_up(device: PhoneDevice, nonce: str, *, now: datetime) -> None:
    """Note a nonce for as long as the call could count again."""
    mine = PhoneNonce.objects.filter(device=device)
    mine.filter(at__lt=now - 2 * WINDOW).delete()
    try:
        with transaction.atomic():
            PhoneNonce.objects.create(device=device, nonce=nonce, at=now)
    except IntegrityError:
        raise Replayed from None
