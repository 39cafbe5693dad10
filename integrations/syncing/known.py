"""What Keyway knows of a page of accounts, read in a handful of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.desired import ObservedAccount
from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.provisioning import identity, mapping
from scim import store
from scim.models import GroupMember, Resource

_UNSETTLED = {*Provisioning.PENDING, *Provisioning.FAILED}


def columns(account: ObservedAccount) -> dict[str, Any]:
    """Return what an AppAccount keeps of an account, by column."""
    return {
        "username": account.username,
        "email": account.email,
        "display_name": account.display_name,
        "is_active": account.active,
    }


class Page:
    """The rows of a batch of accounts, as they were when it was made."""

    def __init__(
        self, integration: Integration, accounts: Sequence[ObservedAccount]
    ) -> None:
        self._integration = integration
        self._owners = identity.owners(integration.directory, accounts)
        known = AppEntitlement.objects.filter(integration=integration)
        self._entitlements = {
            entitlement.key: entitlement
            for entitlement in known.select_related("resource").defer(
                "resource__document", "resource__comparable"
            )
        }
        rows = AppAccount.objects.filter(
            integration=integration, external_id__in=[a.external_id for a in accounts]
        ).select_related("resource")
        self._rows = {row.external_id: row for row in rows}
        users = [row.resource_id for row in self._rows.values()]
        states = Provisioning.objects.filter(resource__in=users)
        self._states = {state.resource_id: state for state in states}
        self._read_held()
        self._read_groups(users)

    def _read_held(self) -> None:
        held = AppAccount.entitlements.through.objects.filter(
            appaccount__in=[row.pk for row in self._rows.values()]
        )
        self._held: dict[int, set[int]] = defaultdict(set)
        for account, entitlement in held.values_list("appaccount", "appentitlement"):
            self._held[account].add(entitlement)

    def _read_groups(self, users: list[int | None]) -> None:
        """Read who is in which group that mirrors one of the app's."""
        found = GroupMember.objects.filter(
            member__in=users,
            group__source=Resource.Source.APP,
            group__app_entitlement__isnull=False,
        )
        self._groups: dict[int, set[int]] = defaultdict(set)
        for user, group in found.values_list("member", "group"):
            self._groups[user].add(group)

    def held_by(self, account: ObservedAccount) -> list[AppEntitlement]:
        """Return the entitlements of an account that are known."""
        found = map(self._entitlements.get, account.entitlements)
        return [entitlement for entitlement in found if entitlement is not None]

    def owners_of(self, account: ObservedAccount) -> list[int]:
        """Return the users with the account's primary identifier."""
        return self._owners.get(account.external_id, [])

    def is_new(self, account: ObservedAccount) -> bool:
        """Say whether the account is seen for the first time, and is nobody's."""
        return account.external_id not in self._rows and not self.owners_of(account)

    def is_as_known(self, account: ObservedAccount) -> bool:
        """Say whether a sync has nothing to do for an account but to note it was seen."""
        row = self._rows.get(account.external_id)
        state = self._states.get(row.resource_id) if row else None
        if row is None or row.resource is None or state is None:
            return False
        held = self.held_by(account)
        return (
            all(getattr(row, name) == v for name, v in columns(account).items())
            and self._held[row.pk] == {entitlement.pk for entitlement in held}
            and {*self.owners_of(account)} <= {row.resource_id}
            and (
                state.state in _UNSETTLED
                or (
                    self._is_followed(row.resource, state, account)
                    and self._is_in_groups(row.resource, state, held)
                )
            )
        )

    def _is_followed(
        self, user: Resource, state: Provisioning, account: ObservedAccount
    ) -> bool:
        """Say whether a user whom only the app knows is as the app shows them."""
        if user.source != Resource.Source.APP or state.is_matched:
            return True
        current = store.read(user)
        told = {**current, **mapping.user_document(account)}
        directory = self._integration.directory
        return mapping.with_own_attributes(told, account, directory) == current

    def _is_in_groups(
        self, user: Resource, state: Provisioning, held: list[AppEntitlement]
    ) -> bool:
        """Say whether the user is in the groups that mirror what the account holds.

        What SCIM gave is the IdP's to say.
        """
        given = state.given
        granted = {
            entitlement.resource_id
            for key, entitlement in self._entitlements.items()
            if key in given
        }
        return mirrored(held) - granted == self._groups[user.pk] - granted

    def note_seen(self, accounts: Sequence[ObservedAccount], now: datetime) -> None:
        """Note in one query that accounts are still there."""
        if accounts:
            AppAccount.objects.filter(
                integration=self._integration,
                external_id__in=[account.external_id for account in accounts],
            ).update(seen_at=now)


def mirrored(held: Sequence[AppEntitlement]) -> set[int]:
    """Return the database ids of the SCIM groups that came from the app."""
    groups = [e.resource for e in held if e.resource is not None]
    return {
        group.pk
        for group in groups
        if group.resource_type == "Group" and group.source == Resource.Source.APP
    }
