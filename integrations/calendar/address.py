"""The address of a calendar feed."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from tokens.calendar_feed import IssuedFeed


def address_of(issued: IssuedFeed) -> str:
    """Return what a calendar subscribes to. It holds the secret: show it once."""
    path = reverse("calendar_feed", args=[issued.feed.key])
    return f"{settings.KEYWAY_PUBLIC_URL}{path}?{urlencode({'secret': issued.secret})}"
