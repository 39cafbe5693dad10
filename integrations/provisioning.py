"""Make the app look like the directory: note what is wanted, then apply it.

A job says "make this person's account look like the resource as it is now". It
is safe to repeat, to coalesce and to skip: it compares what is desired with what
the app shows, and does what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from integrations import connections, mapping
from integrations.audit import Action
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    Session,
    TemporaryFailure,
)
from integrations.desired import DesiredAccount, Entitlement, ObservedAccount
from integrations.models import AppAccount, AppEntitlement, Provisioning
from scim.models import GroupMember, Resource
from scim.services import Changed
from workspaces import audit, jobs
from workspaces.clock import database_now
from workspaces.models import Directory, Job, User

JOB = "integrations.provision"
_State = Provisioning.State
_ONGOING = {
    _State.PROVISIONING_AWAITING: _State.PROVISIONING_ONGOING,
    _State.UPDATE_AWAITING: _State.UPDATE_ONGOING,
    _State.DELETE_AWAITING: _State.DELETE_ONGOING,
}
_BACK = {ongoing: awaiting for awaiting, ongoing in _ONGOING.items()}
_FAILED = {
    _State.PROVISIONING_ONGOING: _State.PROVISIONING_FAILED,
    _State.UPDATE_ONGOING: _State.UPDATE_FAILED,
    _State.DELETE_ONGOING: _State.DELETE_FAILED,
}


_BATCH = 500
_WORKSPACE = (
    "(SELECT i.workspace_id FROM integrations_integration i"
    " WHERE i.id = integrations_provisioning.integration_id)"
)
_WANT = (
    "INSERT INTO integrations_provisioning (integration_id, resource_id,"
    " resource_id_public, user_name, granted, desired_version, applied_version,"
    " state, attempts, last_error, changed_at)"
    " SELECT i.id, r.id, r.public_id, {user_name}, '[]', 1, 0,"
    " 'provisioning_awaiting', 0, '', %s"
    " FROM scim_resource r"
    " JOIN integrations_integration i ON i.directory_id = r.directory_id"
    " WHERE r.directory_id = %s AND r.resource_type = 'User' AND r.id IN ({users})"
    " ON CONFLICT (resource_id_public) DO UPDATE SET"
    " resource_id = excluded.resource_id, user_name = excluded.user_name,"
    " desired_version = integrations_provisioning.desired_version + 1,"
    " state = CASE WHEN integrations_provisioning.state IN ('deleted',"
    " 'provisioning_awaiting', 'provisioning_ongoing', 'provisioning_failed')"
    " THEN 'provisioning_awaiting' ELSE 'update_awaiting' END,"
    " attempts = 0, next_attempt_at = NULL, last_error = '',"
    " changed_at = excluded.changed_at"
    f" RETURNING resource_id_public, {_WORKSPACE}"
)
_WANT_GONE = (
    "UPDATE integrations_provisioning SET state = 'delete_awaiting',"
    " resource_id = NULL, desired_version = desired_version + 1, attempts = 0,"
    " next_attempt_at = NULL, last_error = '', changed_at = %s"
    " WHERE resource_id_public = %s AND integration_id IN"
    " (SELECT id FROM integrations_integration WHERE directory_id = %s)"
    f" RETURNING resource_id_public, {_WORKSPACE}"
)


def resource_changed(
    sender: type[Resource],
    *,
    directory: Directory,
    changed: Changed,
    now: datetime,
    **_: Any,
) -> None:
    """Receive a change of a gateway's directory and put the work off.

    What a sync took from the app is in the app already.
    """
    if directory.kind != Directory.Kind.GATEWAY:
        return
    if changed.origin.source == Resource.Source.APP:
        return
    if changed.resource is None and changed.resource_type == "User":
        want_gone(directory, changed.resource_id, now=now)
    elif changed.resource is not None and changed.resource_type == "User":
        want(directory, [changed.resource.pk], now=now)
    else:
        want(directory, list(_concerned(changed)), now=now)


def _concerned(changed: Changed) -> Iterable[int]:
    """Return whose account a change of a group concerns: a rename, all members."""
    group = changed.resource
    if group is None or changed.members:
        return changed.members
    return GroupMember.objects.filter(group=group).values_list("member", flat=True)


def want(
    directory: Directory,
    users: Sequence[int],
    *,
    trigger: Job.Trigger = Job.Trigger.SCIM,
    actor: User | None = None,
    now: datetime,
) -> None:
    """Note that accounts should be brought up to date, and put the work off.

    `users` are database ids; those of groups among them are left out. Two
    statements for each 500, so that a change of a large group stays quick.
    """
    for start in range(0, len(users), _BATCH):
        batch = users[start : start + _BATCH]
        marks = ", ".join(["%s"] * len(batch))
        with connection.cursor() as cursor:
            cursor.execute(
                _WANT.format(users=marks, user_name=_user_name_sql()),
                [_database_time(now), directory.pk, *batch],
            )
            rows = cursor.fetchall()
        _put_off(rows, trigger=trigger, actor=actor, now=now)


def want_gone(directory: Directory, resource_id: str, *, now: datetime) -> None:
    """Note that the account of a deleted user should go, and put the work off."""
    with connection.cursor() as cursor:
        cursor.execute(_WANT_GONE, [_database_time(now), resource_id, directory.pk])
        rows = cursor.fetchall()
    _put_off(rows, trigger=Job.Trigger.SCIM, actor=None, now=now)


def _put_off(
    rows: list[tuple[str, int]],
    *,
    trigger: Job.Trigger,
    actor: User | None,
    now: datetime,
) -> None:
    """Enqueue one job a row of (public id, workspace); they share a workspace."""
    if rows:
        jobs.enqueue_all(
            JOB,
            workspace_id=rows[0][1],
            subjects=[resource_id for resource_id, _ in rows],
            trigger=trigger,
            actor=actor,
            now=now,
        )


def _database_time(now: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(now)


def _user_name_sql() -> str:
    if connection.vendor == "sqlite":
        return "json_extract(r.document, '$.userName')"
    return "r.document::jsonb ->> 'userName'"


def carry_out(job: Job) -> None:
    """Bring one account up to date. Raises RetryLater or GiveUp, with the reason."""
    row = _begin(job)
    if row is None:
        return
    try:
        with connections.open_session(row.integration) as session:
            _apply(row, session)
    except ConnectorError as error:
        _fail(job, row, error)
    else:
        _succeed(job, row)


def _begin(job: Job) -> Provisioning | None:
    """Mark the row as ongoing. None if there is nothing left to do."""
    with transaction.atomic():
        row = (
            Provisioning.objects.select_for_update(of=("self",))
            .select_related(
                "integration__app",
                "integration__workspace",
                "integration__service_account__workspace",
                "account",
            )
            .filter(
                resource_id_public=job.subject,
                integration__workspace=job.workspace_id,
            )
            .first()
        )
        if row is None or (
            row.applied_version == row.desired_version and row.state not in _ONGOING
        ):
            return None
        state = _State(row.state)
        row.state = _ONGOING.get(state, state)
        row.attempts += 1
        row.save(update_fields=["state", "attempts"])
        return row


def _apply(row: Provisioning, session: Session) -> None:
    user = Resource.objects.filter(public_id=row.resource_id_public).first()
    account = _find(row, user, session)
    if user is None:
        if account is not None:
            session.delete_account(account.external_id)
        return
    desired = mapping.desired_account(user)
    if account is None:
        if not desired.active:
            # Who never had an account and may not log in needs none.
            return
        account = session.create_account(desired)
        _observe(row, account)
    _update(session, desired, account)
    _observe(row, session.get_account(account.external_id) or account)
    _grant(row, user, session, account)


def _find(
    row: Provisioning, user: Resource | None, session: Session
) -> ObservedAccount | None:
    """Return the person's account: the one we know, or else one of that name.

    An account of that name is taken over only if no other resource has it: the
    app has one person of that name, and the IdP says that it is this one.
    """
    if row.account is not None:
        known = session.get_account(row.account.external_id)
        if known is not None or user is None:
            return known
        _forget(row, row.account)
    if user is None:
        return None
    username = mapping.desired_account(user).username
    if username.casefold() == row.integration.service_account.username.casefold():
        raise PermanentFailure(
            "This user name is that of the account with which Keyway works in the "
            "app. Unassign the user in your IdP."
        )
    found = session.find_account(username)
    if found is None:
        return None
    _observe(row, found)
    return found


def _forget(row: Provisioning, account: AppAccount) -> None:
    """Let go of an account that somebody deleted in the app, with what it held."""
    with transaction.atomic():
        account.delete()
        row.account = None
        row.granted = []
        row.save(update_fields=["account", "granted"])


def _update(
    session: Session, desired: DesiredAccount, account: ObservedAccount
) -> None:
    if _differs(desired, account):
        session.update_account(account.external_id, desired)
    if desired.active and not account.active:
        session.reactivate_account(account.external_id)
    elif not desired.active and account.active:
        session.deactivate_account(account.external_id)


def _differs(desired: DesiredAccount, account: ObservedAccount) -> bool:
    return bool(desired.attributes) or any(
        getattr(desired, name) != getattr(account, name)
        for name in ("username", "email", "given_name", "family_name", "display_name")
        if getattr(desired, name)
    )


def _observe(row: Provisioning, account: ObservedAccount) -> None:
    """Record the account as the app shows it, and that it is this person's."""
    seen, _ = AppAccount.objects.update_or_create(
        integration=row.integration,
        external_id=account.external_id,
        defaults={
            "username": account.username,
            "email": account.email,
            "display_name": account.display_name,
            "is_active": account.active,
            "seen_at": database_now(),
        },
    )
    if seen.resource_id not in {None, row.resource_id}:
        raise PermanentFailure(
            "The app has one account of this name, and it belongs to another user of "
            "this directory. Rename one of the two in your IdP."
        )
    if seen.resource_id != row.resource_id:
        seen.resource_id = row.resource_id
        seen.save(update_fields=["resource"])
    if row.account_id != seen.pk:
        row.account = seen
        row.save(update_fields=["account"])


