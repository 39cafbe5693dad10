"""Save what a sync has read: accounts and entitlements, matched to the directory.

An account without a resource becomes one (source `app`), so that the IdP's next
import sees it; a group, a role or an entitlement of the app likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from integrations.desired import Entitlement, ObservedAccount
from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.provisioning import (
    entitlements,
    mapping,
    role_publishing,
)
from integrations.provisioning.entitlements import GROUP_KIND, ROLE_KIND
from integrations.syncing import (
    group_matching,
    matching,
    newcomers,
    recognising,
)
from integrations.syncing.known import Page, columns
from integrations.syncing.matching_rules import Finder
from integrations.syncing.report import Report
from scim import services, store
from scim.models import GroupMember, Resource
from scim.protocol.errors import ScimError
from scim.served import schema_of

_ORIGIN = services.Origin(source=Resource.Source.APP)


def take_entitlements(
    integration: Integration,
    found: Iterable[Entitlement],
    report: Report,
    *,
    now: datetime,
) -> None:
    """Save the groups, roles and rights that the app has."""
    names = {
        row.key: row.name
        for row in AppEntitlement.objects.filter(integration=integration)
    }
    for entitlement in found:
        _count(entitlement.kind, report)
        key = (entitlement.kind, entitlement.external_id)
        report.changed += names.get(key, entitlement.name) != entitlement.name
        with transaction.atomic():
            row, _ = AppEntitlement.objects.update_or_create(
                integration=integration,
                kind=entitlement.kind,
                external_id=entitlement.external_id,
                defaults={"name": entitlement.name, "seen_at": now},
            )
            if entitlement.kind != GROUP_KIND:
                report.new += entitlements.show(integration, row, now=now)
        if entitlement.kind == GROUP_KIND and row.resource_id is None:
            group_matching.match(integration, row, report, now)
    role_publishing.after_sync(integration, now=now)


def _count(kind: str, report: Report) -> None:
    if kind == GROUP_KIND:
        report.groups += 1
    elif kind == ROLE_KIND:
        report.roles += 1
    else:
        report.entitlements += 1


def take_accounts(
    integration: Integration,
    accounts: Sequence[ObservedAccount],
    report: Report,
    *,
    now: datetime,
) -> None:
    """Save a batch of accounts. Those that are to be deleted are left as they are.

    What is as known costs no query of its own, and who is new comes in at once.
    """
    report.users += len(accounts)
    leaving, left = _leaving(integration, now)
    page = Page(integration, accounts)
    finder = Finder(integration, accounts)
    here = [a for a in accounts if a.username.casefold() not in left]
    settled = [a for a in here if a.external_id in leaving or page.is_as_known(a)]
    page.note_seen(settled, now)
    rest = [a for a in here if a not in settled]
    fresh = [a for a in rest if page.is_new(a) and not finder.may_know(a)]
    taken = newcomers.take(integration, fresh, page, now) if fresh else []
    report.new += len(taken)
    for account in rest:
        if account in taken:
            continue
        try:
            row = _take_account(integration, account, page, finder, report, now)
            recognising.give_to_owner(row, page.owners_of(account), now)
        except (ScimError, matching.Refused) as error:
            report.skipped.append(f"{account.username}: {error}")
            page.note_seen([account], now)


def _leaving(integration: Integration, now: datetime) -> tuple[set[str], set[str]]:
    """Return the accounts that wait to be deleted, and names deleted since `now`.

    The app was read before; to take them over would bring the person back.
    """
    rows = Provisioning.objects.filter(integration=integration)
    waiting = rows.filter(state__in=Provisioning.LEAVING, account__isnull=False)
    deleted = rows.filter(state=Provisioning.State.DELETED, changed_at__gte=now)
    return (
        set(waiting.values_list("account__external_id", flat=True)),
        {name.casefold() for name in deleted.values_list("user_name", flat=True)},
    )


@transaction.atomic
def _take_account(
    integration: Integration,
    account: ObservedAccount,
    page: Page,
    finder: Finder,
    report: Report,
    now: datetime,
) -> AppAccount:
    values, held_rows = columns(account), page.held_by(account)
    before = AppAccount.objects.filter(
        integration=integration, external_id=account.external_id
    ).first()
    row, created = AppAccount.objects.update_or_create(
        integration=integration,
        external_id=account.external_id,
        defaults={**values, "seen_at": now},
    )
    differs = before is not None and any(
        getattr(before, name) != value for name, value in values.items()
    )
    if row.resource is None:
        row.resource = _match_user(integration, account, finder, report, now)
        row.save(update_fields=["resource"])
        _onboard(integration, row, now)
    elif _only_the_app_knows(row.resource) and _is_settled(row.resource):
        _follow(integration, row.resource, account, now)
    held_before = set(row.entitlements.values_list("pk", flat=True))
    if held_before != {e.pk for e in held_rows}:
        row.entitlements.set(held_rows)
        differs = True
    report.changed += differs and not created
    _join_groups(integration, row.resource, held_rows, now)
    return row


def _match_user(
    integration: Integration,
    account: ObservedAccount,
    finder: Finder,
    report: Report,
    now: datetime,
) -> Resource:
    """Return the user whom the rules find, or a new one that stands for the account."""
    user = finder.find(account)
    if user is not None:
        recognising.refuse_contradiction(user, account)
        return user
    report.new += 1
    document = mapping.user_document(account)
    return services.create(
        integration.directory,
        schema_of(integration.directory, "User"),
        mapping.with_own_attributes(document, account, integration.directory),
        origin=_ORIGIN,
        now=now,
    )


def _onboard(integration: Integration, row: AppAccount, now: datetime) -> None:
    """Note that the person is in the app, unless a provisioning says more."""
    user = row.resource
    assert user is not None  # noqa: S101  matched just before
    state = Provisioning.objects.filter(resource_id_public=user.public_id).first()
    if state is None:
        newcomers.onboarded(integration, row, user, now).save(force_insert=True)
    elif state.account_id is None:
        state.account = row
        state.save(update_fields=["account"])


def _only_the_app_knows(user: Resource) -> bool:
    """Say whether the user came from the app and the IdP has not taken it over."""
    return (
        user.source == Resource.Source.APP
        and not Provisioning.objects.filter(resource=user, is_matched=True).exists()
    )


def _is_settled(user: Resource) -> bool:
    """Say whether the app has all that the IdP wants; else the IdP's word stands."""
    return not Provisioning.objects.filter(
        resource=user, state__in=[*Provisioning.PENDING, *Provisioning.FAILED]
    ).exists()


