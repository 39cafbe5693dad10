"""The connectors by the name that a manifest calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from integrations.connectors.addresses import WEB_SCHEMES, IPNetwork
from integrations.connectors.base import Connector
from integrations.connectors.browser import availability
from integrations.connectors.browser import checks as browser_checks
from integrations.connectors.browser.connector import BrowserConnector
from integrations.connectors.http import checks as http_checks
from integrations.connectors.http.connector import HttpConnector
from integrations.connectors.ldap import checks as ldap_checks
from integrations.connectors.ldap.blueprint import SCHEMES as LDAP_SCHEMES
from integrations.connectors.optional import lacking, optional
from integrations.connectors.problems import Problem
from integrations.connectors.scim import settings as scim_settings
from integrations.connectors.scim.connector import ScimConnector
from integrations.connectors.sql import checks as sql_checks
from integrations.connectors.sql.blueprint import SCHEMES as SQL_SCHEMES
from integrations.connectors.task import connector as task
from integrations.connectors.task.connector import TaskConnector

_FACTORIES: dict[str, Callable[..., Connector]] = {
    "browser": BrowserConnector,
    "http": HttpConnector,
    "ldap": optional(
        "integrations.connectors.ldap.connector",
        "LdapConnector",
        package="ldap3",
        extra="ldap",
    ),
    "scim": ScimConnector,
    "sql": optional(
        "integrations.connectors.sql.connector",
        "SqlConnector",
        package="psycopg",
        extra="postgres",
    ),
    "task": TaskConnector,
}

_CHECKS: dict[str, Callable[[Mapping[str, Any]], list[Problem]]] = {
    "browser": browser_checks.problems_in,
    "http": http_checks.problems_in,
    "ldap": ldap_checks.problems_in,
    "scim": scim_settings.problems_in,
    "sql": sql_checks.problems_in,
    "task": task.problems_in,
}

_SCHEMES: dict[str, tuple[str, ...]] = {
    "ldap": LDAP_SCHEMES,
    "sql": SQL_SCHEMES,
}

_LACKS: dict[str, Callable[[], str]] = {
    "browser": availability.missing,
    "ldap": partial(lacking, "ldap3", "ldap"),
    "sql": partial(lacking, "psycopg", "postgres"),
}


def connector_for(
    manifest: Mapping[str, Any], *, allowed_networks: Sequence[IPNetwork] = ()
) -> Connector:
    """Return the connector of a checked manifest.

    `allowed_networks` are the networks that the operator opens besides public
    addresses. Raises KeyError for a connector that does not exist.
    """
    factory = _FACTORIES[manifest["connector"]]
    return factory(manifest, allowed_networks=allowed_networks)


def schemes_of(connector: str) -> tuple[str, ...]:
    """Return how the addresses of a connector's apps can begin, the best first."""
    return _SCHEMES.get(connector, WEB_SCHEMES)


def problems_in(manifest: Mapping[str, Any]) -> list[Problem]:
    """Return what the connector finds wrong with a manifest of the right shape."""
    return _CHECKS[manifest["connector"]](manifest)


def missing_for(connector: str) -> str:
    """Return what this process lacks to use a connector, in a sentence, or nothing."""
    return _LACKS.get(connector, str)()
