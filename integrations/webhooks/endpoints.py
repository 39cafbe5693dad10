"""The life of an endpoint: add, change, replace its secret, turn off and on, delete."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from integrations.audit import Action
from integrations.models import WebhookDelivery, WebhookEndpoint
from integrations.webhooks import events, notices
from integrations.webhooks.signing import new_secret
from tokens.services import Overlap
from workspaces import audit, jobs, secrets
from workspaces.confirmable import Action as Confirmed
from workspaces.confirmable import Subject
from workspaces.models import Job, User, Workspace
from workspaces.permissions import Permission
from workspaces.sealed import SealedColumn

DELIVER = "integrations.deliver_webhook"
SEND = Confirmed(
    "integrations.webhook.send",
    "choose where a webhook sends to",
    "Continue",
    Permission.MANAGE_WEBHOOKS,
    setting="Add or edit a webhook endpoint",
)
"""Messages leave this house: a workspace can ask who says where they go."""
MOST = 20
"""Endpoints of one workspace: each is a message more for each event."""


class TooMany(ValueError):
    """The workspace has as many endpoints as it may have."""


class TurnedOff(ValueError):
    """The endpoint is off, so that nothing is sent to it."""

    def __init__(self) -> None:
        super().__init__("This endpoint is turned off. Turn it on first.")


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint and its new secret, which is shown this once."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


def new_subject(workspace: Workspace) -> Subject:
    """Return what a confirmation of a new endpoint is about: the workspace."""
    return Subject(str(workspace.public_id), workspace.name)


def subject_of(endpoint: WebhookEndpoint) -> Subject:
    """Return what a confirmation of a change is about: the endpoint."""
    return Subject(str(endpoint.public_id), endpoint.origin)


@transaction.atomic
def add(
    workspace: Workspace,
    *,
    url: str,
    chosen: Collection[str],
    actor: User,
    now: datetime,
) -> NewSecret:
    """Save an endpoint, whose address the form has checked. Raises TooMany."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    if WebhookEndpoint.objects.filter(workspace=workspace).count() >= MOST:
        raise TooMany(f"A workspace can have {MOST} endpoints. Delete one first.")
    endpoint = WebhookEndpoint(
        workspace=workspace,
        url=url,
        events=_in_order(chosen),
        created_by=actor,
        created_at=now,
    )
    secret = new_secret()
    endpoint.sealed_secret = secrets.encrypt(secret, secret_address(endpoint))
    endpoint.save(force_insert=True)
    _record(Action.WEBHOOK_ADDED, endpoint, actor, events=" ".join(endpoint.events))
    return NewSecret(endpoint, secret)


@transaction.atomic
def change(
    endpoint: WebhookEndpoint, *, url: str, chosen: Collection[str], actor: User
) -> bool:
    """Give an endpoint another address or other events. False if nothing changed."""
    endpoint = _locked(endpoint)
    wanted = (url, _in_order(chosen))
    if (endpoint.url, endpoint.events) == wanted:
        return False
    is_moved = endpoint.url != url
    endpoint.url, endpoint.events = wanted
    endpoint.save(update_fields=["url", "events"])
    _record(
        Action.WEBHOOK_CHANGED,
        endpoint,
        actor,
        events=" ".join(endpoint.events),
        address_changed=is_moved,
    )
    return True


@transaction.atomic
def replace_secret(
    endpoint: WebhookEndpoint, *, overlap: Overlap, actor: User, now: datetime
) -> NewSecret:
    """Make a new secret; the former one signs too for the time of `overlap`.

    Raises UnreadableSecret where the former one should go on and cannot be read.
    """
    endpoint = _locked(endpoint)
    former = ""
    if overlap.length is not None:
        former = secrets.decrypt(endpoint.sealed_secret, secret_address(endpoint))
    secret = new_secret()
    endpoint.sealed_secret = secrets.encrypt(secret, secret_address(endpoint))
    endpoint.sealed_former_secret = (
        secrets.encrypt(former, former_address(endpoint)) if former else ""
    )
    endpoint.former_ends_at = now + overlap.length if overlap.length else None
    endpoint.save(
        update_fields=["sealed_secret", "sealed_former_secret", "former_ends_at"]
    )
    _record(Action.WEBHOOK_SECRET_REPLACED, endpoint, actor, overlap=str(overlap))
    return NewSecret(endpoint, secret)


