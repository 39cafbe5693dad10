"""What stops when somebody is deactivated, told by the apps that know.

Lower apps know memberships only. Whoever hangs something on one registers how to
name it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from workspaces.models import Membership

Describe = Callable[[Membership, datetime], list[str]]
_describers: list[Describe] = []


def register(describe: Describe) -> None:
    """Let `describe` name what of a membership would stop. Again changes nothing."""
    if describe not in _describers:
        _describers.append(describe)


def stopping_with(membership: Membership, *, now: datetime) -> list[str]:
    """Return what stops with the member, each as people know it: `Acme Demo (okta)`."""
    return [name for describe in _describers for name in describe(membership, now)]
