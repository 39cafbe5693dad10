"""Confirmations that a phone is asked for: who is asked, and what a phone answers.

The computer shows two digits and the phone has to name them; there is no way to
approve without. A wrong number denies.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet

from workspaces import confirmations, jobs
from workspaces.confirmation_errors import NotConfirmed, NotPending
from workspaces.factors.kinds import may_confirm
from workspaces.models import Confirmation, Job, PhoneDevice, User
from workspaces.phones import alarm, subscriptions
from workspaces.phones.enrolment import KIND, devices
from workspaces.phones.errors import RequestOver, TooNew, WrongNumber

PUSH = "workspaces.push"
"""The job that sends a push message; the app with the network carries it out."""

LIMITS = ((timedelta(minutes=10), 3), (timedelta(hours=1), 5))
"""So many requests go to the phones of a person that none of them approves."""

_HOW = {
    Confirmation.State.APPROVED: "was approved already",
    Confirmation.State.USED: "was approved already",
    Confirmation.State.DENIED: "was denied already",
    Confirmation.State.ABANDONED: "was cancelled on the computer",
}


class Asked(StrEnum):
    """Whether the phones of a person were asked, and why not."""

    SENT = "sent"
    NO_PHONE = "no_phone"
    TOO_NEW = "too_new"
    BUSY = "busy"
    LIMIT = "limit"


def ask(confirmation: Confirmation, now: datetime) -> None:
    """Ask the phones of the person, in the transaction that opens the confirmation."""
    if _reason_not_to(confirmation, now) is not None:
        return
    confirmations.ask_elsewhere(confirmation, now=now)
    if not subscriptions.is_on():
        return
    for device in _ready(confirmation.user, now):
        if device.sealed_push:
            jobs.enqueue(
                PUSH,
                workspace=confirmation.workspace,
                subject=f"{confirmation.public_id}:{device.public_id}",
                trigger=Job.Trigger.WEB,
                actor=confirmation.user,
                max_failures=4,
                now=now,
            )


def asked(confirmation: Confirmation, *, now: datetime) -> tuple[Asked, str]:
    """Return whether phones were asked, and their names in words."""
    names = [str(device.name) for device in _ready(confirmation.user, now)]
    words = names[0] if len(names) == 1 else f"your {len(names)} phones"
    if confirmation.number is not None:
        return Asked.SENT, words
    return _reason_not_to(confirmation, now) or Asked.LIMIT, words


def may_ask_again(confirmation: Confirmation, *, now: datetime) -> bool:
    """Say whether the phones may be asked anew in place of this request."""
    return not _is_worn(
        Confirmation.objects.filter(user=confirmation.user).exclude(number=None), now
    )


def waiting(device: PhoneDevice, *, now: datetime) -> Confirmation | None:
    """Return the request that the phone should show, None if none waits."""
    if not may_confirm(device, now):
        return None
    return _open(device.user, now).select_related("workspace", "user").first()


def approve(
    device: PhoneDevice, public_id: uuid.UUID, *, number: int, now: datetime
) -> None:
    """Approve with the number of the other screen.

    Raises WrongNumber, which denies; RequestOver; TooNew; Confirmation.DoesNotExist.
    """
    with transaction.atomic(), _over_in_words(public_id):
        found = _locked(device, public_id, now=now)
        if not may_confirm(device, now):
            raise TooNew
        is_right = number == found.number
        if is_right:
            device_id = str(device.public_id)
            confirmations.approve(found, method=KIND, device_id=device_id, now=now)
            device.last_used_at = now
            device.save(update_fields=["last_used_at"])
        else:
            reason = "wrong number on the phone"
            confirmations.deny(found, reason=reason, now=now)
    if not is_right:
        raise WrongNumber


def deny(device: PhoneDevice, public_id: uuid.UUID, *, now: datetime) -> None:
    """Deny a request. Raises RequestOver or Confirmation.DoesNotExist."""
    with transaction.atomic(), _over_in_words(public_id):
        found = _locked(device, public_id, now=now)
        confirmations.deny(found, reason="denied on the phone", now=now)


@transaction.atomic
def not_me(device: PhoneDevice, public_id: uuid.UUID, *, now: datetime) -> None:
    """Deny what waits, end the session that asked, and tell of it.

    Also for a request that is over, but once. Raises RequestOver or
    Confirmation.DoesNotExist.
    """
    User.objects.select_for_update().get(pk=device.user_id)
    found = _of(device, public_id)
    if alarm.was_raised(found):
        raise RequestOver("was reported already")
    for pending in _open(device.user, now).select_related("workspace", "user"):
        confirmations.deny(pending, reason="reported on the phone", now=now)
    alarm.raise_(found, device, now=now)


def _ready(user: User, now: datetime) -> list[PhoneDevice]:
    """Return the phones of a person that may confirm."""
    return [device for device in devices(user) if may_confirm(device, now)]


def _reason_not_to(confirmation: Confirmation, now: datetime) -> Asked | None:
    user = confirmation.user
    if not list(devices(user)):
        return Asked.NO_PHONE
    if not _ready(user, now):
        return Asked.TOO_NEW
    others = Confirmation.objects.filter(user=user).exclude(pk=confirmation.pk)
    others = others.exclude(number=None)
    if others.filter(state=Confirmation.State.PENDING, expires_at__gt=now).exists():
        return Asked.BUSY
    return Asked.LIMIT if _is_worn(others, now) else None


def _is_worn(asked: QuerySet[Confirmation], now: datetime) -> bool:
    """Say whether so many requests were not approved that no more is sent."""
    # What was approved was wanted: only the rest could wear somebody down.
    unwanted = asked.filter(method="")
    return any(
        unwanted.filter(created_at__gt=now - period).count() >= most
        for period, most in LIMITS
    )


def _open(user: User, now: datetime) -> QuerySet[Confirmation]:
    return Confirmation.objects.filter(
        user=user,
        state=Confirmation.State.PENDING,
        number__isnull=False,
        expires_at__gt=now,
    )


def _of(device: PhoneDevice, public_id: uuid.UUID) -> Confirmation:
    """Return a request of the phone's person, and lock it."""
    return (
        Confirmation.objects.select_for_update(of=("self",))
        .select_related("workspace", "user")
        .get(public_id=public_id, user=device.user_id, number__isnull=False)
    )


def _locked(
    device: PhoneDevice, public_id: uuid.UUID, *, now: datetime
) -> Confirmation:
    found = _of(device, public_id)
    if not found.is_pending(now):
        raise RequestOver(_how(found))
    return found


@contextmanager
def _over_in_words(public_id: uuid.UUID) -> Iterator[None]:
    """Say to the phone what the rules of confirmations refuse."""
    try:
        yield
    except NotPending:
        found = Confirmation.objects.get(public_id=public_id)
        raise RequestOver(_how(found)) from None
    except NotConfirmed:
        raise RequestOver("is for something that your role does not allow") from None


def _how(found: Confirmation) -> str:
    return _HOW.get(Confirmation.State(found.state), "has expired")
