"""Where the push messages of a phone go: RFC 8030 and 8291, encrypted at rest."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from workspaces import secrets
from workspaces.models import PhoneDevice
from workspaces.phones.errors import NotUnderstood
from workspaces.phones.signatures import decoded
from workspaces.sealed import SealedColumn

_LONGEST = 1000
_POINT_BYTES, _AUTH_BYTES = 65, 16


@dataclass(frozen=True, slots=True)
class Subscription:
    """An address of a push service, and the keys of the browser behind it."""

    endpoint: str
    p256dh: str
    auth: str

    @classmethod
    def read(cls, given: Any) -> Subscription:
        """Return what a browser gave. Raises NotUnderstood.

        Whether the address may be called is decided when it is.
        """
        try:
            keys = given["keys"]
            found = cls(given["endpoint"], keys["p256dh"], keys["auth"])
            parts = urlsplit(found.endpoint)
            point = decoded(found.p256dh.rstrip("="))
            is_whole = (
                parts.scheme in {"https", "http"}
                and parts.hostname
                and not parts.username
                and len(found.endpoint) <= _LONGEST
                and len(point) == _POINT_BYTES
                and len(decoded(found.auth.rstrip("="))) == _AUTH_BYTES
            )
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise NotUnderstood from None
        if not is_whole:
            raise NotUnderstood
        return found


def is_on() -> bool:
    """Say whether this gateway can send push messages."""
    return settings.KEYWAY_PUSH_IS_ON


def application_key() -> str:
    """Return the public half of the gateway's key, as browsers take it; or nothing."""
    if not is_on():
        return ""
    number = int.from_bytes(settings.KEYWAY_PUSH_KEY, "big")
    key = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).rstrip(b"=").decode("ascii")


def keep(device: PhoneDevice, subscription: Subscription | None) -> None:
    """Keep where the messages of a phone go; None: nowhere."""
    device.sealed_push = ""
    if subscription is not None:
        text = orjson.dumps(subscription).decode()
        device.sealed_push = secrets.encrypt(text, _address(device))
    device.save(update_fields=["sealed_push"])


def of(device: PhoneDevice) -> Subscription | None:
    """Return where the messages of a phone go. Raises UnreadableSecret."""
    if not device.sealed_push:
        return None
    given = orjson.loads(secrets.decrypt(device.sealed_push, _address(device)))
    return Subscription(**given)


def drop(device: PhoneDevice, former: str) -> None:
    """Forget a subscription that is over, unless a newer one took its place."""
    PhoneDevice.objects.filter(pk=device.pk, sealed_push=former).update(sealed_push="")


def expires_in(until: datetime, now: datetime) -> int:
    """Return for how many seconds a push service should keep a message."""
    return max(0, int((until - now).total_seconds()))


def _address(device: PhoneDevice) -> secrets.Address:
    # A person is in no tenant; the row is random, and its owner does not change.
    return secrets.Address(
        f"person {device.user_id}", "phone_device", str(device.public_id), "push"
    )


SEALED = SealedColumn(PhoneDevice, "sealed_push", _address)
