"""What the next provisioning of a person will do, from what is known here.

The work itself looks into the app first, so that it may find less to do.
"""

from __future__ import annotations

from collections.abc import Iterator

from integrations.desired import DesiredAccount
from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.outside import acts
from integrations.provisioning import entitlements, mapping
from scim.models import Resource

_NAMES = {
    "username": "user name",
    "email": "email",
    "display_name": "display name",
}


def steps(row: Provisioning, user: Resource | None) -> list[str]:
    """Return the steps in words; none if the app was seen as it is wanted."""
    return list(_steps(row, user))


def _steps(row: Provisioning, user: Resource | None) -> Iterator[str]:
    account = row.account
    if user is None:
        if account is not None:
            yield acts.DELETE
        return
    desired = mapping.desired_account(user)
    if not desired.active and (account is None or _deletes(row)):
        if account is not None:
            yield acts.DELETE
        return
    if account is None:
        yield f"Look for an account of {desired.username}, create it if there is none"
    else:
        yield from _updates(desired, account)
    yield from _grants(row, user)


def _deletes(row: Provisioning) -> bool:
    return row.integration.on_unassign == Integration.OnUnassign.DELETE


def _updates(desired: DesiredAccount, account: AppAccount) -> Iterator[str]:
    changed = [
        words
        for name, words in _NAMES.items()
        if getattr(desired, name) and getattr(desired, name) != getattr(account, name)
    ]
    if changed:
        yield f"{acts.UPDATE}: {', '.join(changed)}"
    elif desired.attributes:
        yield f"{acts.UPDATE}: {', '.join(desired.attributes)}"
    if desired.active and not account.is_active:
        yield acts.REACTIVATE
    elif not desired.active and account.is_active:
        yield acts.DEACTIVATE


def _grants(row: Provisioning, user: Resource) -> Iterator[str]:
    wanted = entitlements.wanted_by(row.integration, user)
    given = row.given
    held = set()
    if row.account is not None:
        held = {each.key for each in row.account.entitlements.all()}
    for key, (entitlement, _) in wanted.items():
        if key not in given or key not in held:
            yield acts.grant(entitlement.kind, entitlement.name)
    gone = given - wanted.keys()
    if gone:
        for each in AppEntitlement.objects.filter(integration=row.integration):
            if each.key in gone:
                yield acts.take_away(each.kind, each.name)
