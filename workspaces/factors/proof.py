"""What a session proved, and when.

Whoever has a factor proves it with a factor; whoever has none, with the password.
Signing in counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import django_otp
from django.contrib.auth import signals
from django.http import HttpRequest
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from workspaces.clock import database_now
from workspaces.factors.kinds import usable
from workspaces.models import User

FRESH = timedelta(minutes=5)
PASSWORD, FACTOR = "password", "factor"
_KEY = "proof"


def connect() -> None:
    """Listen to Django's log-in signal: a log-in proves the password."""
    signals.user_logged_in.connect(_signed_in)


def note_password(request: HttpRequest, *, now: datetime) -> None:
    """Remember that the session just proved the password."""
    request.session.cycle_key()
    _note(request, PASSWORD, now)


def note_factor(request: HttpRequest, device: Any, *, now: datetime) -> None:
    """Remember that the session just proved a factor; its id changes (STP-19)."""
    request.session.cycle_key()
    django_otp.login(request, device)
    _note(request, FACTOR, now)


def note_provider(request: HttpRequest, *, at: datetime | None) -> None:
    """Remember that a provider proved the person `at`, in place of the password.

    None: its word does not stand for the password.
    """
    if at is None:
        request.session.pop(_KEY, None)
    else:
        _note(request, PASSWORD, at)


def is_fresh(request: HttpRequest, *, now: datetime, within: timedelta = FRESH) -> bool:
    """Say whether the session proved who it is just now, in the way that counts."""
    proof = request.session.get(_KEY) or {}
    at = datetime.fromisoformat(proof["at"]) if proof else None
    if at is None or at + within <= now:
        return False
    return proof["kind"] == FACTOR or not usable(_user(request), now)


def is_verified(request: HttpRequest) -> bool:
    """Say whether the session proved a factor that the person still has."""
    persistent_id = request.session.get(DEVICE_ID_SESSION_KEY)
    if not persistent_id:
        return False
    device = Device.from_persistent_id(persistent_id)
    return device is not None and device.user_id == request.user.pk and device.confirmed


def _note(request: HttpRequest, kind: str, now: datetime) -> None:
    request.session[_KEY] = {"kind": kind, "at": now.isoformat()}


def _signed_in(request: HttpRequest, **_kwargs: Any) -> None:
    _note(request, PASSWORD, database_now())


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  behind the log-in
    return request.user
