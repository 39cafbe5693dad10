"""Show the value of a kept token again, after a confirmation, and say who may not.

A value is kept only where the directory's rule says **after confirmation**, as
ciphertext that is bound to tenant, table, row and column.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from tokens import notices
from tokens.audit import Action
from tokens.confirmed import VIEW, subject_of
from tokens.errors import NotRevealable, OnlyOwners
from tokens.holders import has_holder
from tokens.models import ScimToken
from tokens.panel import AGAIN
from tokens.services import value_address
from workspaces import audit, confirmations, secrets, sync_reach
from workspaces.confirmable import Asker
from workspaces.models import Directory, Membership
from workspaces.permissions import Permission, can

ONCE = Directory.RevealRule.ONCE


def can_reveal(token: ScimToken, now: datetime) -> bool:
    """Say whether the value is kept and still opens something."""
    return (
        token.directory.reveal_rule == AGAIN
        and bool(token.sealed_value)
        and token.state(now).is_live
    )


@transaction.atomic
def reveal(token: ScimToken, *, by: Asker, confirmation_id: str, now: datetime) -> str:
    """Use the confirmation up and return the value; it is written down before.

    Raises NotConfirmed, which changes nothing; NotRevealable if the value is not
    kept; UnreadableSecret if its key is gone; ReachesTooHigh.
    """
    token = _locked(token)
    sync_reach.require_reach(token.directory, by.user)
    if not can_reveal(token, now):
        raise NotRevealable
    used = confirmations.use(
        VIEW, subject_of(token), by=by, confirmation_id=confirmation_id, now=now
    )
    audit.record(
        Action.VIEWED,
        workspace=token.directory.workspace,
        actor=by.user,
        target=token,
        data={
            "directory": token.directory.key,
            "confirmation": str(used.public_id),
            "method": used.method,
        },
    )
    if has_holder(token.directory):
        notices.tell(token, notices.Event.VIEWED, actor=by.user, now=now)
    return secrets.decrypt(token.sealed_value, value_address(token))


@transaction.atomic
def set_rule(
    directory: Directory, rule: Directory.RevealRule, *, by: Membership
) -> int:
    """Say whether tokens can be seen again. Returns how many values that destroyed.

    **Once** destroys what is kept, at once and for good. **After confirmation**
    holds for tokens that are made from now on. Raises OnlyOwners.
    """
    directory = (
        Directory.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=directory.pk)
    )
    present = Membership.objects.select_related("user").get(pk=by.pk)
    if not can(present, Permission.MANAGE_POLICY):
        raise OnlyOwners
    if directory.reveal_rule == rule:
        return 0
    directory.reveal_rule = rule
    directory.save(update_fields=["reveal_rule"])
    destroyed = 0
    if rule == ONCE:
        kept = ScimToken.objects.filter(directory=directory).exclude(sealed_value="")
        destroyed = kept.update(sealed_value="")
    audit.record(
        Action.REVEAL_RULE_CHANGED,
        workspace=directory.workspace,
        actor=present.user,
        target=directory,
        data={"rule": rule, "destroyed": destroyed},
    )
    return destroyed


def _locked(token: ScimToken) -> ScimToken:
    return (
        ScimToken.objects.select_for_update(of=("self",))
        .select_related("directory__workspace", "owner__user")
        .get(pk=token.pk)
    )
