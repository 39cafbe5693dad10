"""Which role is higher than which. Nobody gives or takes one above their own."""

from __future__ import annotations

from workspaces.errors import RoleTooHigh
from workspaces.models import Membership, Role

RANKS = (Role.MEMBER, Role.AUDITOR, Role.ADMIN, Role.SUPER_ADMIN, Role.OWNER)
"""The lowest first. A role has a rank of its own, even where rights are equal."""

GIVEN_BY_IDP = tuple(role for role in reversed(RANKS) if role != Role.OWNER)
"""What a rule may give, the highest first. Owners are made by Owners."""


def rank(role: str) -> int:
    """Return how high a role stands, counted from 0."""
    return RANKS.index(Role(role))


def require_rank(by: Membership, *roles: Role) -> None:
    """Raise RoleTooHigh if one of the roles is above that of whoever asks."""
    highest = max(roles, key=rank)
    if rank(highest) > rank(by.role):
        raise RoleTooHigh(highest)
