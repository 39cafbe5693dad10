"""Remind of client secrets that will expire, and note those that did, once an hour.

An IdP stops with them.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from tokens.audit import Action
from tokens.models import ClientSecret
from tokens.oauth import notices
from tokens.policy import policy_of
from tokens.watch import LOOK_BACK, days_to_remind, record_once
from workspaces.clock import database_now
from workspaces.models import Job

JOB = "tokens.watch_client_secrets"
EVERY = timedelta(hours=1)


@transaction.atomic
def watch(job: Job) -> dict[str, int]:
    """Tell of the secrets that end soon, on the days of the token policy, and note ends.

    A client that has a younger secret besides needs no reminder of the older one.
    """
    now = database_now()
    remind_days = policy_of(job.workspace).remind_days
    mine = ClientSecret.objects.filter(
        directory__workspace=job.workspace_id
    ).select_related("client", "directory__workspace")
    longest = timedelta(days=max(remind_days))
    ending = mine.last_ones(now).filter(expires_at__lte=now + longest)
    reminded = 0
    for secret in ending:
        days = days_to_remind(secret, remind_days, now)
        if days and record_once(Action.OAUTH_EXPIRY_REMINDED, secret, days=days):
            notices.tell(
                secret,
                notices.Event.EXPIRES,
                actor=None,
                trigger=Job.Trigger.SCHEDULE,
                now=now,
            )
            reminded += 1
    ended = mine.filter(
        revoked_at=None,
        client__revoked_at=None,
        expires_at__lte=now,
        expires_at__gt=now - LOOK_BACK,
    )
    noted = sum(record_once(Action.OAUTH_EXPIRED, secret) for secret in ended)
    return {"ended": noted, "reminded": reminded}
