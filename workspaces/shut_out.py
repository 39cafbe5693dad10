"""Who may not come in: people whom every workspace of theirs has deactivated."""

from __future__ import annotations

from workspaces.models import User


def is_shut_out(user: User) -> bool:
    """Say whether somebody has memberships and none of them is active.

    Superusers keep the Django admin. Takes one query.
    """
    if user.is_superuser:
        return False
    states = set(user.memberships.values_list("is_active", flat=True))
    return states == {False}
