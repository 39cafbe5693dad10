"""Bring one account of the app to what is wanted: compare, and do what is missing.

Every step leaves a state from which the whole can be done again: a worker may die
between any two of them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.db import IntegrityError, transaction

from integrations.connectors.base import PermanentFailure, Session
from integrations.desired import DesiredAccount, Entitlement, ObservedAccount
from integrations.models import AppAccount, AppEntitlement, Provisioning
from integrations.provisioning import (
    entitlements,
    identity,
    mapping,
    unassigning,
    undoing,
)
from integrations.provisioning.unassigning import Fate
from scim.models import Resource
from workspaces import jobs
from workspaces.clock import database_now

_AT_ONCE = timedelta(0)


def apply(row: Provisioning, user: Resource | None, session: Session) -> None:
    """Make the account as the IdP wants it now. Raises ConnectorError and RetryLater."""
    if _is_taken_away(user) and not _is_taken_away(row.resource):
        # That may have to wait, which is asked when a job begins. Nothing is done yet,
        # although the row may say so: it is read again under its lock, the user not.
        raise jobs.RetryLater(
            "The IdP took the person away meanwhile.", after=_AT_ONCE, counts=False
        )
    account = _find(row, user, session)
    if user is None or _is_taken_away(user):
        _take_away(row, user, session, account)
    else:
        unassigning.call_off(row)
        _bring(row, user, session, account)


def put_back(row: Provisioning, session: Session) -> None:
    """Make the account as it was at the restore point. Raises ConnectorError."""
    assert row.undo_to is not None  # noqa: S101  asked before
    account = undoing.put_back(row, row.undo_to, session)
    if account is not None:
        _observe(row, account)
        _note_held(row, set(account.entitlements))


def _is_taken_away(user: Resource | None) -> bool:
    return user is None or user.active is False


def _take_away(
    row: Provisioning,
    user: Resource | None,
    session: Session,
    account: ObservedAccount | None,
) -> None:
    """Do with the account what the removal policy says."""
    now = database_now()
    fate = unassigning.fate_of(row, user, now=now)
    if fate is Fate.STAY:
        if user is None:
            row.account = None
            row.save(update_fields=["account"])
        return
    if fate is Fate.DELETE:
        if account is not None:
            _delete(row, session, account)
        if user is not None and row.account is not None:
            _forget(row, row.account)
        return
    # Who never had an account and may not log in needs none.
    if account is not None:
        _bring(row, user, session, account)
        unassigning.date_deletion(row, now=now)


def _bring(
    row: Provisioning,
    user: Resource | None,
    session: Session,
    account: ObservedAccount | None,
) -> None:
    """Make the account as the user is wanted; of nobody, it may not log in."""
    desired = mapping.desired_account(user) if user else None
    made = None
    if desired is not None and account is None:
        _set_creating_as(row, desired.username)
        account = made = session.create_account(desired)
        _observe(row, account)
    assert account is not None  # noqa: S101  made just before, or that of nobody
    if desired is not None:
        _update(session, desired, account)
    elif account.active:
        session.deactivate_account(account.external_id)
    username = desired.username if desired else account.username
    shown = _shown(row, session, username, account)
    if shown != made:
        _observe(row, shown)
    _grant(row, user, session, replace(account, external_id=shown.external_id))


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
    if username.casefold() == row.integration.own_username.casefold():
        raise PermanentFailure(
            "This user name is that of the account with which Keyway works in the "
            "app. Unassign the user in your IdP."
        )
    _refuse_second_account(user)
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


def _refuse_second_account(user: Resource) -> None:
    """Raise PermanentFailure if the app knows the person by another user name."""
    found = identity.account_of_another(user)
    if found is not None:
        attribute, account = found
        raise PermanentFailure(
            f"The app has an account with this {attribute.label or attribute.name}: "
            f"{account.username}. Sync, and Keyway matches it to this user; or match "
            "it by hand under Users."
        )


def _forget(row: Provisioning, account: AppAccount) -> None:
    """Let go of an account that somebody deleted in the app, with what it held."""
    with transaction.atomic():
        account.delete()
        row.account = None
        row.granted, row.granting = [], []
        row.save(update_fields=["account", "granted", "granting"])


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


def _shown(
    row: Provisioning, session: Session, username: str, account: ObservedAccount
) -> ObservedAccount:
    """Return the account after an update, also where its key was its old name."""
    shown = session.get_account(account.external_id)
    if shown is not None:
        return shown
    renamed = session.find_account(username)
    if renamed is None:
        return account
    if row.account is not None:
        row.account.external_id = renamed.external_id
        row.account.save(update_fields=["external_id"])
    return renamed


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
    if row.account_id != seen.pk:
        unassigning.release(seen, to=row)
    is_news = row.account_id != seen.pk or row.creating_as
    row.account, row.creating_as = seen, ""
    if is_news:
        row.save(update_fields=["account", "creating_as"])
    if seen.resource_id != row.resource_id:
        _assign(seen, row)


def _assign(seen: AppAccount, row: Provisioning) -> None:
    """Record whose the account is. Raises RetryLater if the user is gone by now."""
    seen.resource_id = row.resource_id
    try:
        seen.save(update_fields=["resource"])
    except IntegrityError:
        if Resource.objects.filter(provisioning=row).exists():
            raise
        raise jobs.RetryLater(
            "The IdP deleted the user while this ran.", counts=False
        ) from None


def _grant(
    row: Provisioning,
    user: Resource | None,
    session: Session,
    account: ObservedAccount,
) -> None:
    """Give what the person's groups, roles and entitlements stand for.

    Take only what SCIM gave, and take it first: the app may refuse two that exclude
    each other. What is to be given is noted before: if nobody hears how that ended,
    it counts as given once the app shows it.
    """
    due = entitlements.wanted_by(row.integration, user) if user else {}
    given = row.given
    over = (given | row.begun & account.entitlements) - due.keys()
    for kind, external_id in over:
        gone = AppEntitlement.objects.filter(
            integration=row.integration, kind=kind, external_id=external_id
        ).first()
        if gone is not None:
            session.revoke(account.external_id, _plain(gone))
    missing = due.keys() - (given & account.entitlements)
    _note_granting(row, missing)
    for key in due:
        if key in missing:
            session.grant(account.external_id, _plain(due[key][0]))
    granted = sorted([*key, source] for key, (_, source) in due.items())
    if row.granted != granted or row.granting:
        row.granted, row.granting = granted, []
        row.save(update_fields=["granted", "granting"])
    _note_held(row, set(account.entitlements) - over | due.keys())


def _note_granting(row: Provisioning, keys: set[tuple[str, str]]) -> None:
    granting = sorted(map(list, row.begun | keys))
    if granting != row.granting:
        row.granting = granting
        row.save(update_fields=["granting"])


def _note_held(row: Provisioning, keys: set[tuple[str, str]]) -> None:
    """Record which entitlements the account has now."""
    if row.account is None:
        return
    known = AppEntitlement.objects.filter(
        integration=row.integration, external_id__in={key for _, key in keys}
    )
    row.account.entitlements.set(each for each in known if each.key in keys)


def _plain(entitlement: AppEntitlement) -> Entitlement:
    return Entitlement(entitlement.kind, entitlement.external_id, entitlement.name)
