"""Whose account is it: the rules by which a sync finds the user, in order.

A rule that finds one user without an account decides; one that finds several says
that nobody can tell, and the account stays unmatched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from integrations.desired import ObservedAccount
from integrations.models import Integration
from scim import identifiers, schema_changes
from scim.models import Resource
from scim.protocol.comparable import string_key, user_name_key
from scim.protocol.errors import InvalidValue
from scim.protocol.user_schema import UserAttribute

USER_NAME, EMAIL, EXTERNAL_ID = "userName", "email", "externalId"
ATTRIBUTE = "attribute:"
_LABELS = {
    USER_NAME: "User name: the user name in the app",
    EMAIL: "Email: an email of the user is that of the account",
    EXTERNAL_ID: "External ID: the app's own key of the account",
}


def choices(integration: Integration) -> list[tuple[str, str]]:
    """Return the rules that can be chosen, with their words."""
    own = schema_changes.user_schema_of(integration.directory).attributes
    return [
        *_LABELS.items(),
        *(
            (
                f"{ATTRIBUTE}{each.name}",
                f"{each.label or each.name}: the user name or the key in the app",
            )
            for each in own
            if each.type == "string"
        ),
    ]


class Finder:
    """Finds the users of a page of accounts: one query a rule, not one an account."""

    def __init__(
        self, integration: Integration, accounts: Sequence[ObservedAccount]
    ) -> None:
        self._users = Resource.objects.filter(
            directory=integration.directory, resource_type="User", app_account=None
        ).order_by("pk")
        self._found: list[dict[str, list[int]]] = []
        self._keys = [
            partial(_KEYS.get(rule, _own_keys), _own_attribute(integration, rule))
            for rule in integration.matching_rules
        ]
        for rule, keys_of in zip(integration.matching_rules, self._keys, strict=True):
            keys = sorted({key for each in accounts for key in keys_of(each)})
            self._found.append(self._by_key(integration, rule, keys) if keys else {})

    def _by_key(
        self, integration: Integration, rule: str, keys: list[str]
    ) -> dict[str, list[int]]:
        """Return the database ids of users, by a key that a rule looks for."""
        directory = integration.directory
        if rule == EMAIL:
            return identifiers.users_by_email(directory, keys)
        if rule in _COLUMNS:
            column = _COLUMNS[rule]
            rows = self._users.filter(**{f"{column}__in": keys})
            found: dict[str, list[int]] = {}
            for key, user in rows.values_list(column, "pk"):
                found.setdefault(key, []).append(user)
            return found
        attribute = _own_attribute(integration, rule)
        return identifiers.users_by_key(directory, attribute, keys) if attribute else {}

    def _candidates(self, account: ObservedAccount) -> Iterator[set[int]]:
        """Yield whom each rule found when the page was read, in order."""
        for keys_of, found in zip(self._keys, self._found, strict=True):
            yield {user for key in keys_of(account) for user in found.get(key, [])}

    def may_know(self, account: ObservedAccount) -> bool:
        """Say whether a rule found anybody, with an account or without."""
        return any(self._candidates(account))

    def find(self, account: ObservedAccount) -> Resource | None:
        """Return the one user whose account it is, None if there is none or no telling.

        Takes a query only where a rule found somebody: another account of the page
        may have that user by now. Raises InvalidValue if the account's name can be no
        `userName`.
        """
        user_name_key(account.username)
        for users in self._candidates(account):
            found = list(self._users.filter(pk__in=users)[:2]) if users else []
            if found:
                return found[0] if len(found) == 1 else None
        return None


def _user_name(_: UserAttribute | None, account: ObservedAccount) -> list[str]:
    try:
        return [user_name_key(account.username)]
    except InvalidValue:
        return []


def _external_id(_: UserAttribute | None, account: ObservedAccount) -> list[str]:
    return [account.external_id]


def _email(_: UserAttribute | None, account: ObservedAccount) -> list[str]:
    return [string_key(account.email, case_exact=False)] if account.email else []


def _own_keys(attribute: UserAttribute | None, account: ObservedAccount) -> list[str]:
    values = (account.username, account.external_id) if attribute else ()
    keys = (identifiers.key_of(attribute, value) for value in values if attribute)
    return [key for key in keys if key]


def _own_attribute(integration: Integration, rule: str) -> UserAttribute | None:
    """Return the attribute of a rule; None if it is not there, or needs none."""
    own = schema_changes.user_schema_of(integration.directory).attributes
    return next((each for each in own if f"{ATTRIBUTE}{each.name}" == rule), None)


_KEYS = {USER_NAME: _user_name, EMAIL: _email, EXTERNAL_ID: _external_id}
_COLUMNS = {USER_NAME: "user_name_key", EXTERNAL_ID: "external_id"}
