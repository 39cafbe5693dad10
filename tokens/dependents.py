"""The connections that stop with the member who owns their tokens."""

from __future__ import annotations

from datetime import datetime

from tokens.holders import has_holder, holder_of
from tokens.models import ScimToken
from workspaces.models import Membership


def connections_of(membership: Membership, now: datetime) -> list[str]:
    """Return each connection that a live token of the member carries, with the token."""
    owned = (
        ScimToken.objects.filter(owner=membership)
        .live(now)
        .select_related("directory__workspace")
        .order_by("id")
    )
    return [
        f"{holder_of(token.directory).name} ({token.name})"
        for token in owned
        if has_holder(token.directory)
    ]
