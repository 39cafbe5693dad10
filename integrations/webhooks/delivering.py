"""Send what waits: sign it, note how it went, try again, give an endpoint up."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from integrations.models import WebhookDelivery, WebhookEndpoint
from integrations.webhooks import endpoints, sending
from integrations.webhooks.sending import Outcome
from integrations.webhooks.signing import signed_headers
from workspaces import jobs
from workspaces.clock import database_now
from workspaces.models import Job
from workspaces.secrets import UnreadableSecret

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Before each further attempt, as Standard Webhooks proposes: three days in all."""

MAX_FAILURES = len(WAITS) + 1
GIVEN_UP_AFTER = timedelta(days=5)
PRUNE = "integrations.prune_webhooks"
PRUNE_EVERY = timedelta(days=1)
_PRUNE_BATCH = 5_000


def carry_out(job: Job) -> dict[str, str]:
    """Send one message. Raises RetryLater or GiveUp, with the reason."""
    delivery = (
        WebhookDelivery.objects.select_related("endpoint__workspace")
        .filter(workspace=job.workspace_id, public_id=job.subject)
        .first()
    )
    if delivery is None:
        return {"note": "The endpoint is gone."}
    endpoint = delivery.endpoint
    if endpoint.turned_off_at is not None:
        raise jobs.GiveUp("The endpoint is turned off.")
    outcome = _attempted(delivery)
    now = database_now()
    _note(delivery, outcome, now=now)
    if not outcome.error:
        return {"note": "Delivered."}
    if reason := _why_it_ends(endpoint, outcome, now=now):
        endpoints.turn_off(endpoint, reason, actor=None, now=now)
        raise jobs.GiveUp(outcome.error)
    wait = WAITS[min(job.failures, len(WAITS) - 1)]
    raise jobs.RetryLater(
        outcome.error, after=max(wait, outcome.retry_after or timedelta(0))
    )


def _attempted(delivery: WebhookDelivery) -> Outcome:
    now = database_now()
    body = delivery.body.encode()
    try:
        secrets = endpoints.signing_secrets(delivery.endpoint, now=now)
    except UnreadableSecret:
        return Outcome(
            0,
            error="The secret of the endpoint cannot be read with the present "
            "encryption keys. Replace the secret.",
        )
    headers = signed_headers(delivery.message_id, body, secrets=secrets, at=now)
    return sending.send(delivery.endpoint.url, body, headers)


@transaction.atomic
def _note(delivery: WebhookDelivery, outcome: Outcome, *, now: datetime) -> None:
    """Write down how an attempt went, and since when the endpoint fails."""
    state = WebhookDelivery.State
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=state.WAITING if outcome.error else state.DELIVERED,
        attempts=F("attempts") + 1,
        status=outcome.status,
        milliseconds=outcome.milliseconds,
        error=outcome.error[:300],
        attempted_at=now,
    )
    endpoint = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    if not outcome.error:
        endpoint.exclude(failing_since=None).update(failing_since=None)
    elif endpoint.filter(failing_since=None).update(failing_since=now):
        delivery.endpoint.failing_since = now


def _why_it_ends(endpoint: WebhookEndpoint, outcome: Outcome, *, now: datetime) -> str:
    """Return why nothing more should be sent there, empty if it should."""
    if outcome.is_gone:
        return "It answered 410: it wants no more messages."
    since = endpoint.failing_since
    if since is not None and now - since >= GIVEN_UP_AFTER:
        return f"It has failed for {GIVEN_UP_AFTER.days} days. {outcome.error}"
    return ""


def gave_up(job: Job, reason: str) -> None:
    """Note on the page that the message is not tried any more."""
    WebhookDelivery.objects.filter(
        workspace=job.workspace_id, public_id=job.subject
    ).update(state=WebhookDelivery.State.FAILED, error=reason[:300])


def prune(job: Job) -> dict[str, int]:
    """Delete a workspace's old deliveries, and former secrets that sign no more."""
    now = database_now()
    WebhookEndpoint.objects.filter(
        workspace=job.workspace_id, former_ends_at__lte=now
    ).update(sealed_former_secret="", former_ends_at=None)
    old = WebhookDelivery.objects.filter(
        workspace=job.workspace_id,
        created_at__lt=now - timedelta(days=settings.KEYWAY_RECORD_DAYS),
    ).exclude(state=WebhookDelivery.State.WAITING)
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:_PRUNE_BATCH]):
        WebhookDelivery.objects.filter(pk__in=batch).delete()
        deleted += len(batch)
    return {"deleted": deleted}
