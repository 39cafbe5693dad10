"""Whose account is it: match by hand, remove from the app, or exempt.

A sync makes a resource (source `app`) for each account that it cannot match by
user name or primary identifier. The account is unmatched until the IdP writes that resource, which takes
it over, or until somebody decides here. An account that is to be deleted is no
longer unmatched, and an exempt one needs no user: it is in no list of things to do,
and nothing deletes it before the exemption ends.

Locks are taken in the order of a SCIM write and of a sync: account, groups, users,
provisionings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from integrations.audit import Action
from integrations.models import AppAccount, Integration, Provisioning
from integrations.provisioning import wanted
from scim import services
from scim.models import Resource
from scim.protocol.comparable import string_key
from scim.served import schema_of
from workspaces import audit
from workspaces.models import Job, User

UNMATCHED = Q(
    is_matched=False,
    resource__isnull=False,
    account__isnull=False,
    account__exempted_at=None,
)
EXEMPT = Q(account__exempted_at__isnull=False)
_ORIGIN = services.Origin(source=Resource.Source.APP)


class Refused(ValueError):
    """The account cannot be dealt with in this way now; the text says why."""


class WrongName(ValueError):
    """What was typed is not the user name of the account."""


@dataclass(frozen=True, slots=True)
class _Locked:
    """An unmatched account under lock, with the resource that stands for it."""

    row: Provisioning
    account: AppAccount
    user: Resource


def is_unmatched(row: Provisioning) -> bool:
    """Say the same as UNMATCHED of a row with its account."""
    return (
        not row.is_matched
        and row.resource_id is not None
        and row.account is not None
        and row.account.exempted_at is None
    )


def candidates(integration: Integration, text: str = "") -> QuerySet[Provisioning]:
    """Return the users of the IdP who have no account in the app, by user name.

    `text` is a part of the user name or of the name.
    """
    found = (
        Provisioning.objects.filter(
            integration=integration,
            is_matched=True,
            account=None,
            resource__isnull=False,
            resource__app_account=None,
        )
        .select_related("resource")
        .order_by("user_name", "id")
    )
    if text:
        key = string_key(text, case_exact=False)
        found = found.filter(
            Q(resource__user_name_key__contains=key)
            | Q(resource__label__icontains=text)
        )
    return found


def can_remove(integration: Integration) -> bool:
    """Say whether the connector can delete accounts of this app."""
    return bool(integration.app.manifest.get("capabilities", {}).get("delete"))


@transaction.atomic
def match(
    row: Provisioning, target: Provisioning, *, actor: User | None, now: datetime
) -> None:
    """Let the account of `row` be that of the user of `target`, who has none.

    `actor` is None when a sync knows it by the primary identifier.

    The resource that stood for the account is deleted; the user takes its place in
    the groups of the app, and keeps what SCIM had given to it. The account is then
    brought up to date with the user. Raises Refused.
    """
    integration = row.integration
    groups = _groups_of(row)
    found = _lock(row, also=[*groups.values_list("pk", flat=True), target.resource_id])
    taker = _lock_taker(integration, target)
    given = {tuple(entry): None for entry in [*taker.granted, *found.row.granted]}
    taker.granted = sorted(map(list, given))
    taker.account = found.account
    taker.state = Provisioning.State.ONBOARDED
    found.row.delete()
    taker.save(update_fields=["granted", "account", "state"])
    found.account.resource_id = taker.resource_id
    found.account.save(update_fields=["resource"])
    for group in groups:
        _put_into(integration, group, taker.resource_id_public, now)
    _delete_resource(integration, found.user, now)
    assert taker.resource_id is not None  # noqa: S101  candidates have one
    wanted.want(
        integration.directory,
        [taker.resource_id],
        trigger=Job.Trigger.WEB,
        actor=actor,
        is_matched=True,
        now=now,
    )
    _record(Action.ACCOUNT_MATCHED, found, actor, matched_to=taker.user_name)


@transaction.atomic
def remove(row: Provisioning, *, typed_name: str, actor: User, now: datetime) -> None:
    """Delete an unmatched account in the app, in the background.

    Its user leaves the directory at once. Raises Refused or WrongName.
    """
    integration = row.integration
    found = _lock(row)
    account = found.account
    if not can_remove(integration):
        raise Refused(f"{integration.app.name} lets nobody delete accounts.")
    own = integration.own_username
    if account.username.casefold() == own.casefold():
        raise Refused("Keyway works in the app with this account. It has to stay.")
    if typed_name.strip() != account.username.strip():
        raise WrongName(f"Type {account.username}, the user name in the app.")
    _record(Action.ACCOUNT_REMOVAL_REQUESTED, found, actor)
    # Somebody says so of this account: no policy and no threshold stands before it.
    found.row.delete_at = now
    found.row.save(update_fields=["delete_at"])
    _delete_resource(integration, found.user, now)
    wanted.want_gone(
        integration.directory,
        found.row.resource_id_public,
        trigger=Job.Trigger.WEB,
        actor=actor,
        now=now,
    )


@transaction.atomic
def exempt(row: Provisioning, *, reason: str, actor: User, now: datetime) -> None:
    """Say that an account needs no user of the IdP, and why. Raises Refused."""
    found = _lock(row)
    account = found.account
    account.exempted_at, account.exempted_by = now, actor
    account.exempt_reason = reason
    account.save(update_fields=["exempted_at", "exempted_by", "exempt_reason"])
    _record(Action.ACCOUNT_EXEMPTED, found, actor, reason=reason)


@transaction.atomic
def end_exemption(row: Provisioning, *, actor: User) -> bool:
    """Let an account be like any other again. False if it is that already."""
    account = (
        AppAccount.objects.select_for_update()
        .filter(pk=row.account_id or 0, exempted_at__isnull=False)
        .first()
    )
    if account is None:
        return False
    account.exempted_at = account.exempted_by = None
    account.exempt_reason = ""
    account.save(update_fields=["exempted_at", "exempted_by", "exempt_reason"])
    audit.record(
        Action.ACCOUNT_EXEMPTION_ENDED,
        workspace=row.integration.workspace,
        actor=actor,
        target=row.integration,
        data={"account": account.external_id, "user_name": account.username},
    )
    return True


def _lock(row: Provisioning, *, also: Iterable[int | None] = ()) -> _Locked:
    """Lock an unmatched account with its user, and resources by key. Raises Refused."""
    account = (
        AppAccount.objects.select_for_update().filter(pk=row.account_id or 0).first()
    )
    rows = Resource.objects.select_for_update().filter(
        directory=row.integration.directory_id,
        pk__in=[key for key in (row.resource_id, *also) if key is not None],
    )
    # Groups come before users, as in every SCIM write.
    resources = {found.pk: found for found in rows.order_by("resource_type", "pk")}
    found = Provisioning.objects.select_for_update().filter(pk=row.pk).first()
    user = resources.get(row.resource_id or 0)
    if found is None or account is None or user is None:
        raise Refused("This account has changed meanwhile. Look at it again.")
    found.account, found.resource, found.integration = account, user, row.integration
    if not is_unmatched(found):
        raise Refused("This account is not unmatched any more. Look at it again.")
    if found.state in Provisioning.ONGOING:
        raise Refused("A worker changes this account now. Try again in a minute.")
    return _Locked(found, account, user)


def _lock_taker(integration: Integration, target: Provisioning) -> Provisioning:
    taker = (
        Provisioning.objects.select_for_update(of=("self",))
        .filter(pk=target.pk, pk__in=candidates(integration).order_by().values("pk"))
        .first()
    )
    if taker is None:
        raise Refused(
            f"{target.user_name} has an account in the app by now. Choose another user."
        )
    if taker.state in Provisioning.ONGOING:
        raise Refused(
            f"A worker provisions {target.user_name} now. Try again in a minute."
        )
    return taker


def _groups_of(row: Provisioning) -> QuerySet[Resource]:
    """Return the groups that mirror the app's, of which the account's user is one."""
    return Resource.objects.filter(
        members__member=row.resource_id,
        resource_type="Group",
        source=Resource.Source.APP,
    ).order_by("pk")


def _put_into(
    integration: Integration, group: Resource, user_id: str, now: datetime
) -> None:
    services.patch(
        integration.directory,
        schema_of(integration.directory, "Group"),
        group.public_id,
        {
            "Operations": [
                {"op": "add", "path": "members", "value": [{"value": user_id}]}
            ]
        },
        origin=_ORIGIN,
        now=now,
    )


def _delete_resource(integration: Integration, user: Resource, now: datetime) -> None:
    services.delete(
        integration.directory,
        schema_of(integration.directory, "User"),
        user.public_id,
        origin=_ORIGIN,
        now=now,
    )


def _record(action: Action, found: _Locked, actor: User | None, **data: str) -> None:
    audit.record(
        action,
        workspace=found.row.integration.workspace,
        actor=actor,
        target=found.row.integration,
        data={
            "account": found.account.external_id,
            "user_name": found.account.username,
            **data,
        },
    )
