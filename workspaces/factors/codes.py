"""Check a code, and count the wrong ones.

They are counted by person, so that more sessions, addresses or devices win no more
tries; and apart for each purpose, so that a guesser elsewhere locks nobody's log-in.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction

from workspaces.clock import database_now
from workspaces.factors.kinds import kind_named, usable_one
from workspaces.models import CodeAttempts, User

FREE_FAILURES = 3
FIRST_LOCK = timedelta(minutes=5)
LONGEST_LOCK = timedelta(hours=1)


class Purpose(StrEnum):
    """What a code is asked for."""

    LOG_IN = "log_in"
    CONFIRM = "confirm"


class TooManyAttempts(Exception):
    """No code is looked at before `retry_at`."""

    def __init__(self, retry_at: datetime) -> None:
        super().__init__("Too many wrong codes.")
        self.retry_at = retry_at


@transaction.atomic
def verify_code(
    user: User,
    device_id: str,
    code: str,
    *,
    purpose: str = Purpose.CONFIRM,
    now: datetime | None = None,
) -> Any | None:
    """Return the device whose code this is, used up from now on; None if it is wrong.

    `device_id` is the `id` of a Factor. The third wrong code in a row locks all codes
    of the person for 5 minutes, each further one for twice as long, up to an hour.
    Raises TooManyAttempts while they are locked, also for a right code.
    """
    now = now or database_now()
    attempts = _locked_row(user, purpose)
    if attempts.is_locked(now) and attempts.locked_until:
        raise TooManyAttempts(attempts.locked_until)
    factor = usable_one(user, device_id, now)
    verify = kind_named(factor.kind).verify if factor else None
    if factor and verify and verify(factor.device, _typed(code), now):
        _forget(attempts)
        return factor.device
    _count(attempts, now)
    return None


def locked_until(user: User, *, purpose: str, now: datetime) -> datetime | None:
    """Return until when no code of a person is looked at, None if one is."""
    row = CodeAttempts.objects.filter(user=user, purpose=purpose).first()
    return row.locked_until if row and row.is_locked(now) else None


def _typed(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()[:40]


def _locked_row(user: User, purpose: str) -> CodeAttempts:
    CodeAttempts.objects.get_or_create(user=user, purpose=purpose)
    return CodeAttempts.objects.select_for_update().get(user=user, purpose=purpose)


def _forget(attempts: CodeAttempts) -> None:
    if attempts.failures:
        attempts.failures, attempts.locked_until = 0, None
        attempts.save(update_fields=["failures", "locked_until"])


def _count(attempts: CodeAttempts, now: datetime) -> None:
    attempts.failures += 1
    beyond = attempts.failures - FREE_FAILURES
    if beyond >= 0:
        # 2 to the 4th is beyond the longest lock already.
        attempts.locked_until = now + min(
            LONGEST_LOCK, FIRST_LOCK * 2 ** min(beyond, 4)
        )
    attempts.save(update_fields=["failures", "locked_until"])
