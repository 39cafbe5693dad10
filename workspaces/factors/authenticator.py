"""Authenticator apps: TOTP, RFC 6238. The key is encrypted at rest."""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode
from uuid import UUID

import segno
from django.db import transaction
from django_otp.oath import TOTP

from workspaces import secrets
from workspaces.factors import changes
from workspaces.factors.kinds import Kind
from workspaces.models import AuthenticatorApp, User
from workspaces.sealed import SealedColumn

KIND = "totp"
ISSUER = "Keyway"
SET_UP_WITHIN = timedelta(minutes=15)
_KEY_BYTES = 20
_DRIFT_STEPS = 1
_DIGITS = 6


def devices(user: User) -> Iterable[AuthenticatorApp]:
    """Return the apps of a person that were confirmed by a code, oldest first."""
    return AuthenticatorApp.objects.filter(user=user, confirmed=True).order_by("id")


@transaction.atomic
def start(user: User, *, now: datetime) -> AuthenticatorApp:
    """Make a key to be put into an app. What was started before is dropped."""
    AuthenticatorApp.objects.filter(user=user, confirmed=False).delete()
    app = AuthenticatorApp(user=user, name="Authenticator app", confirmed=False)
    key = base64.b32encode(random.token_bytes(_KEY_BYTES)).decode("ascii")
    app.sealed_key = secrets.encrypt(key, _address(app))
    app.save()
    # By the clock that decides when it is too late.
    app.created_at = now
    app.save(update_fields=["created_at"])
    return app


def started(
    user: User, public_id: UUID | str, *, now: datetime
) -> AuthenticatorApp | None:
    """Return an app that still waits for its first code, for 15 minutes."""
    return AuthenticatorApp.objects.filter(
        user=user,
        public_id=public_id,
        confirmed=False,
        created_at__gt=now - SET_UP_WITHIN,
    ).first()


@transaction.atomic
def finish(app: AuthenticatorApp, code: str, *, name: str, now: datetime) -> bool:
    """Turn an app on if the code is right. Say whether it was."""
    found = AuthenticatorApp.objects.select_for_update().filter(pk=app.pk).first()
    if found is None or found.confirmed or not _matches(found, code, now):
        return False
    found.name, found.confirmed, found.last_used_at = name, True, now
    changes.added(found, kind=KIND, now=now)
    return True


def verify(app: AuthenticatorApp, code: str, now: datetime) -> bool:
    """Say whether a code is right, one step early or late included; it counts once."""
    found = AuthenticatorApp.objects.select_for_update().filter(pk=app.pk).first()
    if found is None or not _matches(found, code, now):
        return False
    found.last_used_at = now
    found.save(update_fields=["last_step", "last_used_at"])
    return True


def key_of(app: AuthenticatorApp) -> str:
    """Return the key in base32, as people type it. It is a secret."""
    return secrets.decrypt(app.sealed_key, _address(app))


def grouped(key: str) -> str:
    """Return a key in groups of four, easier to read."""
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def qr_code(app: AuthenticatorApp) -> str:
    """Return the SVG element for an app's camera: black on white in both themes."""
    label = quote(f"{ISSUER}:{app.user.email}")
    query = urlencode({"secret": key_of(app), "issuer": ISSUER}, quote_via=quote)
    code = segno.make(f"otpauth://totp/{label}?{query}", error="m", micro=False)
    return code.svg_inline(
        border=4,
        dark="#000",
        light="#fff",
        svgclass="qr",
        lineclass=None,
        omitsize=True,
    )


def _matches(app: AuthenticatorApp, code: str, now: datetime) -> bool:
    """Say whether the code is right, and note its step on the object."""
    if not (code.isascii() and code.isdigit() and len(code) == _DIGITS):
        return False
    totp = TOTP(base64.b32decode(key_of(app)), digits=_DIGITS)
    totp.time = now.timestamp()
    is_right = totp.verify(int(code), _DRIFT_STEPS, app.last_step + 1)
    if is_right:
        app.last_step = totp.t()
    return bool(is_right)


def _address(app: AuthenticatorApp) -> secrets.Address:
    # A person is in no tenant; the row is random, and its owner does not change.
    return secrets.Address(
        f"person {app.user_id}", "authenticator_app", str(app.public_id), "key"
    )


SEALED = SealedColumn(AuthenticatorApp, "sealed_key", _address)

KIND_OF = Kind(
    KIND,
    "Authenticator app",
    "smartphone",
    20,
    devices,
    verify,
    all=AuthenticatorApp.objects.all,
    title="Authenticator app",
    hint="Shows a new code of 6 digits every 30 seconds, also without a network.",
    add_label="Set up authenticator app",
    add_url="workspaces:start_authenticator",
    add_posts=True,
)
