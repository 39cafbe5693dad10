"""Signed checkpoints of an audit log, to be kept outside Keyway.

A checkpoint says how many events a log had, and the digest of the last. The
signature is Ed25519 with a key derived from KEYWAY_TOKEN_KEYS, which the database
does not hold: who can write there cannot forge one.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from workspaces.key_ring import in_use

_PURPOSE = b"keyway audit checkpoint"


class InvalidCheckpoint(ValueError):
    """A file is no checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How a log stood. `log` is the public id of the workspace, or empty."""

    log: str
    length: int
    digest: str
    at: str
    """ISO 8601, UTC."""

    key: int = 0
    """The number of the key in KEYWAY_TOKEN_KEYS."""

    signature: str = ""
    """Base64."""

    @classmethod
    def from_json(cls, value: Any) -> Checkpoint:
        """Return the checkpoint. Raises InvalidCheckpoint."""
        try:
            found = cls(**value)
            binascii.unhexlify(found.digest)
            return cls(**{**asdict(found), "length": int(found.length)})
        except (TypeError, ValueError):
            names = ", ".join(cls.__slots__)
            raise InvalidCheckpoint(
                f"A checkpoint is a JSON object with {names}."
            ) from None

    def as_json(self) -> dict[str, Any]:
        """Return the checkpoint as JSON tells it."""
        return asdict(self)

    @property
    def signed_bytes(self) -> bytes:
        """What the signature covers."""
        told = {**asdict(self), "signature": ""}
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def sign(*, log: str, length: int, digest: str, at: datetime) -> Checkpoint:
    """Return a checkpoint under the key in use."""
    number = in_use(settings.KEYWAY_TOKEN_KEYS)
    told = at.astimezone(UTC).isoformat(timespec="seconds")
    bare = Checkpoint(log, length, digest, told, number)
    signature = _private_key(number).sign(bare.signed_bytes)
    return Checkpoint(
        log, length, digest, told, number, base64.b64encode(signature).decode()
    )


def is_genuine(checkpoint: Checkpoint, *, log: str) -> bool:
    """Say whether the checkpoint was signed here, for this log."""
    if checkpoint.key not in settings.KEYWAY_TOKEN_KEYS or checkpoint.log != log:
        return False
    try:
        signature = base64.b64decode(checkpoint.signature, validate=True)
        public_key = _private_key(checkpoint.key).public_key()
        public_key.verify(signature, checkpoint.signed_bytes)
    except (InvalidSignature, ValueError):
        return False
    return True


def _private_key(number: int) -> Ed25519PrivateKey:
    secret = settings.KEYWAY_TOKEN_KEYS[number]
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret)
    return Ed25519PrivateKey.from_private_bytes(seed)
