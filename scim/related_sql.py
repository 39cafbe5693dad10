"""A group's `members` and a user's `groups`, written as JSON by the database.

The text goes into the answer as it is, so that a group of 10,000 costs no Python
per member.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from django.db import connection

from scim.json_sql import Sql


class Related(Enum):
    """Which memberships an answer shows, and how."""

    GROUPS = "groups"
    MEMBERS = "members"
    MEMBERS_WITH_DISPLAY = "members with display"


_GROUP = (
    """'{"value":"' || x.public_id || '","$ref":"' || CAST(%s AS TEXT) || '/Groups/'"""
    """ || x.public_id || '","type":"direct","display":' || {label} || '}'"""
)
_MEMBER = (
    """'{"value":"' || x.public_id || '","$ref":"' || CAST(%s AS TEXT) || '/'"""
    """ || x.resource_type || 's/' || x.public_id"""
    """ || '","type":"' || x.resource_type || '"{display}}'"""
)
_DISPLAY = ""","display":' || {label} || '"""
_SELECTED = {
    Related.GROUPS: ("member_id", "group_id", _GROUP),
    Related.MEMBERS: ("group_id", "member_id", _MEMBER.replace("{display}", "")),
    Related.MEMBERS_WITH_DISPLAY: (
        "group_id",
        "member_id",
        _MEMBER.replace("{display}", _DISPLAY),
    ),
}


def of(related: Related | None, base_url: str) -> Sql:
    """Return the JSON list of what `r` is related to, NULL for nothing.

    In the order in which the memberships were made.
    """
    if related is None:
        return Sql("NULL")
    own, other, value = _SELECTED[related]
    if connection.vendor == "sqlite":
        value = value.replace("{label}", "json_quote(x.label)")
        joined = f"group_concat({value}, ',')"
    else:
        value = value.replace("{label}", "to_json(x.label)::text")
        joined = f"string_agg({value}, ',' ORDER BY x.place)"
    return Sql(
        f"(SELECT '[' || {joined} || ']' FROM (SELECT m.id AS place, o.public_id,"
        " o.resource_type, o.label FROM scim_groupmember m"
        f" JOIN scim_resource o ON o.id = m.{other}"
        f" WHERE m.{own} = r.id ORDER BY m.id) x)",
        [base_url],
    )


def of_each(related: Mapping[str, Related | None], base_url: str) -> Sql:
    """Return the same for resources of several types, by the type's name."""
    lists = {name: of(wanted, base_url) for name, wanted in related.items()}
    cases = " ".join(f"WHEN '{name}' THEN {sql.text}" for name, sql in lists.items())
    params = [param for sql in lists.values() for param in sql.params]
    return Sql(f"CASE r.resource_type {cases} END", params)
