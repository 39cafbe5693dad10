"""Tokens that hang on a member: they work as long as the member may manage tokens.

A token without an owner is the workspace's. One that was made for a member keeps
that member's name, so that it does not become the workspace's when the membership
ends: its state is "owner inactive" from then on, for good. Directory Sync can be
told to hand it over to the workspace before.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from tokens import owner_notices
from tokens.audit import Action
from tokens.holders import has_holder, holder_of
from tokens.models import OWNER_ROLES, ScimToken, ScimTokenQuerySet
from tokens.owner_notices import Outcome
from workspaces import audit
from workspaces.belongings import AtStake, Cause
from workspaces.clock import database_now
from workspaces.models import Membership, Role


def at_stake(membership: Membership, role: Role | None) -> list[AtStake]:
    """Return the tokens that stop if the membership gets a role, None if it ends."""
    tokens = _that_stop(membership, role, database_now())
    return [_described(token) for token in tokens]


def note(membership: Membership, role: Role | None, cause: Cause) -> None:
    """Write into the audit log which tokens stop with a change of a membership.

    Where its cause says why, the administrators get a mail.
    """
    now = database_now()
    tokens = list(_that_stop(membership, role, now))
    for token in tokens:
        audit.record(
            Action.OWNER_ENDED,
            workspace=membership.workspace,
            actor=cause.by,
            target=token,
            data={"directory": token.directory.key, "owner": token.owner_label},
        )
    if cause.why:
        owner_notices.tell(tokens, Outcome.STOPPED, cause.why, now=now)


@transaction.atomic
def hand_over(membership: Membership, role: Role | None, cause: Cause) -> None:
    """Make the workspace's what would stop with a change of a membership."""
    now = database_now()
    tokens = list(
        _that_stop(membership, role, now).select_for_update(of=("self",), no_key=True)
    )
    ScimToken.objects.filter(pk__in=[token.pk for token in tokens]).update(
        owner=None, owner_label=""
    )
    for token in tokens:
        audit.record(
            Action.HANDED_OVER,
            workspace=membership.workspace,
            actor=cause.by,
            target=token,
            data={"directory": token.directory.key, "former_owner": token.owner_label},
        )
    owner_notices.tell(tokens, Outcome.HANDED_OVER, cause.why, now=now)


def _that_stop(
    membership: Membership, role: Role | None, now: datetime
) -> ScimTokenQuerySet:
    owned = ScimToken.objects.live(now).filter(owner=membership)
    if role in OWNER_ROLES:
        return owned.none()
    return owned.select_related("directory__workspace").order_by("id")


def _described(token: ScimToken) -> AtStake:
    directory = token.directory
    if not has_holder(directory):
        return AtStake(name=str(token), effect="The IdP can no longer sign in with it.")
    holder = holder_of(directory)
    is_replaced = token.replaced_by_id is not None
    return AtStake(
        name=f"{token} of {holder.name}",
        effect=f"{holder.caller} can no longer provision {holder.user_count} users."
        if not is_replaced
        else "It is replaced already, and would have worked on for a while.",
        mend_url=""
        if is_replaced
        else reverse("tokens:rotate", args=[directory.key, token.key]),
        mend_label="Generate new token",
    )
