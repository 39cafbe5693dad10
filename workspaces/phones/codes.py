"""One-time passwords of a phone, for the log-in and where no request reaches it.

The gateway makes one when the phone asks for it by a signed call, and keeps its keyed
digest: six digits, for two minutes, good once. A new one replaces the former.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as random
from datetime import datetime, timedelta

from django.conf import settings

from workspaces.key_ring import in_order
from workspaces.models import PhoneDevice

SECONDS = 120
LIFETIME = timedelta(seconds=SECONDS)
_DIGITS = 6
_PURPOSE = b"workspaces.phone_code\x1f"


def make(device: PhoneDevice, *, now: datetime) -> str:
    """Return a new code of the phone; it exists in clear only there."""
    code = f"{random.randbelow(10**_DIGITS):0{_DIGITS}}"
    device.code_digest = _digests(device, code)[0]
    device.code_expires_at = now + LIFETIME
    device.save(update_fields=["code_digest", "code_expires_at"])
    return code


def verify(device: PhoneDevice, code: str, now: datetime) -> bool:
    """Say whether a code is right; it is used up then. Of two at once, one is."""
    if not (code.isascii() and code.isdigit() and len(code) == _DIGITS):
        return False
    mine = PhoneDevice.objects.filter(
        pk=device.pk,
        code_digest__in=_digests(device, code),
        code_expires_at__gt=now,
    )
    return bool(mine.update(code_digest="", code_expires_at=None, last_used_at=now))


def _digests(device: PhoneDevice, code: str) -> list[str]:
    """Return the digest under each key of the ring, the one in use first."""
    ring = settings.KEYWAY_TOKEN_KEYS
    message = _PURPOSE + f"{device.public_id}\x1f{code}".encode()
    return [
        hmac.new(ring[number], message, hashlib.sha256).hexdigest()
        for number in in_order(ring)
    ]
