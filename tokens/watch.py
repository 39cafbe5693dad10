"""What becomes of tokens by the mere passing of time, once an hour.

A token ends by itself, without this: its state follows from its columns. Here the
end is written into the audit log, and administrators hear of it beforehand.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from tokens import notices, scheduled_rotation
from tokens.audit import Action
from tokens.holders import has_holder
from tokens.models import ClientSecret, ScimToken
from tokens.policy import policy_of
from workspaces import audit
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, Workspace

JOB = "tokens.watch"
EVERY = timedelta(hours=1)
LOOK_BACK = timedelta(days=30)


@transaction.atomic
def watch(job: Job) -> dict[str, int]:
    """Note the ends of a workspace's tokens, and remind of those that come."""
    now = database_now()
    tokens = ScimToken.objects.filter(
        directory__workspace=job.workspace_id, revoked_at=None
    ).select_related("directory__workspace", "owner__user")
    remind_days = policy_of(job.workspace).remind_days
    return {
        "ended": _note_ends(tokens, now),
        "reminded": _remind(tokens, remind_days, now),
        "unused": _remind_of_unused(tokens, now),
        "rotations": _remind_of_rotations(job.workspace, remind_days, now),
    }


def _note_ends(tokens: QuerySet[ScimToken], now: datetime) -> int:
    since = now - LOOK_BACK
    noted = 0
    for action, ended in (
        (Action.EXPIRED, tokens.filter(expires_at__lte=now, expires_at__gt=since)),
        (
            Action.RETIRED,
            tokens.filter(overlap_ends_at__lte=now, overlap_ends_at__gt=since),
        ),
    ):
        for token in ended:
            noted += record_once(action, token)
    return noted


def _remind(tokens: QuerySet[ScimToken], remind_days: list[int], now: datetime) -> int:
    longest = timedelta(days=max(remind_days))
    reminded = 0
    for token in tokens.filter(
        replaced_by=None, expires_at__gt=now, expires_at__lte=now + longest
    ):
        days = days_to_remind(token, remind_days, now)
        if days is None:
            continue
        reminded += _tell_once(
            Action.EXPIRY_REMINDED, notices.Event.EXPIRES, token, now, days=days
        )
    return reminded


def _remind_of_rotations(
    workspace: Workspace, remind_days: list[int], now: datetime
) -> int:
    """Tell when a rotation can be seen to be due, on the later days, and at its end."""
    reminded = 0
    for due in scheduled_rotation.dues(workspace, now=now):
        if not due.is_open:
            continue
        days = max(0, math.ceil((due.at - now) / timedelta(days=1)))
        lead = due.token.directory.rotation_schedule.lead_days
        marks = {0, lead, *(day for day in remind_days if day < lead)}
        mark = min(day for day in marks if days <= day)
        reminded += _tell_once(
            Action.ROTATION_REMINDED,
            notices.Event.ROTATION_DUE,
            due.token,
            now,
            days=mark,
        )
    return reminded


def _remind_of_unused(tokens: QuerySet[ScimToken], now: datetime) -> int:
    """Tell of old tokens that stop within a day while their successors lie about."""
    day = timedelta(days=1)
    reminded = 0
    for token in tokens.filter(
        overlap_ends_at__gt=now,
        overlap_ends_at__lte=now + day,
        last_used_at__isnull=False,
        replaced_by__last_used_at=None,
        replaced_by__revoked_at=None,
        replaced_by__created_at__lte=now - day,
    ):
        reminded += _tell_once(
            Action.OVERLAP_REMINDED, notices.Event.OVERLAP_ENDS, token, now
        )
    return reminded


def _tell_once(
    action: Action, event: notices.Event, token: ScimToken, now: datetime, **data: int
) -> int:
    """Write down that people are told, and tell them, unless they were."""
    if not has_holder(token.directory) or not record_once(action, token, **data):
        return 0
    trigger = Job.Trigger.SCHEDULE
    notices.tell(token, event, actor=None, trigger=trigger, now=now)
    return 1


def days_to_remind(
    token: ScimToken | ClientSecret, remind_days: list[int], now: datetime
) -> int | None:
    """Return which reminder is due before the end of a token: of so many days.

    None if it lives longer, or if its whole life is within the reminder.
    """
    assert token.expires_at is not None  # noqa: S101  what never ends is not asked of
    left, life = token.expires_at - now, token.expires_at - token.created_at
    due = [days for days in remind_days if left <= timedelta(days=days)]
    is_short_lived = bool(due) and life <= timedelta(days=min(due))
    return None if is_short_lived else min(due, default=None)


def record_once(action: Action, token: ScimToken | ClientSecret, **data: int) -> int:
    """Write an event unless it is there. Returns how many were written."""
    workspace = token.directory.workspace
    known = AuditEvent.objects.filter(
        workspace=workspace,
        action=action,
        target_id=token.key,
        **{f"data__{name}": value for name, value in data.items()},
    )
    if known.exists():
        return 0
    audit.record(
        action,
        workspace=workspace,
        actor=None,
        target=token,
        data={"directory": token.directory.key, **data},
    )
    return 1