def _grant(
    row: Provisioning, user: Resource, session: Session, account: ObservedAccount
) -> None:
    """Give what the person's SCIM groups stand for; take only what SCIM gave."""
    wanted = {
        (entitlement.kind, entitlement.external_id): entitlement
        for entitlement in AppEntitlement.objects.filter(
            integration=row.integration,
            resource__members__member=user,
        )
    }
    if user.active is False:
        wanted = {}
    given = {(kind, external_id) for kind, external_id in row.granted}
    for key, entitlement in wanted.items():
        if key not in given or key not in account.entitlements:
            session.grant(account.external_id, _plain(entitlement))
    for kind, external_id in given - wanted.keys():
        gone = AppEntitlement.objects.filter(
            integration=row.integration, kind=kind, external_id=external_id
        ).first()
        if gone is not None:
            session.revoke(account.external_id, _plain(gone))
    row.granted = sorted([kind, external_id] for kind, external_id in wanted)
    row.save(update_fields=["granted"])
    if row.account is not None:
        held = set(account.entitlements) - (given - wanted.keys()) | wanted.keys()
        row.account.entitlements.set(
            e
            for e in AppEntitlement.objects.filter(integration=row.integration)
            if (e.kind, e.external_id) in held
        )


def _plain(entitlement: AppEntitlement) -> Entitlement:
    return Entitlement(entitlement.kind, entitlement.external_id, entitlement.name)


