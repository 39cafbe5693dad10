"""Signatures as Standard Webhooks asks for them: HMAC-SHA-256 over id, time and body.

https://github.com/standard-webhooks/standard-webhooks, section Signature scheme.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a random secret: `whsec_` and 256 bits in base64."""
    return PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode("ascii")


def signed_headers(
    message_id: str, body: bytes, *, secrets: Sequence[str], at: datetime
) -> dict[str, str]:
    """Return the three headers of a message that is sent at `at`.

    With several secrets there are several signatures, so that a receiver who has one
    of them is content.
    """
    timestamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(signed, each) for each in secrets),
    }


def _signature(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    made = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode('ascii')}"
