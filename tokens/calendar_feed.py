"""The private address of a workspace's calendar: generate, find, turn off.

The address is all that a calendar can send, so its secret stands in the query, which
no log of ours writes. Only a keyed digest is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from tokens.audit import Action
from tokens.policy_models import CalendarFeed
from workspaces import audit
from workspaces.key_ring import in_use
from workspaces.models import User, Workspace

SECRET_BYTES = 32
LAST_READ_PRECISION = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class IssuedFeed:
    """A new feed and its secret, which exists nowhere else."""

    feed: CalendarFeed
    secret: str = field(repr=False)


def feed_of(workspace: Workspace) -> CalendarFeed | None:
    """Return the feed of a workspace, None while it is off."""
    found = CalendarFeed.objects.filter(workspace=workspace)
    return found.select_related("created_by").first()


@transaction.atomic
def generate(workspace: Workspace, *, actor: User, now: datetime) -> IssuedFeed:
    """Turn the feed on at a new address; the former one answers nothing any more."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    former = feed_of(workspace)
    former_key = former.key if former else ""
    if former:
        former.delete()
    secret = secrets.token_urlsafe(SECRET_BYTES)
    number = in_use(settings.KEYWAY_TOKEN_KEYS)
    feed = CalendarFeed(
        workspace=workspace, digest_key=number, created_by=actor, created_at=now
    )
    feed.digest = _digest(feed.key, secret, number)
    feed.save(force_insert=True)
    audit.record(
        Action.FEED_GENERATED,
        workspace=workspace,
        actor=actor,
        target=feed,
        data={"replaces": former_key},
    )
    return IssuedFeed(feed, secret)


@transaction.atomic
def turn_off(workspace: Workspace, *, actor: User | None) -> bool:
    """Let the address answer nothing any more. False if there was none."""
    feed = CalendarFeed.objects.select_for_update().filter(workspace=workspace).first()
    if feed is None:
        return False
    audit.record(Action.FEED_TURNED_OFF, workspace=workspace, actor=actor, target=feed)
    feed.delete()
    return True


def find(key: str, secret: str, *, now: datetime) -> CalendarFeed | None:
    """Return the feed of an address, None if it opens none. Notes that it was read."""
    feed = CalendarFeed.objects.select_related("workspace").filter(key=key).first()
    if feed is None or feed.digest_key not in settings.KEYWAY_TOKEN_KEYS:
        return None
    if not hmac.compare_digest(_digest(key, secret, feed.digest_key), feed.digest):
        return None
    number = in_use(settings.KEYWAY_TOKEN_KEYS)
    if feed.digest_key < number:
        CalendarFeed.objects.filter(pk=feed.pk).update(
            digest=_digest(key, secret, number), digest_key=number
        )
    stale = Q(last_read_at=None) | Q(last_read_at__lt=now - LAST_READ_PRECISION)
    CalendarFeed.objects.filter(stale, pk=feed.pk).update(last_read_at=now)
    return feed


def use_of(number: int, _now: datetime) -> str:
    """Say which feeds need a key of KEYWAY_TOKEN_KEYS; nothing if none does."""
    count = CalendarFeed.objects.filter(digest_key=number).count()
    if not count:
        return ""
    return (
        f"{count} calendar feeds have not been read since another key took over. Wait "
        "until they are, or generate new addresses."
    )


def _digest(key: str, secret: str, number: int) -> str:
    pepper = settings.KEYWAY_TOKEN_KEYS[number]
    text = f"calendar:{key}:{secret}"
    return hmac.new(pepper, text.encode(), hashlib.sha256).hexdigest()
