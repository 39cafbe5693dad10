"""Answer a confirmation here: by a one-time password, a recovery code or a passkey.

A phone answers in `workspaces.phones.requests`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from workspaces import audit, confirmations
from workspaces.confirmable import Asker
from workspaces.confirmation_errors import (
    NotConfirmed,
    NotPending,
    Reason,
    TooManyAttempts,
    WrongCode,
    WrongPasskey,
)
from workspaces.factors import codes, passkeys
from workspaces.models import Confirmation

MAX_FAILURES = 5
"""Wrong codes in one confirmation; then it is denied."""


def approve_by_code(
    confirmation: Confirmation,
    *,
    by: Asker,
    device_id: str,
    code: str,
    now: datetime,
) -> None:
    """Approve with a one-time password or a recovery code.

    Raises WrongCode, which counts; NotPending if it was decided or has expired, or
    is of somebody else; TooManyAttempts if the device or the person must wait.
    """
    with transaction.atomic():
        # One code at a time per person, whatever the sessions and addresses.
        confirmations.hold(by.user)
        error = _try_code(confirmation, by=by, device_id=device_id, code=code, now=now)
    if error is not None:
        raise error


def _try_code(
    confirmation: Confirmation,
    *,
    by: Asker,
    device_id: str,
    code: str,
    now: datetime,
) -> Exception | None:
    """Return the error instead of raising it: what it counted must be committed."""
    confirmation = Confirmation.objects.select_for_update().get(pk=confirmation.pk)
    if not confirmations.is_of(confirmation, by) or not confirmation.is_pending(now):
        return NotPending()
    until = confirmations.codes_until(by.user, now=now)
    if until is not None:
        return TooManyAttempts(until)
    factor = confirmations.factor_of(by.user, device_id, now=now)
    if factor is None or not factor.takes_code:
        return _failed(confirmation, now=now)
    try:
        device = codes.verify_code(by.user, device_id, code, now=now)
    except codes.TooManyAttempts as locked:
        error = _failed(confirmation, now=now)
        is_over = isinstance(error, NotPending)
        return error if is_over else TooManyAttempts(locked.retry_at)
    if device is None:
        return _failed(confirmation, now=now)
    try:
        confirmations.approve(
            confirmation, method=factor.kind, device_id=device_id, now=now
        )
    except (NotConfirmed, NotPending) as error:
        return error
    return None


def passkey_purpose(confirmation: Confirmation) -> str:
    """Return what a passkey signs for: this one confirmation."""
    return f"confirm:{confirmation.public_id.hex}"


def approve_by_passkey(
    confirmation: Confirmation,
    *,
    by: Asker,
    challenge_id: str,
    answer: Any,
    now: datetime,
) -> None:
    """Approve with a passkey that signed the challenge of this confirmation.

    Raises WrongPasskey, which counts; NotPending if it was decided or has expired, or
    is of somebody else. Call it outside of a transaction.
    """
    if not confirmations.is_of(confirmation, by) or not confirmation.is_pending(now):
        raise NotPending
    purpose = passkey_purpose(confirmation)
    try:
        device = passkeys.complete(
            by.user, challenge_id, answer, purpose=purpose, now=now
        )
    except passkeys.PasskeyRefused:
        device = None
    device_id = str(device.public_id) if device else ""
    if confirmations.factor_of(by.user, device_id, now=now) is None:
        _refuse_passkey(confirmation, by=by, now=now)
    confirmations.approve(
        confirmation, method=passkeys.KIND, device_id=device_id, now=now
    )


def _refuse_passkey(confirmation: Confirmation, *, by: Asker, now: datetime) -> None:
    with transaction.atomic():
        confirmations.hold(by.user)
        confirmation = Confirmation.objects.select_for_update().get(pk=confirmation.pk)
        is_pending = confirmation.is_pending(now)
        error = _failed(confirmation, now=now) if is_pending else NotPending()
    raise WrongPasskey if isinstance(error, WrongCode) else error


def _failed(confirmation: Confirmation, *, now: datetime) -> Exception:
    """Count a wrong code; the last one that is allowed denies."""
    confirmation.failures += 1
    confirmation.last_failure_at = now
    confirmation.save(update_fields=["failures", "last_failure_at"])
    left = MAX_FAILURES - confirmation.failures
    confirmations.record(audit.Confirmations.FAILED, confirmation, left=left)
    if left > 0:
        return WrongCode(left)
    confirmations.deny(confirmation, reason=Reason.LIMIT, now=now)
    return NotPending()
