"""A way back in for somebody who lost every second factor.

The factors are deleted and all sessions ended. A password stays: it lets them in as
far as setting up a factor. Whoever has none gets a link, as on the first day.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from workspaces import audit, invitations
from workspaces.confirmable import Action
from workspaces.errors import (
    FactorsElsewhereToo,
    NoLongerAllowed,
    OwnFactors,
    RankTooLow,
)
from workspaces.factors import changes, notices
from workspaces.models import Membership, Role, User, Workspace
from workspaces.permissions import Permission, can
from workspaces.ranks import rank

RESET = Action(
    "workspaces.members.reset_factors",
    "reset the second factors of a member",
    "Continue",
    Permission.MANAGE_MEMBERS,
)


@transaction.atomic
def reset(membership: Membership, *, by: Membership, now: datetime) -> int:
    """Take every factor from a member. Returns how many there were.

    Raises MemberError if the rules refuse it.
    """
    Workspace.objects.select_for_update(no_key=True).get(pk=by.workspace_id)
    asking = Membership.objects.select_related("user").filter(pk=by.pk).first()
    membership = Membership.objects.select_related("user", "workspace").get(
        pk=membership.pk
    )
    if asking is None or not can(asking, Permission.MANAGE_MEMBERS):
        raise NoLongerAllowed
    if membership.user_id == asking.user_id:
        raise OwnFactors
    if not outranks(asking, membership):
        raise RankTooLow
    user = membership.user
    if user.is_superuser or user.memberships.exclude(pk=membership.pk).exists():
        raise FactorsElsewhereToo
    count = changes.delete_all(user)
    _tell(membership, count, actor=asking.user, to_person=True, now=now)
    if not user.has_usable_password():
        invitations.invite_provisioned(membership, actor=asking.user, now=now)
    return count


@transaction.atomic
def reset_by_operator(user: User, *, actor: User | None = None, now: datetime) -> int:
    """Take every factor from anybody, for a superuser or whoever has the machine.

    Returns how many there were. Raises OwnFactors.
    """
    if user == actor:
        raise OwnFactors
    count = changes.delete_all(user)
    memberships = list(Membership.objects.of(user).select_related("user", "workspace"))
    if not memberships:
        data: dict[str, str | int | bool | None] = {"email": user.email, "had": count}
        audit.record(audit.Factors.RESET, workspace=None, actor=actor, data=data)
    for number, membership in enumerate(memberships):
        _tell(membership, count, actor=actor, to_person=number == 0, now=now)
    if memberships and not user.has_usable_password():
        invitations.invite_provisioned(memberships[0], actor=actor, now=now)
    return count


def outranks(by: Membership, membership: Membership) -> bool:
    """Say whether one member may reset the factors of another, by their roles."""
    return by.role == Role.OWNER or rank(by.role) > rank(membership.role)


def _tell(
    membership: Membership,
    count: int,
    *,
    actor: User | None,
    to_person: bool,
    now: datetime,
) -> None:
    event = audit.record(
        audit.Factors.RESET,
        workspace=membership.workspace,
        actor=actor,
        target=membership,
        data={"had": count},
    )
    notices.tell(event, membership.workspace, to_person=to_person, now=now)
