"""Find many users by what identifies them, in one query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from scim import json_sql
from scim.protocol import user_schema
from scim.protocol.comparable import string_key
from scim.protocol.types import JSON
from scim.protocol.user_schema import UserAttribute
from workspaces.models import Directory


def key_of(attribute: UserAttribute, value: JSON) -> str | None:
    """Return the form in which two values are compared; None if there is no value."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return string_key(str(value), case_exact=attribute.case_exact)


def users_by_key(
    directory: Directory, attribute: UserAttribute, keys: Iterable[str]
) -> dict[str, list[int]]:
    """Return the database ids of the users who have one of the keys, by key.

    One query. Whoever finds two users for a key cannot tell them apart by it.
    """
    urn = user_schema.urn_of(directory.key)
    value = json_sql.text("r.comparable", (urn, attribute.name))
    text = f"CAST({value.text} AS TEXT)"
    wanted = json_sql.among(text, sorted(keys))
    found: dict[str, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {text}, r.id FROM scim_resource r WHERE r.directory_id = %s"
            f" AND r.resource_type = 'User' AND {wanted.text} ORDER BY r.id",
            [*value.params, directory.pk, *value.params, *wanted.params],
        )
        for key, user in cursor.fetchall():
            found[key].append(user)
    return dict(found)


def users_by_email(directory: Directory, keys: Iterable[str]) -> dict[str, list[int]]:
    """Return the database ids of the users with one of the addresses, by address.

    Addresses are in the form in which they are compared. One query.
    """
    emails = json_sql.elements("r.comparable", ("emails",))
    value = json_sql.text("e.value", ("value",))
    wanted = json_sql.among(value.text, sorted(keys))
    found: dict[str, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT {value.text} AS address, r.id"
            f" FROM scim_resource r, {emails.text} WHERE r.directory_id = %s"
            f" AND r.resource_type = 'User' AND {wanted.text} ORDER BY r.id",
            [
                *value.params,
                *emails.params,
                directory.pk,
                *value.params,
                *wanted.params,
            ],
        )
        for key, user in cursor.fetchall():
            found[key].append(user)
    return dict(found)
