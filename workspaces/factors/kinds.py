"""The kinds of factors there are, and which factors somebody has.

A further kind registers itself in `AppConfig.ready`, as jobs and audit actions do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from workspaces.clock import database_now
from workspaces.models import User

RECOVERY = "recovery"
CONFIRMS_AFTER = timedelta(hours=24)
"""A factor younger than this confirms no reveal, but for the first one ever."""

Verify = Callable[[Any, str, datetime], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to prove who one is. `order` counts from the one offered first."""

    name: str
    label: str
    icon: str
    order: int
    devices: Callable[[User], Iterable[Any]]
    """The confirmed devices of a person; each has the columns of FactorColumns."""
    verify: Verify | None = None
    """Takes device, code and now inside a transaction; uses the code up if it is right.

    None for a kind whose proof is no code.
    """
    prove_url: str = ""
    """Name of the URL, with the factor's id, of a kind that has a page of its own to
    prove it. It gets `purpose` (log_in or confirm) and `next`; see `waiting`, `finish`
    and `note_factor` for what it does then."""
    title: str = ""
    """Heading of its part of the Security page; empty for a kind without one."""
    hint: str = ""
    add_label: str = ""
    add_url: str = ""
    """Name of the URL that sets one up, by GET or, with `add_posts`, by POST."""
    add_posts: bool = False
    all: Callable[[], QuerySet[Any]] | None = None
    """All devices of the kind; None for what is no second step by itself."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor that somebody can use. `id` is public, never a key of the database."""

    kind: str
    id: str
    device: Any
    name: str
    label: str
    icon: str
    created_at: datetime | None
    last_used_at: datetime | None
    may_confirm: bool
    takes_code: bool
    prove_url: str


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Add a kind. Registering it again replaces it."""
    _kinds[kind.name] = kind


def kinds() -> list[Kind]:
    """Return the registered kinds in their order."""
    return sorted(_kinds.values(), key=lambda known: known.order)


def kind_named(name: str) -> Kind:
    """Return a registered kind. Raises KeyError."""
    return _kinds[name]


def may_confirm(device: Any, now: datetime) -> bool:
    """Say whether a factor is old enough to confirm a reveal.

    The first factor that somebody ever set up is from the start.
    """
    return device.confirms_from is not None and device.confirms_from <= now


def usable(user: User, now: datetime | None = None) -> list[Factor]:
    """Return the factors of a person, the one to offer first first.

    Recovery codes count only beside another factor. One query a kind.
    """
    now = now or database_now()
    found = [
        _factor(kind, device, now) for kind in kinds() for device in kind.devices(user)
    ]
    return found if any(factor.kind != RECOVERY for factor in found) else []


def held_by(users: Iterable[User]) -> dict[int, list[str]]:
    """Return the labels of the second steps that each has set up, by key of the user.

    One query a kind, however many they are.
    """
    keys = [user.pk for user in users]
    held: dict[int, list[str]] = {key: [] for key in keys}
    for kind in kinds():
        if kind.all is not None:
            rows = kind.all().filter(user__in=keys, confirmed=True)
            for key in set(rows.values_list("user_id", flat=True)):
                held[key].append(kind.label)
    return held


def usable_one(
    user: User, factor_id: str, now: datetime | None = None
) -> Factor | None:
    """Return one factor of a person, None if it is not theirs or not there."""
    return next((f for f in usable(user, now) if f.id == factor_id), None)


def _factor(kind: Kind, device: Any, now: datetime) -> Factor:
    return Factor(
        kind=kind.name,
        id=str(device.public_id),
        device=device,
        name=device.name,
        label=kind.label,
        icon=kind.icon,
        created_at=device.created_at,
        last_used_at=device.last_used_at,
        may_confirm=may_confirm(device, now),
        takes_code=kind.verify is not None,
        prove_url=kind.prove_url,
    )
