"""Whose account is it: the rules by which a sync finds the user, in order.

A rule that finds one user without an account decides; one that finds several says
that nobody can tell, and the account stays unmatched.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from django.db.models import QuerySet

from integrations.desired import ObservedAccount
from integrations.models import Integration
from scim import queries, schema_changes
from scim.models import Resource
from scim.protocol import user_schema
from scim.protocol.comparable import user_name_key
from scim.queries import Query
from scim.served import schema_of

USER_NAME, EMAIL, EXTERNAL_ID = "userName", "email", "externalId"
ATTRIBUTE = "attribute:"
_LABELS = {
    USER_NAME: "User name: the user name in the app",
    EMAIL: "Email: an email of the user is that of the account",
    EXTERNAL_ID: "External ID: the app's own key of the account",
}
_MOST = 20
"""How many users of one value are looked at."""


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


def find(integration: Integration, account: ObservedAccount) -> Resource | None:
    """Return the one user whose account it is, None if there is none or no telling.

    Raises InvalidValue if the account's name can be no `userName`.
    """
    for rule in integration.matching_rules:
        found = list(_candidates(integration, rule, account)[:2])
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _candidates(
    integration: Integration, rule: str, account: ObservedAccount
) -> QuerySet[Resource]:
    users = Resource.objects.filter(
        directory=integration.directory, resource_type="User", app_account=None
    ).order_by("pk")
    if rule == USER_NAME:
        return users.filter(user_name_key=user_name_key(account.username))
    if rule == EXTERNAL_ID:
        return users.filter(external_id=account.external_id)
    if rule == EMAIL:
        wanted = [("emails.value", account.email)] if account.email else []
    else:
        wanted = list(_own(integration, rule.removeprefix(ATTRIBUTE), account))
    return users.filter(pk__in=_search(integration, wanted))


def _own(
    integration: Integration, name: str, account: ObservedAccount
) -> Iterator[tuple[str, str]]:
    """Yield an attribute with each value it may have; none if it is not there."""
    urn = user_schema.urn_of(integration.directory.key)
    own = schema_changes.user_schema_of(integration.directory).attributes
    if any(each.name == name for each in own):
        yield f"{urn}:{name}", account.username
        yield f"{urn}:{name}", account.external_id


def _search(integration: Integration, wanted: list[tuple[str, str]]) -> list[int]:
    if not wanted:
        return []
    condition = " or ".join(
        f"{path} eq {orjson.dumps(value).decode()}" for path, value in wanted
    )
    directory = integration.directory
    query = Query(filter=condition, count=_MOST)
    page = queries.search(directory, schema_of(directory, "User"), query)
    return [row.id for row in page.rows]
