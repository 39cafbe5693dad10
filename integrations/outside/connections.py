"""Open a session with the app of an integration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from integrations.connectors.base import Misconfigured, Session
from integrations.connectors.exchange import Exchange, Observe
from integrations.connectors.registry import connector_for
from integrations.connectors.task.connector import TaskSession
from integrations.desired import Connection
from integrations.models import Integration, ServiceAccount
from integrations.outside import origins
from integrations.outside.acts import ToldSession
from integrations.outside.call_log import CallLog
from integrations.outside.pace import Pace
from integrations.tasks.known import KnownApp
from workspaces import leases, secrets
from workspaces.faults import fault
from workspaces.models import Job


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
    ConnectorError, and LostLease before a change that is no longer the job's to make.
    """
    calls = CallLog(integration, job=job, resource_id=resource_id)
    pace = Pace(integration)

    def begin(act: str, *, is_change: bool = False) -> None:
        pace.begin()
        calls.begin(act, is_change=is_change)
        if is_change:
            fault("app.before_change")
            if job is not None:
                leases.require_lease(job)

    def note(exchange: Exchange) -> None:
        calls.note(exchange)
        fault("app.after_call")
        pace.note()

    session = _open(integration, hides, observe=note)
    try:
        yield ToldSession(session, begin)
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
