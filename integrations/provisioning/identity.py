"""Whose account it is, by the primary identifier of the user schema.

The attribute says more than the user name, which people and apps change. It decides
only where it is clear: no value, or one that several users have, says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from integrations.desired import ObservedAccount
from integrations.models import AppAccount
from integrations.provisioning import mapping
from scim import identifiers, schema_changes
from scim.models import Resource
from scim.protocol.user_schema import UserAttribute
from workspaces.models import Directory


def owners(
    directory: Directory, accounts: Iterable[ObservedAccount]
) -> dict[str, list[int]]:
    """Return the database ids of the users with each account's identifier.

    By the account's external id; an account that shares its identifier with another
    is left out. At most one query.
    """
    attribute = schema_changes.user_schema_of(directory).primary_identifier
    if attribute is None:
        return {}
    keys = {account.external_id: _key(attribute, account) for account in accounts}
    times = Counter(keys.values())
    clear = {of: key for of, key in keys.items() if key and times[key] == 1}
    if not clear:
        return {}
    users = identifiers.users_by_key(directory, attribute, clear.values())
    return {of: users[key] for of, key in clear.items() if key in users}


def contradicts(user: Resource, account: ObservedAccount) -> UserAttribute | None:
    """Return the identifier if both have a value of it and the two differ."""
    attribute = schema_changes.user_schema_of(user.directory).primary_identifier
    if attribute is None:
        return None
    own = _key_of_user(attribute, user)
    other = _key(attribute, account)
    return attribute if own and other and own != other else None


def account_of_another(user: Resource) -> tuple[UserAttribute, AppAccount] | None:
    """Return an account with the user's identifier that only the app knows, if any."""
    attribute = schema_changes.user_schema_of(user.directory).primary_identifier
    key = attribute and _key_of_user(attribute, user)
    if attribute is None or not key:
        return None
    same = identifiers.users_by_key(user.directory, attribute, [key]).get(key, [])
    account = AppAccount.objects.filter(
        resource__in=[pk for pk in same if pk != user.pk],
        resource__source=Resource.Source.APP,
        exempted_at=None,
    ).first()
    return None if account is None else (attribute, account)


def _key(attribute: UserAttribute, account: ObservedAccount) -> str | None:
    told = {n.lower(): value for n, value in (account.attributes or {}).items()}
    return identifiers.key_of(attribute, told.get(attribute.name.lower()))


def _key_of_user(attribute: UserAttribute, user: Resource) -> str | None:
    values = mapping.desired_account(user).attributes
    return identifiers.key_of(attribute, values.get(attribute.name))
