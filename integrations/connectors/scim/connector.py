"""The `scim` connector: an app that has SCIM itself needs no description."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from integrations.connectors.addresses import IPNetwork
from integrations.connectors.base import PermanentFailure, TemporaryFailure
from integrations.connectors.client import OutgoingClient
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.failures import TWO_OF_A_NAME, AccountGone
from integrations.connectors.scim.conversation import (
    ConditionFailed,
    Conversation,
    path_of,
)
from integrations.connectors.scim.documents import (
    Changes,
    Document,
    apply_changes,
    as_object,
    entries_of,
    new_user,
    patch,
    read_account,
    read_key,
    values_of,
    wanted_changes,
    writable,
)
from integrations.connectors.scim.features import (
    Endpoints,
    Features,
    UserAttributes,
    read_endpoints,
    read_features,
    read_user_attributes,
)
from integrations.connectors.scim.groups import KIND as GROUP
from integrations.connectors.scim.groups import Groups
from integrations.connectors.scim.listing import read_list
from integrations.connectors.scim.settings import Settings, read_settings
from integrations.desired import (
    JSON,
    Connection,
    DesiredAccount,
    Entitlement,
    ObservedAccount,
)

ROLE = "role"


class ScimConnector:
    """Talks SCIM 2.0 to an app, as far as the app can."""

    def __init__(
        self, manifest: Mapping[str, Any], *, allowed_networks: Sequence[IPNetwork] = ()
    ) -> None:
        """Read a manifest that was checked."""
        self._settings = read_settings(manifest["scim"])
        self._allowed_networks = allowed_networks

    def open(
        self, connection: Connection, *, observe: Observe = unobserved
    ) -> ScimSession:
        """Start a conversation. Raises Misconfigured if the address is unusable."""
        client = OutgoingClient(
            connection.base_url,
            allowed_networks=self._allowed_networks,
            observe=observe,
        )
        conversation = Conversation(self._settings, connection, client)
        return ScimSession(self._settings, conversation)


class ScimSession:
    """The session of the port in `integrations.connectors.base`."""

    def __init__(self, settings: Settings, conversation: Conversation) -> None:
        self._settings = settings
        self._conversation = conversation

    def reach(self) -> None:
        """Find whether anything answers at the address."""
        self._conversation.reach()

    def log_in(self) -> None:
        """Log in, or find by a list of one user that the app takes the login."""
        self._conversation.log_in(self._endpoints.users)

    def check(self) -> None:
        """Ask for what only an admin may see."""
        as_object(
            self._conversation.ask("GET", self._endpoints.users, query={"count": "1"})
        )

    def limits(self) -> list[str]:
        """Return what the app says it cannot do, and what Keyway does instead."""
        return [*self._features.missing(), *self._endpoints.missing()]

    def list_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account."""
        groups = self._groups.of_everybody()
        for user in self._users({}):
            held = groups.get(read_key(user["id"]), set())
            yield read_account(user, frozenset((GROUP, key) for key in held))

    def list_entitlements(self) -> Iterator[Entitlement]:
        """Yield every group, and every role that the app tells of."""
        yield from self._groups.entitlements()
        if self._endpoints.roles:
            for role in self._list(self._endpoints.roles, {}):
                name = role.get("displayName") or role.get("value")
                yield Entitlement(ROLE, read_key(role["id"]), read_key(name))
            return
        for value in self._settings.roles or self._attributes.role_values:
            yield Entitlement(ROLE, value, value)

    def get_account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""
        try:
            user = self._user(external_id)
        except AccountGone:
            self._make_sure_that_the_app_is_there()
            return None
        return self._read(user)

    def find_account(self, username: str) -> ObservedAccount | None:
        """Return the account with this name; an app's near misses are left out."""
        query = {}
        if self._features.filter:
            name = json.dumps(username, ensure_ascii=False)
            query = {"filter": f"userName eq {name}"}
        wanted = self._comparable(username)
        found = [
            user
            for user in self._users(query)
            if self._comparable(str(user.get("userName"))) == wanted
        ]
        if len(found) > 1:
            raise PermanentFailure(TWO_OF_A_NAME)
        return self._read(found[0]) if found else None

    def create_account(self, account: DesiredAccount) -> ObservedAccount:
        """Make the account. It has no password: people sign in by their IdP."""
        body = new_user(account, self._paths_of(account))
        made = self._conversation.ask("POST", self._endpoints.users, body=body)
        return self._read(as_object(made))

    def update_account(self, external_id: str, account: DesiredAccount) -> None:
        """Give the account the desired names and attributes."""
        current = self._user(external_id)
        changes = wanted_changes(account, current, self._paths_of(account))
        if changes:
            self._change(external_id, current, changes)

    def deactivate_account(self, external_id: str) -> None:
        """Make sure that the account cannot log in."""
        self._change(external_id, self._user(external_id), {"active": False})

    def reactivate_account(self, external_id: str) -> None:
        """Let the account log in again."""
        self._change(external_id, self._user(external_id), {"active": True})

    def delete_account(self, external_id: str) -> None:
        """Make sure that the account is gone."""
        try:
            self._conversation.ask("DELETE", self._path(external_id), about=True)
        except AccountGone:
            self._make_sure_that_the_app_is_there()

    def grant(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account holds the entitlement."""
        if entitlement.kind == GROUP:
            self._groups.add(entitlement.external_id, external_id)
            return
        user = self._user(external_id)
        if entitlement.external_id not in values_of(user, "roles"):
            added: JSON = {"value": entitlement.external_id}
            roles = [*entries_of(user, "roles"), added]
            self._change(external_id, user, {"roles": roles})

    def revoke(self, external_id: str, entitlement: Entitlement) -> None:
        """Make sure that the account does not hold the entitlement."""
        try:
            if entitlement.kind == GROUP:
                self._groups.remove(entitlement.external_id, external_id)
                return
            user = self._user(external_id)
        except AccountGone:
            self._make_sure_that_the_app_is_there()
            return
        key = entitlement.external_id
        left = [e for e in entries_of(user, "roles") if e.get("value") != key]
        if key in values_of(user, "roles"):
            self._change(external_id, user, {"roles": list(left)})

    def close(self) -> None:
        """End the conversation."""
        self._conversation.close()

    @cached_property
    def _features(self) -> Features:
        return read_features(self._conversation.discover("/ServiceProviderConfig"))

    @cached_property
    def _endpoints(self) -> Endpoints:
        return read_endpoints(self._conversation.discover("/ResourceTypes"))

    @cached_property
    def _attributes(self) -> UserAttributes:
        return read_user_attributes(self._conversation.discover("/Schemas"))

    @cached_property
    def _groups(self) -> Groups:
        return Groups(
            self._conversation,
            self._features,
            self._endpoints.groups,
            page_size=self._settings.page_size,
        )

    def _paths_of(self, account: DesiredAccount) -> dict[str, str]:
        """Return where the app has the account's own attributes.

        The manifest says it, or else the app's schemas have one of that name.
        """
        paths = {}
        for name in account.attributes:
            path = self._settings.attributes.get(name)
            path = path or self._attributes.paths.get(name.lower())
            if path is None:
                raise PermanentFailure(
                    f"The app has no attribute {name}. Take it out of the user schema, "
                    "or name its path under scim.attributes of the app's manifest."
                )
            paths[name] = path
        return paths

    def _change(self, external_id: str, current: Document, changes: Changes) -> None:
        """Change a user: by PATCH, or by PUT of what it is with the changes."""
        path = self._path(external_id)
        if self._features.patch:
            self._conversation.ask("PATCH", path, body=patch(changes), about=True)
            return
        body = writable(current)
        apply_changes(body, changes)
        try:
            self._conversation.ask(
                "PUT", path, body=body, headers=self._condition(current), about=True
            )
        except ConditionFailed:
            raise TemporaryFailure(
                "Somebody else changed this account in the app just now. Keyway tries "
                "again."
            ) from None

    def _condition(self, current: Document) -> dict[str, str]:
        """Return the condition that nobody changed it since: RFC 7644 section 3.14."""
        meta = current.get("meta")
        version = meta.get("version") if isinstance(meta, dict) else None
        if not self._features.etag or not isinstance(version, str):
            return {}
        return {"If-Match": version} if version.isprintable() else {}

    def _read(self, user: Document) -> ObservedAccount:
        return read_account(user, self._groups.of_user(user))

    def _user(self, external_id: str) -> Document:
        return as_object(
            self._conversation.ask("GET", self._path(external_id), about=True)
        )

    def _users(self, query: Mapping[str, str]) -> Iterator[Document]:
        return self._list(self._endpoints.users, query)

    def _list(self, endpoint: str, query: Mapping[str, str]) -> Iterator[Document]:
        return read_list(
            self._conversation,
            endpoint,
            query,
            size=self._settings.page_size,
            by_cursor=self._features.cursor,
        )

    def _path(self, external_id: str) -> str:
        return path_of(self._endpoints.users, external_id)

    def _make_sure_that_the_app_is_there(self) -> None:
        """Tell an account that is gone from an API that is: both answer 404."""
        self.check()

    def _comparable(self, username: str) -> str:
        return username.casefold() if self._settings.ignores_case else username
