"""The manifest of OpenLDAP for tests to change, and a session with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from typing import Any

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.base import Session
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.registry import connector_for
from integrations.desired import Connection
from tests.real_apps.slapd import BASE, Slapd

LOOPBACK = [ip_network("127.0.0.0/8")]


def openldap(**users: Any) -> dict[str, Any]:
    """Return the shipped manifest, with parts of `ldap.users` changed."""
    manifest = next(m for m in shipped_manifests() if m["slug"] == "openldap")
    manifest["ldap"]["users"].update(users)
    return manifest


@contextmanager
def session_with(
    slapd: Slapd,
    manifest: dict[str, Any] | None = None,
    *,
    username: str = "",
    secret: str = "",
    identifier: str = BASE,
    observe: Observe = unobserved,
) -> Iterator[Session]:
    """Open a session on the directory, as Keyway or as somebody else."""
    connector = connector_for(manifest or openldap(), allowed_networks=LOOPBACK)
    connection = Connection(
        slapd.base_url,
        username or slapd.username,
        secret or slapd.password,
        identifier,
    )
    with closing(connector.open(connection, observe=observe)) as session:
        yield session
