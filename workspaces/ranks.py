"""Which role is higher than which."""

from __future__ import annotations

from workspaces.models import Role

RANKS = (Role.MEMBER, Role.AUDITOR, Role.ADMIN, Role.SUPER_ADMIN, Role.OWNER)
"""The lowest first. A role has a rank of its own, even where rights are equal."""

GIVEN_BY_IDP = tuple(role for role in reversed(RANKS) if role != Role.OWNER)
"""What a rule may give, the highest first. Owners are made by Owners."""


def rank(role: str) -> int:
    """Return how high a role stands, counted from 0."""
    return RANKS.index(Role(role))
