"""Between the right password and the log-in: who is at the second step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from workspaces.factors import vouched as vouching
from workspaces.factors.proof import is_verified, note_factor
from workspaces.models import User

WITHIN = timedelta(minutes=10)
_KEY = "second_step"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who is one step short. `backend` is empty for who is logged in.

    `vouched` is what `factors.vouched` notes of whom a provider vouches for.
    """

    user: User
    backend: str = ""
    next: str = ""
    vouched: dict[str, Any] | None = None


def begin(
    request: HttpRequest,
    user: User,
    *,
    go_to: str,
    now: datetime,
    vouched: dict[str, Any] | None = None,
) -> None:
    """Remember who did the first step: gave the password, or came from a provider.

    They are not logged in.
    """
    request.session.flush()
    request.session[_KEY] = {
        "user": user.pk,
        "backend": user.backend,
        "hash": user.get_session_auth_hash(),
        "next": go_to,
        "at": now.isoformat(),
        "vouched": vouched,
    }


def waiting(request: HttpRequest, *, now: datetime) -> Waiting | None:
    """Return who is at the second step in this session, None if nobody is.

    That is also somebody whose workspace began to require it while they were logged in.
    """
    if isinstance(request.user, User):
        return None if is_verified(request) else Waiting(request.user)
    kept = request.session.get(_KEY)
    if not kept or datetime.fromisoformat(kept["at"]) + WITHIN <= now:
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(
        user.get_session_auth_hash(), kept["hash"]
    ):
        return None
    return Waiting(user, kept["backend"], kept["next"], kept.get("vouched"))


def finish(request: HttpRequest, who: Waiting, device: Any, *, now: datetime) -> None:
    """Log in, with the session noted as verified and under a new id."""
    request.session.pop(_KEY, None)
    if who.vouched:
        vouching.begin(request, who.user, who.vouched, backend=who.backend)
    elif who.backend:
        login(request, who.user, backend=who.backend)
    note_factor(request, device, now=now)