@transaction.atomic
def _succeed(job: Job, row: Provisioning) -> None:
    """Record what was applied. A newer wish keeps its state and has its own job."""
    now = database_now()
    gone = row.state == _State.DELETE_ONGOING
    if gone and row.account is not None:
        row.account.delete()
        row.account = None
    rows = Provisioning.objects.filter(pk=row.pk)
    rows.update(applied_version=row.desired_version)
    rows.filter(desired_version=row.desired_version).update(
        state=_State.DELETED if gone else _State.ONBOARDED,
        last_error="",
        next_attempt_at=None,
        changed_at=now,
    )
    connections.note_success(row.integration, now=now)


def _fail(job: Job, row: Provisioning, error: ConnectorError) -> None:
    """Record why, then hand the job back or end it."""
    now = database_now()
    with transaction.atomic():
        current = Provisioning.objects.filter(
            pk=row.pk, desired_version=row.desired_version
        )
        if isinstance(error, PermanentFailure):
            current.update(
                state=_FAILED[_State(row.state)],
                last_error=error.message,
                next_attempt_at=None,
                changed_at=now,
            )
            raised: Exception = jobs.GiveUp(error.message)
        else:
            after = error.retry_after if isinstance(error, TemporaryFailure) else None
            after = after or jobs.backoff(job.failures + 1)
            if isinstance(error, Misconfigured):
                after = max(after, connections.MISCONFIGURED_PAUSE)
                connections.note_misconfigured(row.integration, error.message, now=now)
            last = job.failures + 1 >= job.max_failures
            state = _State(row.state)
            current.update(
                state=_FAILED[state] if last else _BACK[state],
                last_error=error.message,
                next_attempt_at=None if last else now + after,
                changed_at=now,
            )
            raised = jobs.RetryLater(error.message, after=after)
    raise raised


@transaction.atomic
def retry(row: Provisioning, *, actor: User, now: datetime) -> None:
    """Try a failed provisioning again because a person asks for it."""
    audit.record(
        Action.RETRY_REQUESTED,
        workspace=row.integration.workspace,
        actor=actor,
        target=row.integration,
        data={"user": row.resource_id_public},
    )
    directory = row.integration.directory
    if row.resource_id is None:
        want_gone(directory, row.resource_id_public, now=now)
    else:
        want(
            directory,
            [row.resource_id],
            trigger=Job.Trigger.WEB,
            actor=actor,
            now=now,
        )
