"""What becomes of tokens by the mere passing of time, once an hour.

A token ends by itself, without this: its state follows from its columns. Here the
end is written into the audit log, and administrators hear of it beforehand.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from tokens import notices
from tokens.audit import Action
from tokens.holders import has_holder
from tokens.models import ClientSecret, ScimToken
from workspaces import audit
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job

JOB = "tokens.watch"
EVERY = timedelta(hours=1)
REMIND_DAYS = (90, 30, 7, 1)
LOOK_BACK = timedelta(days=30)


@transaction.atomic
def watch(job: Job) -> dict[str, int]:
    """Note the ends of a workspace's tokens, and remind of those that come."""
    now = database_now()
    tokens = ScimToken.objects.filter(
        directory__workspace=job.workspace_id, revoked_at=None
    ).select_related("directory__workspace", "owner__user")
    return {
        "ended": _note_ends(tokens, now),
        "reminded": _remind(tokens, now),
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


def _remind(tokens: QuerySet[ScimToken], now: datetime) -> int:
    longest = timedelta(days=max(REMIND_DAYS))
    reminded = 0
    for token in tokens.filter(
        replaced_by=None, expires_at__gt=now, expires_at__lte=now + longest
    ):
        assert token.expires_at is not None  # noqa: S101  filtered by it
        left = token.expires_at - now
        days = min(d for d in REMIND_DAYS if left <= timedelta(days=d))
        if token.expires_at - token.created_at <= timedelta(days=days):
            # So short-lived that its whole life is within the reminder.
            continue
        if has_holder(token.directory) and record_once(
            Action.EXPIRY_REMINDED, token, days=days
        ):
            notices.tell(
                token,
                notices.Event.EXPIRES,
                actor=None,
                trigger=Job.Trigger.SCHEDULE,
                now=now,
            )
            reminded += 1
    return reminded


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
