"""Groups of the app, and who is in them.

A user's own `groups` is optional (RFC 7643 section 4.1.2), so where it is empty the
groups are asked for their members: by a filter, or all of them where the app cannot
filter so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from integrations.connectors.base import PermanentFailure
from integrations.connectors.failures import AccountGone
from integrations.connectors.scim.conversation import Conversation, path_of
from integrations.connectors.scim.documents import (
    Document,
    as_object,
    entries_of,
    operations,
    read_key,
    values_of,
    writable,
)
from integrations.connectors.scim.features import Features
from integrations.connectors.scim.listing import read_list
from integrations.desired import JSON, Entitlement

KIND = "group"

Held = frozenset[tuple[str, str]]


class Groups:
    """The groups of one app in one conversation. Without an endpoint it has none."""

    def __init__(
        self,
        conversation: Conversation,
        features: Features,
        endpoint: str,
        *,
        page_size: int,
    ) -> None:
        self._conversation = conversation
        self._features = features
        self._endpoint = endpoint
        self._read_list = partial(
            read_list, conversation, endpoint, size=page_size, by_cursor=features.cursor
        )
        self._can_filter_by_member = features.filter

    def entitlements(self) -> Iterator[Entitlement]:
        """Yield every group."""
        if self._endpoint:
            for group in self._read_list({"excludedAttributes": "members"}):
                yield Entitlement(
                    KIND, read_key(group["id"]), read_key(group.get("displayName"))
                )

    def of_everybody(self) -> dict[str, set[str]]:
        """Return the groups of each user by key, as the groups say it."""
        found: dict[str, set[str]] = {}
        if self._endpoint:
            for group in self._read_list({}):
                for member in values_of(group, "members"):
                    found.setdefault(member, set()).add(read_key(group["id"]))
        return found

    def of_user(self, user: Document) -> Held:
        """Return the groups of one user, as the user or else the groups say it."""
        told = values_of(user, "groups")
        if not told and self._endpoint:
            told = self._with_member(read_key(user.get("id")))
        return frozenset((KIND, key) for key in told)

    def add(self, key: str, member: str) -> None:
        """Make sure that the user is in the group."""
        entry: JSON = {"value": member}
        if self._features.patch:
            self._change(key, {"op": "add", "path": "members", "value": [entry]})
        else:
            self._replace_members(key, member, [entry])

    def remove(self, key: str, member: str) -> None:
        """Make sure that the user is not in the group. Raises AccountGone."""
        if not self._features.patch:
            self._replace_members(key, member, [])
            return
        path = f"members[value eq {json.dumps(member)}]"
        try:
            self._change(key, {"op": "remove", "path": path})
        except AccountGone:
            raise
        except PermanentFailure:
            # 400 noTarget: there was no such member. Anything else stays refused.
            if member in values_of(self._group(key), "members"):
                raise

    def _with_member(self, member: str) -> list[str]:
        if self._can_filter_by_member:
            query = {
                "filter": f"members.value eq {json.dumps(member)}",
                "excludedAttributes": "members",
            }
            try:
                return [read_key(group["id"]) for group in self._read_list(query)]
            except AccountGone:
                raise
            except PermanentFailure:
                # 400 invalidFilter: not every app filters groups by member.
                self._can_filter_by_member = False
        return sorted(self.of_everybody().get(member, ()))

    def _change(self, key: str, operation: JSON) -> None:
        path = path_of(self._endpoint, key)
        self._conversation.ask("PATCH", path, body=operations([operation]), about=True)

    def _replace_members(self, key: str, member: str, entries: list[JSON]) -> None:
        group = self._group(key)
        present = entries_of(group, "members")
        others = [entry for entry in present if entry.get("value") != member]
        if others == present and not entries:
            return
        body: Document = {**writable(group), "members": [*others, *entries]}
        path = path_of(self._endpoint, key)
        self._conversation.ask("PUT", path, body=body, about=True)

    def _group(self, key: str) -> Document:
        path = path_of(self._endpoint, key)
        return as_object(self._conversation.ask("GET", path, about=True))