def _follow(
    integration: Integration, user: Resource, account: ObservedAccount, now: datetime
) -> None:
    """Take a change over that was made in the app, for people only the app knows."""
    current = store.read(user)
    told = {**current, **mapping.user_document(account)}
    body = mapping.with_own_attributes(told, account, integration.directory)
    if body == current:
        return
    services.replace(
        integration.directory,
        schema_of(integration.directory, "User"),
        user.public_id,
        body,
        origin=_ORIGIN,
        now=now,
    )


def _join_groups(
    integration: Integration,
    user: Resource | None,
    held: list[AppEntitlement],
    now: datetime,
) -> None:
    """Show the app's memberships in the SCIM groups that came from the app.

    Groups that the IdP owns are left alone, and so is what SCIM gave or is about
    to give: there the IdP decides.
    """
    assert user is not None  # noqa: S101  matched just before
    if not _is_settled(user):
        return
    state = Provisioning.objects.get(resource=user)
    group_type = schema_of(integration.directory, "Group")
    given = state.given
    wanted = {
        e.resource_id for e in held if e.resource_id is not None and e.key not in given
    }
    present = set(
        GroupMember.objects.filter(member=user)
        .exclude(
            group__app_entitlement__in=[
                e.pk
                for e in AppEntitlement.objects.filter(integration=integration)
                if e.key in given
            ]
        )
        .values_list("group", flat=True)
    )
    groups = Resource.objects.filter(
        pk__in=wanted ^ present,
        resource_type="Group",
        source=Resource.Source.APP,
        app_entitlement__isnull=False,
    )
    for group in groups:
        op = "add" if group.pk in wanted else "remove"
        services.patch(
            integration.directory,
            group_type,
            group.public_id,
            {
                "Operations": [
                    {"op": op, "path": "members", "value": [{"value": user.public_id}]}
                ]
            },
            origin=_ORIGIN,
            now=now,
        )


@transaction.atomic
def forget_lost(integration: Integration, report: Report, *, now: datetime) -> None:
    """Forget what the app no longer has.

    A person whose account is gone keeps their resource: the IdP decides.
    """
    lost = AppAccount.objects.filter(integration=integration, seen_at__lt=now)
    for account in lost.select_related("resource"):
        report.removed += 1
        user = account.resource
        account.delete()
        if user is not None and _only_the_app_knows(user):
            Provisioning.objects.filter(resource=user).delete()
            services.delete(
                integration.directory,
                schema_of(integration.directory, "User"),
                user.public_id,
                origin=_ORIGIN,
                now=now,
            )
    dropped = AppEntitlement.objects.filter(integration=integration, seen_at__lt=now)
    for row in dropped.select_related("resource"):
        report.removed += 1
        entitlements.hide(integration, row, now=now)
    dropped.delete()
