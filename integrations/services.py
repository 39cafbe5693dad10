"""Make integrations, keep their secrets, ask for syncs."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from integrations import sync
from integrations.audit import Action
from integrations.models import App, Integration, ServiceAccount
from scim import recent
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.user_schema import UserAttribute
from tokens.holders import Holder
from workspaces import audit, jobs, secrets
from workspaces.models import Directory, Job, User, Workspace


@transaction.atomic
def add_service_account(
    workspace: Workspace,
    *,
    app: App,
    name: str,
    username: str,
    secret: str,
    actor: User | None,
    now: datetime,
) -> ServiceAccount:
    """Store an account of the app, its secret encrypted."""
    account = ServiceAccount(
        workspace=workspace,
        app=app,
        name=name,
        username=username,
        sealed_secret="",
        secret_set_at=now,
    )
    account.sealed_secret = secrets.encrypt(secret, account.secret_address)
    account.save(force_insert=True)
    audit.record(
        Action.SERVICE_ACCOUNT_ADDED, workspace=workspace, actor=actor, target=account
    )
    return account


@transaction.atomic
def replace_secret(
    account: ServiceAccount, *, secret: str, actor: User | None, now: datetime
) -> None:
    """Give a service account a new password, and let waiting work try it at once."""
    account.sealed_secret = secrets.encrypt(secret, account.secret_address)
    account.secret_set_at = now
    account.save(update_fields=["sealed_secret", "secret_set_at"])
    audit.record(
        Action.SECRET_REPLACED,
        workspace=account.workspace,
        actor=actor,
        target=account,
    )
    subjects = account.integrations.values_list(
        "provisionings__resource_id_public", flat=True
    )
    Job.objects.filter(state=Job.State.RETRYING, subject__in=subjects).update(
        due_at=now
    )


@transaction.atomic
def create(
    workspace: Workspace,
    *,
    app: App,
    service_account: ServiceAccount,
    name: str,
    base_url: str,
    identifier: str = "",
    sync_every_hours: int = 0,
    on_unassign: str = Integration.OnUnassign.DEACTIVATE,
    user_attributes: tuple[UserAttribute, ...] | None = None,
    actor: User | None,
) -> Integration:
    """Make an integration with a SCIM gateway of its own, and no token yet.

    `user_attributes` None are those of the app's manifest.
    """
    if user_attributes is None:
        user_attributes = user_schema.read(app.manifest.get("user_schema"))
    directory = Directory.objects.create(
        workspace=workspace,
        kind=Directory.Kind.GATEWAY,
        user_schema=user_schema.stored(user_attributes),
    )
    integration = Integration.objects.create(
        workspace=workspace,
        app=app,
        service_account=service_account,
        directory=directory,
        name=name,
        base_url=base_url.rstrip("/"),
        identifier=identifier,
        sync_every_hours=sync_every_hours,
        on_unassign=on_unassign,
    )
    audit.record(Action.CREATED, workspace=workspace, actor=actor, target=integration)
    return integration


@transaction.atomic
def request_sync(
    integration: Integration,
    *,
    actor: User | None,
    trigger: Job.Trigger = Job.Trigger.WEB,
    now: datetime,
) -> Job:
    """Ask for a sync. One that waits or runs already is the answer."""
    running = Job.objects.filter(
        kind=sync.JOB, subject=integration.directory.key, state__in=Job.LEASED
    ).first()
    if running is not None:
        return running
    enqueued = jobs.enqueue(
        sync.JOB,
        workspace=integration.workspace,
        subject=integration.directory.key,
        trigger=trigger,
        actor=actor,
        max_failures=5,
        now=now,
    )
    if enqueued.created:
        audit.record(
            Action.SYNC_REQUESTED,
            workspace=integration.workspace,
            actor=actor,
            target=integration,
        )
    return enqueued.job


def holder_of(directory: Directory) -> Holder:
    """Describe the integration of a gateway's directory, for the token pages."""
    return Holder(
        name=Integration.objects.get(directory=directory).name,
        url=reverse("integrations:connected_services", args=[directory.key]),
        user_count=Resource.objects.filter(
            directory=directory, resource_type="User"
        ).count(),
        idp=recent.idp_of(directory),
    )
