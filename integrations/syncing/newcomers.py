"""Take accounts over that are new and nobody's, a page at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from integrations.desired import ObservedAccount
from integrations.models import AppAccount, Integration, Provisioning
from integrations.provisioning import mapping
from integrations.syncing.known import Page, columns, mirrored
from scim import services
from scim.models import Resource
from scim.protocol.errors import ScimError
from scim.protocol.types import JSON
from scim.served import schema_of

_ORIGIN = services.Origin(source=Resource.Source.APP)


def take(
    integration: Integration,
    accounts: Sequence[ObservedAccount],
    page: Page,
    now: datetime,
) -> Sequence[ObservedAccount]:
    """Make a user for each account, all or none, and return whom it took.

    It takes none if one of them is refused: taken one by one, that one tells why.
    """
    try:
        with transaction.atomic():
            _take(integration, accounts, page, now)
    except ScimError:
        return []
    return accounts


def _take(
    integration: Integration,
    accounts: Sequence[ObservedAccount],
    page: Page,
    now: datetime,
) -> None:
    directory = integration.directory
    bodies = [
        mapping.with_own_attributes(mapping.user_document(a), a, directory)
        for a in accounts
    ]
    users = services.create_all(
        directory, schema_of(directory, "User"), bodies, origin=_ORIGIN, now=now
    )
    rows = AppAccount.objects.bulk_create(
        AppAccount(
            integration=integration,
            external_id=account.external_id,
            resource=user,
            seen_at=now,
            **columns(account),
        )
        for account, user in zip(accounts, users, strict=True)
    )
    Provisioning.objects.bulk_create(
        onboarded(integration, row, user, now)
        for row, user in zip(rows, users, strict=True)
    )
    holds = AppAccount.entitlements.through
    members: dict[int, list[Resource]] = defaultdict(list)
    held = []
    for account, row, user in zip(accounts, rows, users, strict=True):
        found = page.held_by(account)
        held += [holds(appaccount=row, appentitlement=each) for each in found]
        for group in mirrored(found):
            members[group].append(user)
    holds.objects.bulk_create(held)
    _put_into_groups(integration, members, now)


def onboarded(
    integration: Integration, row: AppAccount, user: Resource, now: datetime
) -> Provisioning:
    """Return, not saved, that a person is in the app as the account shows."""
    return Provisioning(
        integration=integration,
        resource=user,
        resource_id_public=user.public_id,
        user_name=row.username,
        account=row,
        is_matched=user.source == Resource.Source.IDP,
        applied_version=1,
        state=Provisioning.State.ONBOARDED,
        changed_at=now,
    )


def _put_into_groups(
    integration: Integration, members: dict[int, list[Resource]], now: datetime
) -> None:
    """Show memberships of the app: one change a group, however many users."""
    directory = integration.directory
    # In the order in which every write locks them.
    for group in Resource.objects.filter(pk__in=members).order_by("pk"):
        value: JSON = [{"value": user.public_id} for user in members[group.pk]]
        services.patch(
            directory,
            schema_of(directory, "Group"),
            group.public_id,
            {"Operations": [{"op": "add", "path": "members", "value": value}]},
            origin=_ORIGIN,
            now=now,
        )
