"""Confirm who somebody is before an action: ask, approve, deny, use.

An approval lives two minutes and a request ten; both serve one action on one
subject, for one person in one session and workspace, once. Every decision is one
conditional UPDATE, so that of two at the same moment one counts.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from workspaces import audit
from workspaces.confirmable import Action, Asker, Subject, action_of
from workspaces.confirmation_errors import (
    NotConfirmed,
    NotPending,
    Reason,
    TooManyAttempts,
)
from workspaces.factors.kinds import RECOVERY, Factor, usable
from workspaces.key_ring import in_use
from workspaces.models import (
    Confirmation,
    Membership,
    RecoveryCodes,
    User,
)
from workspaces.permissions import can

APPROVAL_LIVES = timedelta(minutes=2)
REQUEST_LIVES = timedelta(minutes=10)
HOUR = timedelta(hours=1)
FAILURES_AN_HOUR = 15
REQUESTS_AN_HOUR = 30

_SESSION_KEY = "confirmation"
_SESSION = b"workspaces.confirmation.session\x1f"
_STANDING = b"workspaces.confirmation.standing\x1f"


_asking: list[Callable[[Confirmation, datetime], None]] = []


def when_requested(ask: Callable[[Confirmation, datetime], None]) -> None:
    """Let `ask` know of each new confirmation, in the transaction that makes it."""
    if ask not in _asking:
        _asking.append(ask)


def session_digest(session: Any) -> str:
    """Return what ties a confirmation to a session; the session's id may change.

    It is a keyed digest of a random value that only the session holds.
    """
    if _SESSION_KEY not in session:
        session[_SESSION_KEY] = secrets.token_urlsafe(32)
    return _digest(_SESSION, session[_SESSION_KEY])


def methods_of(user: User, *, now: datetime) -> list[Factor]:
    """Return the factors that may confirm, the preferred one first."""
    return [factor for factor in usable(user, now) if factor.may_confirm]


def codes_until(user: User, *, now: datetime) -> datetime | None:
    """Return until when somebody's codes are refused; None if they are not.

    Counts the wrong codes of an hour in all sessions, and heals by itself.
    """
    failed = Confirmation.objects.filter(user=user, last_failure_at__gt=now - HOUR)
    count = failed.aggregate(count=Sum("failures"))["count"] or 0
    if count < FAILURES_AN_HOUR:
        return None
    times = failed.order_by("last_failure_at").values_list("last_failure_at", flat=True)
    return (times[0] or now) + HOUR


def requests_until(user: User, *, now: datetime) -> datetime | None:
    """Return until when somebody can open no confirmation; None if they can."""
    asked = Confirmation.objects.filter(user=user, created_at__gt=now - HOUR)
    latest = asked.order_by("-created_at").values_list("created_at", flat=True)
    times = list(latest[:REQUESTS_AN_HOUR])
    if len(times) < REQUESTS_AN_HOUR:
        return codes_until(user, now=now)
    return times[-1] + HOUR


def request_(
    action: Action,
    subject: Subject,
    *,
    by: Asker,
    path: str,
    back_path: str,
    is_step: bool,
    now: datetime,
) -> Confirmation:
    """Open a confirmation; an open one of the same session is abandoned.

    Raises TooManyAttempts if the person has used up theirs of this hour.
    """
    with transaction.atomic():
        user = hold(by.user)
        until = requests_until(user, now=now)
        if until is not None:
            record_refusal(action, subject, by=by, reason=Reason.LIMIT)
        else:
            _abandon_others(by, now=now)
            made = Confirmation.objects.create(
                workspace=by.workspace,
                user=user,
                session_digest=by.session_digest,
                action=action.name,
                subject=subject.id,
                subject_label=subject.label[:254],
                path=path,
                back_path=back_path,
                is_step=is_step,
                created_at=now,
                expires_at=now + REQUEST_LIVES,
                address=audit.origin.get().address,
                client=by.client[:200],
            )
            record(audit.Confirmations.REQUESTED, made)
            for ask in _asking:
                ask(made, now)
    if until is not None:
        raise TooManyAttempts(until)
    return made


@transaction.atomic
def ask_elsewhere(confirmation: Confirmation, *, now: datetime) -> int:
    """Give a pending confirmation the two digits that another device must repeat.

    Raises NotPending if it was decided meanwhile.
    """
    number = secrets.randbelow(90) + 10
    if not _pending(confirmation, now).update(number=number):
        raise NotPending
    confirmation.number = number
    return number


@transaction.atomic
def approve(
    confirmation: Confirmation, *, method: str, device_id: str, now: datetime
) -> None:
    """Approve what a factor has proven, here or on another device.

    Raises NotPending if it was decided meanwhile, NotConfirmed if the person may
    not do the action any more.
    """
    membership = _member(confirmation)
    if not can(membership, action_of(confirmation.action).permission):
        raise NotConfirmed(Reason.NO_RIGHT)
    assert membership is not None  # noqa: S101  nobody can do nothing
    changed = _pending(confirmation, now).update(
        state=Confirmation.State.APPROVED,
        method=method,
        device=device_id,
        standing=_standing(membership),
        decided_at=now,
        expires_at=now + APPROVAL_LIVES,
    )
    if not changed:
        raise NotPending
    confirmation.method = method
    record(audit.Confirmations.APPROVED, confirmation)


@transaction.atomic
def deny(confirmation: Confirmation, *, reason: str, now: datetime) -> None:
    """Refuse a pending confirmation for good. Raises NotPending."""
    changed = _pending(confirmation, now).update(
        state=Confirmation.State.DENIED, decided_at=now
    )
    if not changed:
        raise NotPending
    record(audit.Confirmations.DENIED, confirmation, reason=reason)


@transaction.atomic
def abandon(confirmation: Confirmation, *, now: datetime) -> None:
    """Note that the person went away from it. Without effect if it is decided."""
    changed = Confirmation.objects.filter(
        pk=confirmation.pk, state=Confirmation.State.PENDING
    ).update(state=Confirmation.State.ABANDONED, decided_at=now)
    if changed:
        record(audit.Confirmations.ABANDONED, confirmation)


@transaction.atomic
def use(
    action: Action,
    subject: Subject,
    *,
    by: Asker,
    confirmation_id: str = "",
    now: datetime,
) -> Confirmation:
    """Use up an approved confirmation, in the transaction of what it is for.

    Without an id it is the latest of the session for this action and subject.
    Rights are read again here. Raises NotConfirmed with the reason; who catches it
    outside of the transaction tells `record_refusal`.
    """
    membership = _present(by)
    if not can(membership, action.permission):
        raise NotConfirmed(Reason.NO_RIGHT)
    assert membership is not None  # noqa: S101  nobody can do nothing
    found = _named(action, subject, by=by, confirmation_id=confirmation_id)
    if found.state == Confirmation.State.USED:
        raise NotConfirmed(Reason.REPLAYED)
    if not found.is_approved(now):
        raise NotConfirmed(Reason.NOT_APPROVED)
    if not _stands(found, membership, now=now):
        raise NotConfirmed(Reason.CHANGED)
    changed = Confirmation.objects.filter(
        pk=found.pk, state=Confirmation.State.APPROVED, expires_at__gt=now
    ).update(state=Confirmation.State.USED, used_at=now)
    if not changed:
        raise NotConfirmed(Reason.REPLAYED)
    record(audit.Confirmations.USED, found)
    return found


def is_recent(action: Action, subject: Subject, *, by: Asker, now: datetime) -> bool:
    """Say whether the session confirmed lately enough for an optional action.

    That is within the workspace's minutes, whatever it was for, unless the action asks
    each time; or an approval of this very action and subject that has not been used.
    """
    mine = _of_session(by).exclude(method="")
    minutes = timedelta(minutes=by.workspace.confirm_minutes)
    lately = Q(decided_at__gt=now - minutes)
    for_this = Q(
        action=action.name,
        subject=subject.id,
        state=Confirmation.State.APPROVED,
        expires_at__gt=now,
    )
    return any(
        _stands(confirmation, by.membership, now=now)
        for confirmation in mine.filter(
            for_this if action.is_always else lately | for_this
        )[:10]
    )


def record_refusal(
    action: Action, subject: Subject, *, by: Asker, reason: Reason
) -> None:
    """Write down that somebody tried the action without being confirmed."""
    audit.record(
        audit.Confirmations.REFUSED,
        workspace=by.workspace,
        actor=by.user,
        data={"action": action.name, "subject": subject.label, "reason": reason},
    )


def _abandon_others(by: Asker, *, now: datetime) -> None:
    pending = _of_session(by).filter(state=Confirmation.State.PENDING)
    for former in pending.select_related("workspace", "user"):
        abandon(former, now=now)


def _named(
    action: Action, subject: Subject, *, by: Asker, confirmation_id: str
) -> Confirmation:
    """Return the confirmation that is meant, which must be bound to all of these."""
    bound = _of_session(by).filter(action=action.name, subject=subject.id)
    if confirmation_id:
        bound = bound.filter(public_id=confirmation_id)
    found = bound.select_related("workspace", "user").first()
    if found is None:
        raise NotConfirmed(Reason.FOREIGN if confirmation_id else Reason.NONE)
    return found


def _of_session(by: Asker) -> QuerySet[Confirmation]:
    return Confirmation.objects.filter(
        workspace=by.workspace, user=by.user, session_digest=by.session_digest
    )


def is_of(confirmation: Confirmation, by: Asker) -> bool:
    return (
        confirmation.user_id == by.user.pk
        and confirmation.workspace_id == by.workspace.pk
        and hmac.compare_digest(confirmation.session_digest, by.session_digest)
    )


def _pending(confirmation: Confirmation, now: datetime) -> QuerySet[Confirmation]:
    return Confirmation.objects.filter(
        pk=confirmation.pk, state=Confirmation.State.PENDING, expires_at__gt=now
    )


def _member(confirmation: Confirmation) -> Membership | None:
    """Return the membership of now, None if it or the person is gone."""
    return (
        Membership.objects.select_related("user", "workspace")
        .filter(
            workspace=confirmation.workspace_id,
            user=confirmation.user_id,
            user__is_active=True,
        )
        .first()
    )


def hold(user: User) -> User:
    """Let one request or code of a person be looked at at a time.

    Rows that point to the person, such as audit events, can be written meanwhile.
    """
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _present(by: Asker) -> Membership | None:
    """Return the membership read again and held until the transaction ends."""
    return (
        Membership.objects.select_for_update(no_key=True, of=("self", "user"))
        .select_related("user", "workspace")
        .filter(pk=by.membership.pk, user__is_active=True)
        .first()
    )


def _stands(found: Confirmation, membership: Membership, *, now: datetime) -> bool:
    """Say whether password, role and factor are those that it was approved with."""
    same = hmac.compare_digest(found.standing, _standing(membership))
    return same and _is_there(membership.user, found, now=now)


def _standing(membership: Membership) -> str:
    user = membership.user
    parts = (str(user.pk), user.password, str(membership.pk), membership.role)
    return _digest(_STANDING, "\x1f".join(parts))


def factor_of(user: User, device_id: str, *, now: datetime) -> Factor | None:
    """Return a factor of the person that may confirm, None if it is none."""
    by_id = {factor.id: factor for factor in methods_of(user, now=now)}
    return by_id.get(device_id)


def _is_there(user: User, found: Confirmation, *, now: datetime) -> bool:
    """Say whether the factor that approved is still set up."""
    if found.method == RECOVERY:
        # The code that approved may have been the last one of its set.
        codes_of = RecoveryCodes.objects.filter(user=user, public_id=found.device)
        return codes_of.exists()
    return factor_of(user, found.device, now=now) is not None


def _digest(purpose: bytes, value: str) -> str:
    ring = settings.KEYWAY_TOKEN_KEYS
    message = purpose + value.encode()
    return hmac.new(ring[in_use(ring)], message, hashlib.sha256).hexdigest()


def record(
    action: audit.Confirmations, confirmation: Confirmation, **data: str | int
) -> None:
    method = {"method": confirmation.method} if confirmation.method else {}
    audit.record(
        action,
        workspace=confirmation.workspace,
        actor=confirmation.user,
        target=confirmation,
        data={"action": confirmation.action, **method, **data},
    )
