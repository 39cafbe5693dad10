"""Open a session with the app of an integration, and note how that went."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings

from integrations.connectors.base import Misconfigured, Session
from integrations.connectors.exchange import Observe
from integrations.connectors.registry import connector_for
from integrations.connectors.task.connector import TaskSession
from integrations.desired import Connection
from integrations.models import Integration, ServiceAccount
from integrations.outside import origins
from integrations.outside.acts import ToldSession
from integrations.outside.call_log import CallLog
from integrations.tasks.known import KnownApp
from workspaces import secrets
from workspaces.models import Job

MISCONFIGURED_PAUSE = timedelta(minutes=1)
"""How long at least to wait before a login that was refused is tried again."""


@contextmanager
def open_session(
    integration: Integration,
    *,
    job: Job | None = None,
    resource_id: str = "",
    hides: tuple[str, ...] = (),
) -> Iterator[ToldSession]:
    """Hold a session with the app; its calls are kept for `job`'s pages.

    `resource_id` is the public id of whom it is about, `hides` what of them is
    confidential. An integration that is not there yet needs a job. Raises
    ConnectorError.
    """
    calls = CallLog(integration, job=job, resource_id=resource_id)
    session = _open(integration, hides, observe=calls.note)
    try:
        yield ToldSession(session, calls.begin)
    finally:
        session.close()
        calls.write()


def _open(
    integration: Integration, hides: tuple[str, ...], *, observe: Observe
) -> Session:
    account = integration.service_account
    if account is None:
        return TaskSession(KnownApp(integration))
    connector = connector_for(
        integration.app.manifest, allowed_networks=settings.KEYWAY_ALLOWED_NETWORKS
    )
    return connector.open(_connection(integration, account, hides), observe=observe)


def _connection(
    integration: Integration, account: ServiceAccount, hides: tuple[str, ...]
) -> Connection:
    if not origins.is_allowed(account, integration.base_url):
        raise Misconfigured(str(origins.PasswordNeeded(account, integration.base_url)))
    try:
        secret = secrets.decrypt(account.sealed_secret, account.secret_address)
    except secrets.UnreadableSecret:
        raise Misconfigured(
            f"The {account.secret_word} of {account.name} cannot be read with the "
            "present encryption keys. Enter it again."
        ) from None
    return Connection(
        base_url=integration.base_url.rstrip("/"),
        username=account.username,
        secret=secret,
        identifier=integration.identifier,
        login_workflow=account.login_workflow,
        hides=hides,
    )


def note_success(integration: Integration, *, now: datetime) -> None:
    """Remember that the app answered. Writes only when that is news."""
    Integration.objects.filter(
        pk=integration.pk, status=Integration.Status.NEEDS_ATTENTION
    ).update(status=Integration.Status.ACTIVE, status_reason="", status_at=now)


def note_misconfigured(integration: Integration, reason: str, *, now: datetime) -> None:
    """Remember that nothing will work until somebody mends something."""
    Integration.objects.filter(pk=integration.pk).update(
        status=Integration.Status.NEEDS_ATTENTION, status_reason=reason, status_at=now
    )
