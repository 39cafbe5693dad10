"""What is known of an app that people look after: AppAccounts, and the last list."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid5

from django.db.models import QuerySet

from integrations.connectors.base import PermanentFailure
from integrations.connectors.task.connector import Told
from integrations.desired import Entitlement, ObservedAccount
from integrations.models import AccountList, AppAccount, Integration, Task
from integrations.tasks.rows import pairs

NO_LIST = (
    "There is no list of the app's accounts to read. Upload one under Accounts list."
)


class KnownApp:
    """The `Known` of the connector, from the tables."""

    def __init__(self, integration: Integration) -> None:
        self._integration = integration

    def account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""
        found = self._accounts().filter(external_id=external_id).first()
        return seen(found) if found else None

    def named(self, username: str) -> ObservedAccount | None:
        """Return the account with this name, in whatever case."""
        found = self._accounts().filter(username__iexact=username).first()
        return seen(found) if found else None

    def told(self, external_id: str) -> Told | None:
        """Return what the last task of the account that was done asked for."""
        done = Task.objects.filter(
            integration=self._integration,
            account_key=external_id,
            state=Task.State.DONE,
        )
        task = done.order_by("-closed_at", "-id").first()
        if task is None or not task.outcome["exists"]:
            return None
        return Told(
            task.outcome["given_name"],
            task.outcome["family_name"],
            task.outcome["attributes"],
        )

    def listed_accounts(self) -> Iterator[ObservedAccount]:
        """Yield the accounts of the list that waits for its import.

        An account of a known name keeps its key. What was done since somebody
        brought the list is newer than the list. Raises PermanentFailure.
        """
        keys = {
            username.casefold(): key
            for username, key in self._accounts().values_list("username", "external_id")
        }
        waiting = self._list()
        newer = set(self._done_since(waiting).values_list("account_key", flat=True))
        for account in self._accounts().filter(external_id__in=newer):
            yield seen(account)
        for row in waiting.rows:
            key = keys.get(row["username"].casefold()) or self._new_key(row["username"])
            if key in newer:
                continue
            yield ObservedAccount(
                external_id=key,
                username=row["username"],
                email=row["email"],
                display_name=row["display_name"],
                active=row["active"],
                entitlements=frozenset(pairs(row)),
            )

    def listed_entitlements(self) -> Iterator[Entitlement]:
        """Yield the groups and roles that the list names."""
        found = {pair for row in self._list().rows for pair in pairs(row)}
        for kind, name in sorted(found):
            yield Entitlement(kind, name, name)

    def _list(self) -> AccountList:
        found = waiting_list(self._integration)
        if found is None:
            raise PermanentFailure(NO_LIST)
        return found

    def _done_since(self, waiting: AccountList) -> QuerySet[Task]:
        return Task.objects.filter(
            integration=self._integration,
            state=Task.State.DONE,
            closed_at__gte=waiting.uploaded_at,
        )

    def _accounts(self) -> QuerySet[AppAccount]:
        return AppAccount.objects.filter(integration=self._integration)

    def _new_key(self, username: str) -> str:
        """Return the same key for the same name, so that a repeated sync finds it."""
        name = f"{self._integration.directory_id}:{username.casefold()}"
        return str(uuid5(NAMESPACE_URL, name))


def waiting_list(integration: Integration) -> AccountList | None:
    """Return the list that the next sync imports, if there is one."""
    return integration.account_lists.filter(
        approved_at__isnull=False, imported_at=None
    ).first()


def seen(account: AppAccount) -> ObservedAccount:
    """Return an account as it was last known."""
    return ObservedAccount(
        external_id=account.external_id,
        username=account.username,
        email=account.email,
        display_name=account.display_name,
        active=account.is_active,
        entitlements=frozenset(each.key for each in account.entitlements.all()),
    )
