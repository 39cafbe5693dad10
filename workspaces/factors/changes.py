"""What happens to the factors of a person: added, renamed, deleted, used up.

Each change is in the audit log of every workspace of the person, and told to them
and to the administrators by e-mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import django_otp
from django.db import transaction
from django.db.models import F

from workspaces import audit
from workspaces.errors import LastFactor, LastWayIn
from workspaces.factors import kinds, notices
from workspaces.models import (
    CodeAttempts,
    Membership,
    PasskeyChallenge,
    PhoneEnrolment,
    RecoveryCodes,
    User,
    Workspace,
)

PASSKEY = "passkey"


@transaction.atomic
def added(device: Any, *, kind: str, now: datetime) -> None:
    """Save a new factor, from when it may confirm a reveal, and tell of it.

    The first factor that a person ever sets up may at once.
    """
    never = User.objects.filter(pk=device.user_id, first_factor_at=None)
    is_first = never.update(first_factor_at=now) == 1
    device.confirms_from = now if is_first else now + kinds.CONFIRMS_AFTER
    device.save()
    _record(audit.Factors.ADDED, device, kind=kind, now=now)


@transaction.atomic
def rename(factor: kinds.Factor, *, name: str) -> None:
    """Give a factor another name."""
    device, before = factor.device, factor.name
    if name == before:
        return
    device.name = name
    device.save(update_fields=["name"])
    for workspace in _workspaces(device.user):
        audit.record(
            audit.Factors.RENAMED,
            workspace=workspace,
            actor=device.user,
            target=device,
            data={"kind": factor.kind, "before": before, "after": name},
        )


@transaction.atomic
def delete(user: User, factor_id: str, *, now: datetime) -> kinds.Factor | None:
    """Delete a factor and return it; None if it is not there any more.

    Recovery codes go with the last other factor. Raises LastFactor if a workspace of
    the person requires two steps and this is the last factor, LastWayIn if this is the
    last passkey of somebody without a password.
    """
    User.objects.select_for_update().get(pk=user.pk)
    factor = kinds.usable_one(user, factor_id, now)
    if factor is None:
        return None
    others = [f for f in kinds.usable(user, now) if f.id != factor_id]
    is_last = all(other.kind == kinds.RECOVERY for other in others)
    if is_last_way_in(user, factor, others):
        raise LastWayIn
    requiring = requires_two_steps(user)
    if is_last and requiring:
        raise LastFactor(requiring.name)
    _record(audit.Factors.DELETED, factor.device, kind=factor.kind, now=now)
    factor.device.delete()
    if is_last:
        RecoveryCodes.objects.filter(user=user).delete()
    return factor


@transaction.atomic
def delete_all(user: User) -> int:
    """Delete every factor of a person, also half set up, and end their sessions.

    Returns how many factors there were. A password stays as it is.
    """
    User.objects.filter(pk=user.pk).update(sessions_ended=F("sessions_ended") + 1)
    count = len(kinds.usable(user))
    for device in django_otp.devices_for_user(user, confirmed=None):
        device.delete()
    for begun in (PhoneEnrolment, PasskeyChallenge, CodeAttempts):
        begun.objects.filter(user=user).delete()
    user.refresh_from_db(fields=["sessions_ended"])
    return count


def is_last_way_in(
    user: User, factor: kinds.Factor, others: Sequence[kinds.Factor]
) -> bool:
    """Say whether nothing else lets the person in: no password, no other passkey."""
    has_other = any(other.kind == PASSKEY for other in others)
    return factor.kind == PASSKEY and not has_other and not user.has_usable_password()


def recovery_code_used(device: RecoveryCodes, *, left: int, now: datetime) -> None:
    """Tell that one of the recovery codes is gone."""
    _record(audit.Factors.RECOVERY_USED, device, kind="recovery", now=now, left=left)


def requires_two_steps(user: User) -> Workspace | None:
    """Return a workspace of the person that requires two steps, None if none does."""
    return Workspace.objects.filter(
        memberships__user=user, require_two_steps=True
    ).first()


def _record(
    action: audit.Factors, device: Any, *, kind: str, now: datetime, **data: int
) -> None:
    workspaces = _workspaces(device.user)
    for number, workspace in enumerate(workspaces or [None]):
        event = audit.record(
            action,
            workspace=workspace,
            actor=device.user,
            target=device,
            data={"kind": kind, **data},
        )
        if workspace:
            notices.tell(event, workspace, to_person=number == 0, now=now)


def _workspaces(user: User) -> list[Workspace]:
    return [membership.workspace for membership in Membership.objects.of(user)]
