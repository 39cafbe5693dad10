"""From an event of the audit log to messages that wait to be sent.

`hear` runs in the transaction that writes the event: the messages commit with the
change that they tell of, or not at all. The worker sends them after that.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction

from integrations.models import WebhookDelivery, WebhookEndpoint
from integrations.webhooks import events
from integrations.webhooks.delivering import MAX_FAILURES
from integrations.webhooks.endpoints import DELIVER, TurnedOff
from tokens.holders import has_holder, holder_of
from workspaces import jobs
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job

_CONNECTIONS = ("integration", "directory")


def hear(event: AuditEvent) -> None:
    """Put off a message to each endpoint that chose this kind of event."""
    name = events.of_action(event.action)
    # A delivery that is given up is no news for the endpoint that does not answer.
    if name is None or event.data.get("kind") == DELIVER:
        return
    # Locked, so that none is deleted before the messages to it are committed.
    known = WebhookEndpoint.objects.select_for_update(no_key=True).filter(
        workspace=event.workspace_id, turned_off_at=None
    )
    endpoints = [each for each in known.order_by("pk") if name in each.events]
    if endpoints:
        body = _body(name, event.at, _data(event))
        _put_off(endpoints, name, f"msg_{event.public_id.hex}", body)


@transaction.atomic
def send_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Put off a message that is about nothing. Raises TurnedOff."""
    _require_on(endpoint)
    told = {"message": "This is a test from Keyway. Nothing happened."}
    body = _body(events.TEST, database_now(), {**_workspace(endpoint), **told})
    [sent] = _put_off([endpoint], events.TEST, f"msg_{uuid.uuid4().hex}", body)
    return sent


@transaction.atomic
def send_again(delivery: WebhookDelivery) -> None:
    """Send the same message, with the same id, once more. Raises TurnedOff."""
    _require_on(delivery.endpoint)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=WebhookDelivery.State.WAITING, error=""
    )
    _enqueue(delivery, database_now(), priority=Job.Priority.PERSON)


def _require_on(endpoint: WebhookEndpoint) -> None:
    on = WebhookEndpoint.objects.select_for_update().filter(
        pk=endpoint.pk, turned_off_at=None
    )
    if not on:
        raise TurnedOff


def _put_off(
    endpoints: Sequence[WebhookEndpoint], name: str, message_id: str, body: str
) -> list[WebhookDelivery]:
    now = database_now()
    made = WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            workspace_id=endpoint.workspace_id,
            endpoint=endpoint,
            message_id=message_id,
            event=name,
            body=body,
            created_at=now,
        )
        for endpoint in endpoints
    )
    for delivery in made:
        _enqueue(delivery, now, priority=Job.Priority.CHANGE)
    return made


def _enqueue(
    delivery: WebhookDelivery, now: datetime, *, priority: Job.Priority
) -> None:
    jobs.enqueue_all(
        DELIVER,
        workspace_id=delivery.workspace_id,
        subjects=[str(delivery.public_id)],
        trigger=Job.Trigger.SCHEDULE,
        priority=priority,
        lane=delivery.endpoint.lane,
        max_failures=MAX_FAILURES,
        now=now,
    )


def _body(name: str, at: datetime, data: dict[str, Any]) -> str:
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds")
    message = {"type": name, "timestamp": timestamp, "data": data}
    return orjson.dumps(message).decode()


def _data(event: AuditEvent) -> dict[str, Any]:
    assert event.workspace is not None  # noqa: S101  an endpoint has one
    return {
        "workspace": event.workspace.slug,
        "event_id": str(event.public_id),
        "actor": event.actor_label,
        "target": {
            "type": event.target_type,
            "id": event.target_id,
            "label": event.target_label,
        },
        "connection": _connection(event),
        "details": event.data,
    }


def _workspace(endpoint: WebhookEndpoint) -> dict[str, str]:
    return {"workspace": endpoint.workspace.slug}


def _connection(event: AuditEvent) -> dict[str, str] | None:
    """Return the connection that an event is about, None if it is about none."""
    is_target = event.target_type in _CONNECTIONS
    key = event.target_id if is_target else event.data.get("directory", "")
    directory = Directory.objects.filter(workspace=event.workspace_id, key=key).first()
    if directory is None or not has_holder(directory):
        return None
    holder = holder_of(directory)
    return {
        "id": directory.key,
        "name": holder.name,
        "url": f"{settings.KEYWAY_PUBLIC_URL}{holder.url}",
    }
