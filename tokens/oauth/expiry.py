"""Remind of client secrets that will expire, once an hour: an IdP stops with them."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from tokens.audit import Action
from tokens.models import ClientSecret
from tokens.oauth import notices
from tokens.policy import policy_of
from tokens.watch import days_to_remind, record_once
from workspaces.clock import database_now
from workspaces.models import Job

JOB = "tokens.watch_client_secrets"
EVERY = timedelta(hours=1)


@transaction.atomic
def watch(job: Job) -> dict[str, int]:
    """Tell administrators of the secrets that end soon, on the days of the token policy.

    A client that has a younger secret besides needs no reminder of the older one.
    """
    now = database_now()
    remind_days = policy_of(job.workspace).remind_days
    ending = (
        ClientSecret.objects.live(now)
        .filter(
            directory__workspace=job.workspace_id,
            client__revoked_at=None,
            expires_at__lte=now + timedelta(days=max(remind_days)),
        )
        .select_related("client", "directory__workspace")
    )
    reminded = 0
    for secret in ending:
        others = secret.client.secrets.live(now)
        if others.filter(expires_at__gt=secret.expires_at).exists():
            continue
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
    return {"reminded": reminded}