@transaction.atomic
def turn_off(
    endpoint: WebhookEndpoint, reason: str, *, actor: User | None, now: datetime
) -> bool:
    """Send nothing more, also nothing that waits. False if that was so before.

    Where nobody asked for it (`actor` None) one mail tells the administrators.
    """
    endpoint = _locked(endpoint)
    if endpoint.turned_off_at is not None:
        return False
    endpoint.turned_off_at = now
    endpoint.turned_off_reason = reason[:300]
    endpoint.save(update_fields=["turned_off_at", "turned_off_reason"])
    _end_waiting(endpoint, reason, now=now)
    _record(Action.WEBHOOK_TURNED_OFF, endpoint, actor, reason=reason)
    if actor is None:
        notices.tell(endpoint, now=now)
    return True


@transaction.atomic
def turn_on(endpoint: WebhookEndpoint, *, actor: User) -> bool:
    """Send to it again, from the next event on. False if that was so before."""
    endpoint = _locked(endpoint)
    if endpoint.turned_off_at is None:
        return False
    endpoint.turned_off_at = None
    endpoint.turned_off_reason = ""
    endpoint.failing_since = None
    endpoint.save(update_fields=["turned_off_at", "turned_off_reason", "failing_since"])
    _record(Action.WEBHOOK_TURNED_ON, endpoint, actor)
    return True


@transaction.atomic
def delete(endpoint: WebhookEndpoint, *, actor: User, now: datetime) -> None:
    """Forget the endpoint, its secret and what was sent to it. Once is enough."""
    try:
        endpoint = _locked(endpoint)
    except WebhookEndpoint.DoesNotExist:
        return
    _end_waiting(endpoint, "The endpoint was deleted.", now=now)
    _record(Action.WEBHOOK_DELETED, endpoint, actor)
    endpoint.delete()


def signing_secrets(endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """Return the secrets that sign at `now`, the newest first.

    Raises UnreadableSecret.
    """
    found = [secrets.decrypt(endpoint.sealed_secret, secret_address(endpoint))]
    ends_at = endpoint.former_ends_at
    if endpoint.sealed_former_secret and ends_at is not None and ends_at > now:
        sealed = endpoint.sealed_former_secret
        found.append(secrets.decrypt(sealed, former_address(endpoint)))
    return found


def secret_address(endpoint: WebhookEndpoint) -> secrets.Address:
    """Return where the sealed secret of the endpoint lives."""
    return _address(endpoint, "sealed_secret")


def former_address(endpoint: WebhookEndpoint) -> secrets.Address:
    """Return where its sealed former secret lives."""
    return _address(endpoint, "sealed_former_secret")


def _address(endpoint: WebhookEndpoint, column: str) -> secrets.Address:
    return secrets.Address(
        workspace=str(endpoint.workspace.public_id),
        table="integrations_webhookendpoint",
        row=str(endpoint.public_id),
        column=column,
    )


SEALED = (
    SealedColumn(WebhookEndpoint, "sealed_secret", secret_address, ("workspace",)),
    SealedColumn(
        WebhookEndpoint, "sealed_former_secret", former_address, ("workspace",)
    ),
)


def _end_waiting(endpoint: WebhookEndpoint, note: str, *, now: datetime) -> None:
    waiting = Job.objects.filter(
        workspace=endpoint.workspace_id,
        kind=DELIVER,
        lane=endpoint.lane,
        state__in=Job.WAITING,
    )
    jobs.end_all(waiting, note=note, now=now)
    WebhookDelivery.objects.filter(
        endpoint=endpoint, state=WebhookDelivery.State.WAITING
    ).update(state=WebhookDelivery.State.FAILED, error=note[:300])


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return (
        WebhookEndpoint.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=endpoint.pk)
    )


def _in_order(chosen: Collection[str]) -> list[str]:
    return [each.name for each in events.EVENT_TYPES if each.name in chosen]


def _record(
    action: Action,
    endpoint: WebhookEndpoint,
    actor: User | None,
    **data: str | bool,
) -> None:
    audit.record(
        action,
        workspace=endpoint.workspace,
        actor=actor,
        target=endpoint,
        data={**data},
    )
