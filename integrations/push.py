"""Send Web Push messages to the phones of people: RFC 8030, 8291 and 8292.

The message says that a request waits and names it by its random id, encrypted for the
browser of the phone. The push service is called like any outside address: a public
one, or one that the operator allows; no redirect, every call ends in time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parseaddr
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.conf import settings
from django.utils.module_loading import import_string

from integrations.connectors.base import ConnectorError, Misconfigured
from integrations.connectors.client import OutgoingClient
from workspaces import jobs
from workspaces.clock import database_now
from workspaces.models import Confirmation, Job, PhoneDevice
from workspaces.phones import requests, subscriptions
from workspaces.phones.subscriptions import Subscription
from workspaces.secrets import UnreadableSecret

JOB = requests.PUSH
SECONDS = 10.0
_GONE = (404, 410)
_AGAIN = 429
_SERVER = 500


def carry_out(job: Job) -> dict[str, str]:
    """Send one message. Raises RetryLater or GiveUp."""
    now = database_now()
    found, device = _of(job, now)
    if found is None or device is None:
        return {"note": "The request or the phone is gone."}
    try:
        subscription = subscriptions.of(device)
    except UnreadableSecret as error:
        raise jobs.GiveUp(str(error)) from None
    if subscription is None or not subscriptions.is_on():
        return {"note": "The phone asks for itself."}
    status = _sent(subscription, device, found, now=now)
    if status in _GONE:
        subscriptions.drop(device, device.sealed_push)
        return {"note": "The push service knows this phone no more."}
    if status == _AGAIN or status >= _SERVER:
        raise jobs.RetryLater(f"The push service answered {status}.")
    if not 200 <= status < 300:
        raise jobs.GiveUp(f"The push service refused the message ({status}).")
    return {"note": "Sent."}


def _of(job: Job, now: datetime) -> tuple[Confirmation | None, PhoneDevice | None]:
    """Return the request that still waits, and the phone."""
    request_id, _, phone_id = job.subject.partition(":")
    found = Confirmation.objects.filter(
        workspace=job.workspace_id, public_id=UUID(request_id)
    ).first()
    if found is None or not found.is_pending(now):
        return None, None
    device = PhoneDevice.objects.filter(
        user=found.user_id, public_id=UUID(phone_id), confirmed=True
    ).first()
    return found, device


def _sent(
    subscription: Subscription,
    device: PhoneDevice,
    found: Confirmation,
    *,
    now: datetime,
) -> int:
    """Send, and return the status. Raises RetryLater or GiveUp."""
    url = urlsplit(subscription.endpoint)
    origin = f"{url.scheme}://{url.netloc}"
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    seconds = subscriptions.expires_in(found.expires_at, now)
    encrypt = cast(
        "Callable[..., tuple[bytes, dict[str, str]]]",
        # Its library comes with an extra, and brings much: only when it is needed.
        import_string("integrations.push_message.encrypted"),
    )
    message = orjson.dumps({"request": str(found.public_id)})
    body, headers = encrypt(message, subscription, contact=_contact(), audience=origin)
    headers |= {"TTL": str(seconds), "Urgency": "high", "Topic": "keyway-request"}
    try:
        client = OutgoingClient(
            origin,
            allowed_networks=settings.KEYWAY_ALLOWED_NETWORKS,
            total_seconds=SECONDS,
        )
        try:
            return client.request("POST", path, headers=headers, body=body).status
        finally:
            client.close()
    except Misconfigured:
        subscriptions.drop(device, device.sealed_push)
        raise jobs.GiveUp(
            "The address of the push service is not allowed. The phone was told to "
            "ask for itself."
        ) from None
    except ConnectorError as error:
        raise jobs.RetryLater(
            f"The push service did not answer ({type(error).__name__})."
        ) from None


def _contact() -> str:
    """Return whom a push service can reach about us, RFC 8292 section 2.1."""
    if settings.KEYWAY_PUBLIC_URL.startswith("https://"):
        return str(settings.KEYWAY_PUBLIC_URL)
    return f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}"
