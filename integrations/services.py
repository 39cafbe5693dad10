"""Make integrations, keep their secrets, ask for syncs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from integrations.audit import Action
from integrations.connectors.addresses import origin_of
from integrations.models import App, Integration, ServiceAccount
from integrations.outside import origins
from integrations.provisioning import role_publishing
from integrations.syncing import sync
from scim import recent
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.user_schema import UserSchema
from tokens.holders import Holder
from workspaces import audit, jobs, lanes, secrets
from workspaces.clock import database_now
from workspaces.models import Directory, Job, User, Workspace


@transaction.atomic
def add_service_account(
    workspace: Workspace,
    *,
    app: App,
    name: str,
    username: str,
    secret: str,
    base_url: str,
    actor: User | None,
    now: datetime,
) -> ServiceAccount:
    """Store an account of the app, its secret encrypted and meant for `base_url`.

    Without a user name the secret is an access token.
    """
    workflows = ServiceAccount.LoginWorkflow
    account = ServiceAccount(
        workspace=workspace,
        app=app,
        name=name,
        login_workflow=workflows.PASSWORD if username else workflows.ACCESS_TOKEN,
        username=username,
        sealed_secret="",
        secret_set_at=now,
        origins=[origin_of(base_url)],
    )
    account.sealed_secret = secrets.encrypt(secret, account.secret_address)
    account.save(force_insert=True)
    audit.record(
        Action.SERVICE_ACCOUNT_ADDED, workspace=workspace, actor=actor, target=account
    )
    return account


@transaction.atomic
def replace_secret(
    account: ServiceAccount,
    *,
    secret: str,
    origins: Sequence[str],
    actor: User | None,
    now: datetime,
) -> None:
    """Give a service account a new password or token, and let waiting work try it at once.

    The new one is meant for `origins` and for no other address that the old one was.
    """
    ServiceAccount.objects.select_for_update().get(pk=account.pk)
    account.sealed_secret = secrets.encrypt(secret, account.secret_address)
    account.secret_set_at = now
    account.origins = list(origins)
    account.save(update_fields=["sealed_secret", "secret_set_at", "origins"])
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
    lanes.reopen(
        list(account.integrations.values_list("directory__key", flat=True)), now=now
    )


@transaction.atomic
def create(
    workspace: Workspace,
    *,
    app: App,
    service_account: ServiceAccount | None,
    name: str,
    base_url: str,
    identifier: str = "",
    sync_every_hours: int = 0,
    on_unassign: str = Integration.OnUnassign.DEACTIVATE,
    observe: bool = False,
    own_schema: UserSchema | None = None,
    actor: User | None,
) -> Integration:
    """Make an integration with a SCIM gateway of its own, and no token yet.

    `observe`: nothing is changed in the app until somebody lets it loose.
    `service_account` is None for an app by hand alone; `own_schema` None is that of
    the app's manifest. Raises PasswordNeeded if
    the account's password is not meant for this address.
    """
    origins.require(service_account, base_url)
    if own_schema is None:
        own_schema = user_schema.read(app.manifest.get("user_schema"))
    directory = Directory.objects.create(
        workspace=workspace,
        kind=Directory.Kind.GATEWAY,
        user_schema=user_schema.stored(own_schema),
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
        observing_since=database_now() if observe else None,
    )
    if own_schema.roles:
        role_publishing.publish(integration, now=database_now())
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
        lane=integration.lane,
        max_failures=5,
        now=now,
    )
    if trigger != Job.Trigger.SCHEDULE:
        lanes.reopen([integration.lane], now=now)
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
