"""Make the app look like the directory: note what is wanted, then apply it.

A job says "make this person's account look like the resource as it is now". It
is safe to repeat, to coalesce and to skip: it compares what is desired with what
the app shows, and does what is missing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NoReturn

from django.db import transaction

from integrations.connectors.base import (
    ConnectorError,
    PermanentFailure,
    Session,
)
from integrations.desired import DesiredAccount, Entitlement, ObservedAccount
from integrations.models import (
    AppAccount,
    AppEntitlement,
    Integration,
    Provisioning,
)
from integrations.outside import connections, health
from integrations.provisioning import entitlements, mapping, pausing
from scim.models import Resource
from workspaces import jobs, lanes
from workspaces.clock import database_now
from workspaces.models import Job

_State = Provisioning.State
_ONGOING = {
    _State.PROVISIONING_AWAITING: _State.PROVISIONING_ONGOING,
    _State.UPDATE_AWAITING: _State.UPDATE_ONGOING,
    _State.DELETE_AWAITING: _State.DELETE_ONGOING,
}
_BACK = {ongoing: awaiting for awaiting, ongoing in _ONGOING.items()}
_FAILED = {
    _State.PROVISIONING_AWAITING: _State.PROVISIONING_FAILED,
    _State.PROVISIONING_ONGOING: _State.PROVISIONING_FAILED,
    _State.UPDATE_AWAITING: _State.UPDATE_FAILED,
    _State.UPDATE_ONGOING: _State.UPDATE_FAILED,
    _State.DELETE_AWAITING: _State.DELETE_FAILED,
    _State.DELETE_ONGOING: _State.DELETE_FAILED,
}
_AT_ONCE = timedelta(0)


class _Paused(Exception):
    """Nothing may be changed in the app now."""

    def __init__(self, integration: Integration) -> None:
        super().__init__()
        self.integration = integration


def carry_out(job: Job) -> None:
    """Bring one account up to date. Raises RetryLater or GiveUp, with the reason.

    Raises Parked while the integration is paused.
    """
    try:
        row = _begin(job)
    except _Paused as found:
        pausing.wait(job, found.integration)
        carry_out(job)
        return
    if row is None:
        return
    try:
        with connections.open_session(
            row.integration, job=job, resource_id=row.resource_id_public
        ) as session:
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
                "integration__directory",
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
        if row.integration.paused_at is not None:
            raise _Paused(row.integration)
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
            _delete(row, session, account)
        return
    desired = mapping.desired_account(user)
    if not desired.active and _deletes_on_unassign(row.integration):
        if account is not None:
            _delete(row, session, account)
        if row.account is not None:
            _forget(row, row.account)
        return
    if account is None:
        if not desired.active:
            # Who never had an account and may not log in needs none.
            return
        _set_creating_as(row, desired.username)
        account = session.create_account(desired)
        _observe(row, account)
    _update(session, desired, account)
    _observe(row, session.get_account(account.external_id) or account)
    _grant(row, user, session, account)


def _delete(row: Provisioning, session: Session, account: ObservedAccount) -> None:
    """Delete an account, unless somebody has exempted it since."""
    if AppAccount.objects.filter(
        integration=row.integration,
        external_id=account.external_id,
        exempted_at__isnull=False,
    ).exists():
        raise PermanentFailure(
            "The account is exempt, so Keyway does not delete it. End the exemption, "
            "then retry."
        )
    session.delete_account(account.external_id)


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
        return _left_behind(row, session)
    username = mapping.desired_account(user).username
    if username.casefold() == row.integration.service_account.username.casefold():
        raise PermanentFailure(
            "This user name is that of the account with which Keyway works in the "
            "app. Unassign the user in your IdP."
        )
    found = session.find_account(username)
    if found is None and row.creating_as != username:
        found = _left_behind(row, session)
    if found is not None:
        _observe(row, found)
    return found


def _left_behind(row: Provisioning, session: Session) -> ObservedAccount | None:
    """Return the account of a creation that ended before anybody knew how.

    The user was renamed or deleted since, so that no other name leads to it.
    """
    return session.find_account(row.creating_as) if row.creating_as else None


def _set_creating_as(row: Provisioning, username: str) -> None:
    row.creating_as = username
    row.save(update_fields=["creating_as"])


def _deletes_on_unassign(integration: Integration) -> bool:
    """Say whether the account of a user whom the IdP deactivates should go."""
    return integration.on_unassign == Integration.OnUnassign.DELETE


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
    if row.account_id != seen.pk or row.creating_as:
        row.account, row.creating_as = seen, ""
        row.save(update_fields=["account", "creating_as"])


def _grant(
    row: Provisioning, user: Resource, session: Session, account: ObservedAccount
) -> None:
    """Give what the person's groups, roles and entitlements stand for.

    Take only what SCIM gave, and take it first: the app may refuse two that exclude
    each other.
    """
    wanted = entitlements.wanted_by(row.integration, user)
    given = row.given
    for kind, external_id in given - wanted.keys():
        gone = AppEntitlement.objects.filter(
            integration=row.integration, kind=kind, external_id=external_id
        ).first()
        if gone is not None:
            session.revoke(account.external_id, _plain(gone))
    for key, (entitlement, _) in wanted.items():
        if key not in given or key not in account.entitlements:
            session.grant(account.external_id, _plain(entitlement))
    row.granted = sorted([*key, source] for key, (_, source) in wanted.items())
    row.save(update_fields=["granted"])
    if row.account is not None:
        held = set(account.entitlements) - (given - wanted.keys()) | wanted.keys()
        row.account.entitlements.set(
            e
            for e in AppEntitlement.objects.filter(integration=row.integration)
            if e.key in held
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
    health.note_success(row.integration, now=now)


def _fail(job: Job, row: Provisioning, error: ConnectorError) -> NoReturn:
    """Hand the job back with the reason and the time of the next try, or end it."""
    if isinstance(error, PermanentFailure):
        # The app has answered: it is this change that it does not want.
        lanes.note_success(row.integration.lane)
        raise jobs.GiveUp(error.message)
    now = database_now()
    with transaction.atomic():
        later = health.note_failure(row.integration, error, now=now)
        after = max(later.after or _AT_ONCE, jobs.backoff(job.failures + 1))
        later.after = after
        Provisioning.objects.filter(
            pk=row.pk, desired_version=row.desired_version
        ).update(
            state=_BACK[_State(row.state)],
            last_error=error.message,
            next_attempt_at=now + after,
            changed_at=now,
        )
    raise later


def gave_up(job: Job, error: str) -> None:
    """Show that a job ended without success, unless a newer wish waits already."""
    newer = Job.objects.filter(
        kind=job.kind, subject=job.subject, state__in=Job.WAITING
    )
    if newer.exists():
        return
    rows = Provisioning.objects.filter(
        resource_id_public=job.subject, integration__workspace=job.workspace_id
    )
    for pending, failed in _FAILED.items():
        rows.filter(state=pending).update(
            state=failed,
            last_error=error,
            next_attempt_at=None,
            changed_at=database_now(),
        )
