"""Encrypt a push message and sign for it. Needs the extra `push`."""

from __future__ import annotations

import base64
import time

from django.conf import settings
from py_vapid import Vapid02
from pywebpush import WebPusher

from workspaces.phones.subscriptions import Subscription

_SECONDS = 12 * 60 * 60


def encrypted(
    message: bytes, subscription: Subscription, *, contact: str, audience: str
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers for the push service at `audience`, an origin."""
    pusher = WebPusher(
        {
            "endpoint": subscription.endpoint,
            "keys": {"p256dh": subscription.p256dh, "auth": subscription.auth},
        }
    )
    body: bytes = pusher.encode(message)["body"]
    key = base64.urlsafe_b64encode(settings.KEYWAY_PUSH_KEY).rstrip(b"=")
    claims = {"aud": audience, "sub": contact, "exp": int(time.time()) + _SECONDS}
    vapid = Vapid02.from_raw(key)
    # Its check of the contact refuses names without a dot, which inner networks have.
    vapid.conf = {"no-strict": True}
    signed: dict[str, str] = vapid.sign(claims)
    headers = {
        **signed,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
    }
    return body, headers
