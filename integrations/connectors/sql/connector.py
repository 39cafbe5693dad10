"""The `sql` connector: accounts are the roles of a PostgreSQL server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from integrations.connectors.addresses import IPNetwork
from integrations.connectors.base import Misconfigured, PermanentFailure
from integrations.connectors.client import UNSENDABLE
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.failures import FORBIDDEN, GONE, AccountGone
from integrations.connectors.sql import answers, roles
from integrations.connectors.sql.blueprint import KIND, Blueprint, read_blueprint
from integrations.connectors.sql.client import Rows, SqlClient
from integrations.connectors.sql.roles import Role
from integrations.desired import (
    Connection,
    DesiredAccount,
    Entitlement,
    ObservedAccount,
)

_LONGEST_NAME = 63
_LARGEST_OID = 2**32 - 1


class SqlConnector:
    """Talks to a PostgreSQL server as the `sql` section of its manifest says."""

    def __init__(
        self, manifest: Mapping[str, Any], *, allowed_networks: Sequence[IPNetwork] = ()
    ) -> None:
        self._section = manifest["sql"]
        self._allowed_networks = allowed_networks

    def open(
        self, connection: Connection, *, observe: Observe = unobserved
    ) -> SqlSession:
        """Start a conversation. Raises Misconfigured if the address is unusable."""
        blueprint = read_blueprint(self._section, connection.identifier)
        client = SqlClient(
            connection,
            always_tls=blueprint.always_tls,
            allowed_networks=self._allowed_networks,
            observe=observe,
        )
        return SqlSession(blueprint, client)


class SqlSession:
    """The session of the port in `integrations.connectors.base`."""

    def __init__(self, blueprint: Blueprint, client: SqlClient) -> None:
        self._blueprint = blueprint
        self._client = client
        self._seen = {
            "mark": roles.MARK,
            "grantable": list(blueprint.grantable),
        }

    def reach(self) -> None:
        """Find whether a PostgreSQL answers at the address."""
        self._client.reach()

    def log_in(self) -> None:
        """Connect as the service account."""
        self._client.connect()

    def check(self) -> None:
        """Ask for the rights: CREATEROLE, on a server that takes changes."""
        ((is_superuser, may_create, is_standby),) = self._client.run(roles.RIGHTS)
        if is_superuser:
            raise Misconfigured(answers.SUPERUSER)
        if not may_create:
            raise Misconfigured(FORBIDDEN)
        if is_standby:
            raise Misconfigured(answers.STANDBY)

    def list_accounts(self) -> Iterator[ObservedAccount]:
        """Yield every account, in the order of their keys."""
        groups, last, size = self._groups(), 0, self._blueprint.page_size
        while True:
            page = self._client.run(
                f"{roles.ACCOUNTS} AND r.oid > %(last)s::bigint::oid "
                "ORDER BY r.oid LIMIT %(size)s",
                {**self._seen, "groups": list(groups), "last": last, "size": size},
            )
            for row in page:
                yield self._observed(Role.of(row))
            if len(page) < size:
                return
            last = page[-1][0]

    def list_entitlements(self) -> Iterator[Entitlement]:
        """Yield every group that may be granted."""
        for oid, name in self._groups().items():
            yield Entitlement(KIND, str(oid), name)

    def get_account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key."""
        role = self._role(external_id)
        return self._observed(role) if role else None

    def find_account(self, username: str) -> ObservedAccount | None:
        """Return the account of exactly this name."""
        if "\x00" in username:
            return None
        rows = self._accounts("r.rolname = %(name)s", name=username)
        return self._observed(Role.of(rows[0])) if rows else None

    def create_account(self, account: DesiredAccount) -> ObservedAccount:
        """Make the role, with a password that nobody gets to know."""
        name, end = _checked_name(account.username), self._end_for(account)
        verifier = self._client.verifier(secrets.token_urlsafe(32))
        login = "LOGIN" if account.active else "NOLOGIN"
        self._client.run(
            f"CREATE ROLE {{role}} {login} PASSWORD {{password}}",
            names={"role": name},
            texts={"password": verifier},
            hides={"password"},
        )
        new = Role(0, name, account.active, "", frozenset())
        self._note(new, new.comment_for(account))
        self._set_end(new, end)
        made = self.find_account(name)
        if made is None:
            raise AccountGone(GONE)
        return made

    def update_account(self, external_id: str, account: DesiredAccount) -> None:
        """Give the role the desired name, and note the rest in its comment."""
        role = self._changeable(external_id)
        name, end = _checked_name(account.username), self._end_for(account)
        self._note(role, role.comment_for(account))
        self._set_end(role, end)
        if name != role.name:
            names = {"role": role.name, "name": name}
            self._client.run("ALTER ROLE {role} RENAME TO {name}", names=names)

    def deactivate_account(self, external_id: str) -> None:
        """Take LOGIN away, and end the sessions that are open where that is allowed."""
        role = self._changeable(external_id)
        # The mark comes first: without LOGIN and without it, it would be a group.
        if not role.is_marked:
            self._note(role, role.comment_for(None))
        if role.can_log_in:
            self._client.run("ALTER ROLE {role} NOLOGIN", names={"role": role.name})
        self._client.run(
            roles.END_SESSIONS, {"oid": role.oid}, fine={answers.FORBIDDEN}
        )

    def reactivate_account(self, external_id: str) -> None:
        """Give LOGIN back."""
        role = self._changeable(external_id)
        if not role.can_log_in:
            self._client.run("ALTER ROLE {role} LOGIN", names={"role": role.name})

    def delete_account(self, external_id: str) -> None:
        """Drop the role. Raises PermanentFailure, once deactivated, if it owns things."""
        role = self._role(external_id)
        if role is not None:
            self.deactivate_account(external_id)
            self._client.run("DROP ROLE {role}", names={"role": role.name})

    def grant(self, external_id: str, entitlement: Entitlement) -> None:
        """Make the account a member of the group."""
        role = self._changeable(external_id)
        group = self._group(entitlement)
        if group is None:
            raise AccountGone(GONE)
        names = {"group": group, "role": role.name}
        self._client.run("GRANT {group} TO {role}", names=names)

    def revoke(self, external_id: str, entitlement: Entitlement) -> None:
        """End the membership. Nobody and a group that is gone have none."""
        role, group = self._role(external_id), self._group(entitlement)
        if role is not None and group is not None:
            names = {"group": group, "role": role.name}
            self._client.run("REVOKE {group} FROM {role}", names=names)

    def close(self) -> None:
        """End the conversation."""
        self._client.close()

    def _accounts(self, condition: str, **values: Any) -> Rows:
        groups = list(self._groups())
        return self._client.run(
            f"{roles.ACCOUNTS} AND {condition}",
            {**self._seen, "groups": groups, **values},
        )

    def _groups(self) -> dict[int, str]:
        """Return the names of the groups that may be granted, as they are now."""
        return dict(self._client.run(f"{roles.GROUPS} ORDER BY r.oid", self._seen))

    def _group(self, entitlement: Entitlement) -> str | None:
        """Return the present name of a group, if it may be granted."""
        if entitlement.kind != KIND:
            raise PermanentFailure(
                f"Keyway cannot give a {entitlement.kind} in this app: it has groups."
            )
        oid = _oid(entitlement.external_id)
        return self._groups().get(oid) if oid is not None else None

    def _role(self, external_id: str) -> Role | None:
        oid = _oid(external_id)
        if oid is None:
            return None
        rows = self._accounts("r.oid = %(oid)s::bigint::oid", oid=oid)
        return Role.of(rows[0]) if rows else None

    def _changeable(self, external_id: str) -> Role:
        role = self._role(external_id)
        if role is None:
            raise AccountGone(GONE)
        return role

    def _observed(self, role: Role) -> ObservedAccount:
        return role.as_account(self._blueprint.valid_until)

    def _end_for(self, account: DesiredAccount) -> str | None:
        """Return when the password should end; None leaves that as it is."""
        name = self._blueprint.valid_until
        if name not in account.attributes:
            return None
        return roles.end_of(account.attributes[name])

    def _set_end(self, role: Role, end: str | None) -> None:
        if end is not None and end != role.valid_until:
            self._client.run(
                "ALTER ROLE {role} VALID UNTIL {end}",
                names={"role": role.name},
                texts={"end": end or "infinity"},
            )

    def _note(self, role: Role, comment: str) -> None:
        if comment != role.comment:
            self._client.run(
                "COMMENT ON ROLE {role} IS {comment}",
                names={"role": role.name},
                texts={"comment": comment},
            )


def _oid(external_id: str) -> int | None:
    """Return the key as a number, None if it is none."""
    if not (external_id.isascii() and external_id.isdigit()):
        return None
    oid = int(external_id[:11])
    return oid if oid <= _LARGEST_OID else None


def _checked_name(username: str) -> str:
    """Return a name that PostgreSQL takes as it is. Raises PermanentFailure."""
    if not username or "\x00" in username:
        raise PermanentFailure(UNSENDABLE)
    try:
        size = len(username.encode())
    except UnicodeEncodeError:
        raise PermanentFailure(UNSENDABLE) from None
    if size > _LONGEST_NAME:
        raise PermanentFailure(answers.TOO_LONG)
    return username
