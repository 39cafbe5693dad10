"""Read the environment, and what of it is more than a text.

A secret can also come from a file: NAME_FILE instead of NAME.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from workspaces.key_ring import KeyRing

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()
if env.str("KEYWAY_ENV", default="") != "production":
    # The `.env` of one machine fills no gap where the environment says production.
    env.read_env(BASE_DIR / ".env")


def key_ring(name: str) -> KeyRing:
    """Read `1:base64,2:base64` as numbered 256-bit keys; the highest is in use.

    `1*:base64,2:base64` keeps 1 in use until every process knows 2.
    """
    ring: dict[int, bytes] = {}
    marked: list[int] = []
    for entry in env.list(name, default=[]):
        number, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
            plain = int(number.removesuffix("*"))
            ring[plain] = key
            marked += [plain] if number.endswith("*") else []
        except (ValueError, binascii.Error):
            # Not "from" the error, which quotes the key.
            raise ImproperlyConfigured(
                f"{name} must look like 1:base64 with numbers before the colon."
            ) from None
        if len(key) != 32:
            raise ImproperlyConfigured(f"{name}: key {number} must hold 32 bytes.")
    if len(marked) > 1:
        raise ImproperlyConfigured(f"{name}: only one key can be marked with *.")
    return KeyRing(ring, marked=marked[0] if marked else None)


def push_key(encoded: str) -> bytes:
    """Read a private key on P-256, 32 bytes in base64url; empty if there is none."""
    try:
        key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (ValueError, binascii.Error):
        key = b"?"
    if encoded and len(key) != 32:
        raise ImproperlyConfigured("KEYWAY_PUSH_KEY must hold 32 bytes in base64url.")
    return key
