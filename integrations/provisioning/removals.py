"""Hold what the IdP takes away, if it is too much at once, until a person decides.

A removal is the deactivation of an account that can log in, or its deletion. Those
that wait and those of the last hour are counted together; above the threshold all
that wait are held. Approve lets them go; discard keeps the accounts, and says so to
the IdP: the user is active again, or is there again as the app's own.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from integrations.audit import Action
from integrations.desired import ObservedAccount
from integrations.models import AppAccount, Integration, Provisioning
from integrations.provisioning import mapping, pausing, removal_notices, wanted
from scim import services
from scim.models import Resource
from scim.protocol.errors import Uniqueness
from scim.served import schema_of
from workspaces import audit, jobs, leases
from workspaces.clock import database_now
from workspaces.models import Job, User

WINDOW = timedelta(hours=1)
_ORIGIN = services.Origin(source=Resource.Source.APP)
_Policy = Integration.OnUnassign
_State = Provisioning.State
_DELETING = (_State.DELETE_AWAITING, _State.DELETE_ONGOING)


def is_removal(row: Provisioning) -> bool:
    """Say whether the next work on a row takes something away that nobody approved."""
    policy = row.integration.on_unassign
    if row.account is None or row.delete_at or policy == _Policy.NEVER:
        return False
    if row.approved_version == row.desired_version:
        return False
    if row.resource is None:
        return row.state in _DELETING
    can_log_in = row.account.is_active or policy == _Policy.DELETE
    return row.resource.active is False and can_log_in


def waiting(integration: Integration) -> QuerySet[Provisioning]:
    """Return the removals that wait, as `is_removal` says of each."""
    rows = Provisioning.objects.filter(
        integration=integration, account__isnull=False, delete_at=None
    )
    if integration.on_unassign == _Policy.NEVER:
        return rows.none()
    deactivated = Q(resource__active=False, state__in=Provisioning.PENDING)
    if integration.on_unassign != _Policy.DELETE:
        deactivated &= Q(account__is_active=True)
    return rows.filter(Q(resource=None, state__in=_DELETING) | deactivated).exclude(
        approved_version=F("desired_version")
    )


def held(integration: Integration) -> QuerySet[Provisioning]:
    """Return the removals that wait for a decision, by user name."""
    if integration.removals_held_at is None:
        return Provisioning.objects.none()
    rows = waiting(integration).exclude(state__in=Provisioning.ONGOING)
    return rows.order_by("user_name", "id")


def must_hold(row: Provisioning, *, now: datetime) -> bool:
    """Say whether the work on a row has to wait for a decision."""
    if not is_removal(row):
        return False
    others = waiting(row.integration).exclude(pk=row.pk)
    if row.integration.removals_held_at is not None and others.exists():
        return True
    return _is_too_many(row.integration, now=now)


def _is_too_many(integration: Integration, *, now: datetime) -> bool:
    removals = waiting(integration).count() + _applied(integration, now=now)
    known = integration.accounts.count()
    return (
        removals >= integration.threshold_minimum
        and removals * 100 > integration.threshold_percent * known
    )


def _applied(integration: Integration, *, now: datetime) -> int:
    """Return how many were carried out lately and since the last decision."""
    since = now - WINDOW
    if integration.removals_counted_from is not None:
        since = max(since, integration.removals_counted_from)
    return integration.restore_points.filter(is_removal=True, at__gt=since).count()


def wait(job: Job, row: Provisioning) -> None:
    """Park the job, unless the reason is gone by now. Raises Parked.

    The first one to be held tells the administrators.
    """
    now = database_now()
    with transaction.atomic():
        integration = pausing.lock(row.integration)
        row = (
            Provisioning.objects.select_for_update(of=("self",))
            .select_related("resource", "account")
            .get(pk=row.pk)
        )
        row.integration = integration
        if not must_hold(row, now=now):
            _end_if_none_waits(integration, besides=row, now=now)
            return
        if integration.removals_held_at is None:
            _begin(integration, now=now)
        count, known = waiting(integration).count(), integration.accounts.count()
        limit = integration.threshold_percent
        leases.park(
            job,
            f"{count} of {known} users would be removed (limit {limit} %). This waits "
            "until somebody approves or discards it.",
            state=Job.State.HELD,
        )
    raise jobs.Parked


def _begin(integration: Integration, *, now: datetime) -> None:
    integration.removals_held_at = now
    integration.save(update_fields=["removals_held_at"])
    audit.record(
        Action.REMOVALS_HELD,
        workspace=integration.workspace,
        actor=None,
        target=integration,
        data={
            "removals": waiting(integration).count(),
            "known": integration.accounts.count(),
        },
    )
    removal_notices.tell(integration, now=now)


def _end_if_none_waits(
    integration: Integration, *, besides: Provisioning | None = None, now: datetime
) -> None:
    left = waiting(integration).exclude(pk=besides.pk if besides else 0)
    if integration.removals_held_at is None or left.exists():
        return
    integration.removals_held_at = None
    integration.removals_counted_from = now
    integration.save(update_fields=["removals_held_at", "removals_counted_from"])


@transaction.atomic
def approve(
    integration: Integration, chosen: set[str] | None, *, actor: User, now: datetime
) -> int:
    """Carry out held removals: those of public ids, or all. Returns how many."""
    integration = pausing.lock(integration)
    rows = _lock(integration, chosen)
    Provisioning.objects.filter(pk__in=[row.pk for row in rows]).update(
        approved_version=F("desired_version")
    )
    parked = pausing.provisioning_jobs(integration).filter(
        state=Job.State.HELD, subject__in=[row.resource_id_public for row in rows]
    )
    jobs.wake(parked, now=now)
    _record(Action.REMOVALS_APPROVED, integration, rows, actor)
    _end_if_none_waits(integration, now=now)
    return len(rows)


@transaction.atomic
def discard(
    integration: Integration, chosen: set[str] | None, *, actor: User, now: datetime
) -> int:
    """Keep the accounts of held removals, all or those of public ids.

    What SCIM says follows: who was deactivated is active again, and who was deleted
    is there as a user that only the app knows. Returns how many.
    """
    integration = pausing.lock(integration)
    rows = _lock(integration, chosen)
    for row in rows:
        if row.resource is None:
            _show_again(integration, row, actor=actor, now=now)
        else:
            _reactivate(integration, row, row.resource, actor=actor, now=now)
    _record(Action.REMOVALS_DISCARDED, integration, rows, actor)
    _end_if_none_waits(integration, now=now)
    return len(rows)


def _lock(integration: Integration, chosen: set[str] | None) -> list[Provisioning]:
    """Lock held rows, users before provisionings as in every SCIM write."""
    rows = held(integration)
    if chosen is not None:
        rows = rows.filter(resource_id_public__in=chosen)
    users = list(rows.values_list("resource", flat=True))
    list(Resource.objects.select_for_update().filter(pk__in=users).order_by("pk"))
    return list(
        rows.select_for_update(of=("self",)).select_related(
            "resource__directory", "account"
        )
    )


def _reactivate(
    integration: Integration,
    row: Provisioning,
    user: Resource,
    *,
    actor: User,
    now: datetime,
) -> None:
    directory = integration.directory
    services.patch(
        directory,
        schema_of(directory, "User"),
        user.public_id,
        {"Operations": [{"op": "replace", "path": "active", "value": True}]},
        origin=_ORIGIN,
        now=now,
    )
    # What else the IdP wanted of the user is still to be done.
    wanted.want(directory, [user.pk], trigger=Job.Trigger.WEB, actor=actor, now=now)


def _show_again(
    integration: Integration, row: Provisioning, *, actor: User, now: datetime
) -> None:
    account = row.account
    assert account is not None  # noqa: S101  removals have one
    Job.objects.filter(
        kind=wanted.JOB, subject=row.resource_id_public, state__in=Job.WAITING
    ).update(
        state=Job.State.NOT_COMPLETED,
        error=f"Discarded by {actor}. The account stays in the app.",
        ended_at=now,
        ended_by=actor,
    )
    granted = row.granted
    row.delete()
    directory = integration.directory
    document = mapping.user_document(_as_observed(account))
    try:
        with transaction.atomic():
            user = services.create(
                directory,
                schema_of(directory, "User"),
                document,
                origin=_ORIGIN,
                now=now,
            )
    except Uniqueness:
        # The IdP has made the user again: the next work on that one finds the account.
        return
    AppAccount.objects.filter(pk=account.pk).update(resource=user)
    Provisioning.objects.create(
        integration=integration,
        resource=user,
        resource_id_public=user.public_id,
        user_name=account.username,
        account=account,
        is_matched=False,
        granted=granted,
        applied_version=1,
        state=_State.ONBOARDED,
        changed_at=now,
    )


def _as_observed(account: AppAccount) -> ObservedAccount:
    return ObservedAccount(
        external_id=account.external_id,
        username=account.username,
        email=account.email,
        display_name=account.display_name,
        active=account.is_active,
    )


def _record(
    action: Action, integration: Integration, rows: list[Provisioning], actor: User
) -> None:
    if rows:
        audit.record(
            action,
            workspace=integration.workspace,
            actor=actor,
            target=integration,
            data={"removals": len(rows)},
        )
