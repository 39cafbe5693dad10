"""The saved accounts of apps: add them, check them, delete what nobody uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max, ProtectedError

from integrations import services
from integrations.audit import Action
from integrations.connectors.base import ConnectorError, Misconfigured
from integrations.models import App, Integration, ServiceAccount
from integrations.outside import connections, health
from workspaces import audit, confirmable, jobs, leases
from workspaces.clock import database_now
from workspaces.models import Job, User, Workspace
from workspaces.permissions import Permission
from workspaces.sealed import SealedColumn

REPLACE_PASSWORD = confirmable.Action(
    "integrations.service_account.replace_password",
    "replace the password of a service account",
    "Replace password",
    Permission.MANAGE_SERVICE_ACCOUNTS,
    setting="Replace the password of a service account",
)
JOB = "integrations.check_service_account"
FRESH = timedelta(days=7)
"""How long the outcome of a check is taken for the present state."""


class NameTaken(ValueError):
    """Another service account of the workspace has this name."""


class InUse(ValueError):
    """Integrations work with this account."""


class NothingToCheck(ValueError):
    """No integration says at which address the account logs in."""


@dataclass(frozen=True, slots=True)
class Check:
    """How the last check of an account went."""

    state: str
    """`never`, `running`, `passed`, `failed` or `outdated`."""

    at: datetime | None = None
    message: str = ""
    job: Job | None = None


@transaction.atomic
def add(
    workspace: Workspace,
    *,
    app: App,
    name: str,
    username: str,
    secret: str,
    base_url: str,
    actor: User,
    now: datetime,
) -> ServiceAccount:
    """Save an account of an app; see `services.add_service_account`.

    Raises NameTaken.
    """
    try:
        with transaction.atomic():
            return services.add_service_account(
                workspace,
                app=app,
                name=name,
                username=username,
                secret=secret,
                base_url=base_url,
                actor=actor,
                now=now,
            )
    except IntegrityError:
        raise NameTaken(
            f"Another service account of this workspace is called {name}. Choose "
            "another name."
        ) from None


@transaction.atomic
def replace_password(
    account: ServiceAccount,
    *,
    secret: str,
    origins: Sequence[str],
    actor: User,
    now: datetime,
) -> bool:
    """Store a new password, and check it where an integration uses it.

    Says whether a check was asked for.
    """
    services.replace_secret(
        account, secret=secret, origins=origins, actor=actor, now=now
    )
    if not account.integrations.exists():
        return False
    request_check(account, actor=actor, now=now)
    return True


@transaction.atomic
def delete(account: ServiceAccount, *, actor: User) -> None:
    """Forget an account and its password. Raises InUse."""
    audit.record(
        Action.SERVICE_ACCOUNT_DELETED,
        workspace=account.workspace,
        actor=actor,
        target=account,
    )
    try:
        account.delete()
    except ProtectedError:
        raise InUse(
            f"{account.name} is in use. Choose another service account for these "
            "integrations first."
        ) from None


@transaction.atomic
def request_check(account: ServiceAccount, *, actor: User, now: datetime) -> Job:
    """Ask for a log-in to every app that the account is used for.

    A check that waits or runs already is the answer. Raises NothingToCheck.
    """
    # The lock makes the second of two who ask together see the first one's job.
    account = (
        ServiceAccount.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=account.pk)
    )
    if not account.integrations.exists():
        raise NothingToCheck(
            f"No integration uses {account.name}, so Keyway does not know at which "
            "address to log in. Test and save checks it when you create one."
        )
    subject = str(account.public_id)
    running = Job.objects.filter(
        kind=JOB,
        subject=subject,
        state__in=Job.LEASED,
        started_at__gt=account.secret_set_at,
    ).first()
    if running is not None:
        return running
    enqueued = jobs.enqueue(
        JOB,
        workspace=account.workspace,
        subject=subject,
        trigger=Job.Trigger.WEB,
        actor=actor,
        max_failures=2,
        now=now,
    )
    if enqueued.created:
        audit.record(
            Action.SERVICE_ACCOUNT_CHECK_REQUESTED,
            workspace=account.workspace,
            actor=actor,
            target=account,
        )
    return enqueued.job


def carry_out(job: Job) -> dict[str, object]:
    """Log in where the account is used. Raises GiveUp, with what each app said."""
    integrations = Integration.objects.filter(
        workspace=job.workspace_id, service_account__public_id=job.subject
    ).select_related("app", "service_account__workspace")
    refused = []
    checked = 0
    for integration in integrations:
        checked += 1
        leases.report_progress(job, phase=f"Log in to {integration.name}")
        problem = _problem_with(integration, job)
        if problem:
            refused.append(f"{integration.name}: {problem}")
    if refused:
        raise jobs.GiveUp(" ".join(refused))
    places = "1 integration" if checked == 1 else f"{checked} integrations"
    return {"message": f"Logged in for {places}."}


def _problem_with(integration: Integration, job: Job) -> str:
    """Log in and ask for what only an admin may see. Notes how that went."""
    try:
        with connections.open_session(integration, job=job) as session:
            session.log_in()
            session.check()
    except Misconfigured as error:
        now = database_now()
        health.note_misconfigured(integration, error.message, now=now)
        return error.message
    except ConnectorError as error:
        return error.message
    health.note_success(integration, now=database_now())
    return ""


def checks(accounts: Iterable[ServiceAccount], *, now: datetime) -> dict[int, Check]:
    """Return how the last check of each account went, by key. One query."""
    by_subject = {str(account.public_id): account for account in accounts}
    last = (
        Job.objects.filter(
            kind=JOB,
            subject__in=by_subject,
            workspace__in={account.workspace_id for account in by_subject.values()},
        )
        .order_by()
        .values("subject")
        .annotate(last=Max("pk"))
        .values("last")
    )
    latest = {job.subject: job for job in Job.objects.filter(pk__in=last)}
    return {
        account.pk: _check(account, latest.get(subject), now)
        for subject, account in by_subject.items()
    }


def _check(account: ServiceAccount, job: Job | None, now: datetime) -> Check:
    if job is None:
        return Check("never")
    if job.state in Job.OPEN:
        return Check("running", job.created_at, str(job.progress.get("phase", "")), job)
    at = job.ended_at
    if at is None or at < max(account.secret_set_at, now - FRESH):
        return Check("outdated", at, job=job)
    if job.state == Job.State.COMPLETED:
        return Check("passed", at, str(job.result.get("message", "")), job)
    return Check("failed", at, job.error, job)


SEALED = SealedColumn(
    ServiceAccount,
    "sealed_secret",
    lambda account: account.secret_address,
    related=("workspace",),
)
