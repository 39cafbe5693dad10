"""Take people for who they are when a sync meets their primary identifier."""

from __future__ import annotations

from datetime import datetime

from integrations.desired import ObservedAccount
from integrations.models import AppAccount, Provisioning
from integrations.provisioning import identity
from integrations.syncing import matching
from scim.models import Resource
from scim.protocol.errors import Uniqueness


def give_to_owner(row: AppAccount, owners: list[int], now: datetime) -> None:
    """Match an account that only the app knows to the user with its identifier.

    `owners` are the database ids of all who have it. A user who has an account
    already keeps that. Raises Refused.
    """
    others = [pk for pk in owners if pk != row.resource_id]
    if len(others) != 1:
        return
    mine = Provisioning.objects.filter(matching.UNMATCHED, account=row).first()
    if mine is None:
        return
    target = matching.candidates(row.integration).filter(resource=others[0]).first()
    if target is not None:
        matching.match(mine, target, actor=None, now=now)


def refuse_contradiction(user: Resource, account: ObservedAccount) -> None:
    """Raise Uniqueness if the user of the account's name is somebody else."""
    attribute = identity.contradicts(user, account)
    if attribute is not None:
        raise Uniqueness(
            f"A user of this directory has this user name and another "
            f"{attribute.label or attribute.name}. Rename one of the two."
        )
