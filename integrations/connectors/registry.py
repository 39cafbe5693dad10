"""The connectors by the name that a manifest calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.connectors.addresses import IPNetwork
from integrations.connectors.base import Connector
from integrations.connectors.browser import availability
from integrations.connectors.browser import checks as browser_checks
from integrations.connectors.browser.connector import BrowserConnector
from integrations.connectors.http import checks as http_checks
from integrations.connectors.http.connector import HttpConnector
from integrations.connectors.problems import Problem

_FACTORIES: dict[str, Callable[..., Connector]] = {
    "browser": BrowserConnector,
    "http": HttpConnector,
}

_CHECKS: dict[str, Callable[[Mapping[str, Any]], list[Problem]]] = {
    "browser": browser_checks.problems_in,
    "http": http_checks.problems_in,
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


def problems_in(manifest: Mapping[str, Any]) -> list[Problem]:
    """Return what the connector finds wrong with a manifest of the right shape."""
    return _CHECKS[manifest["connector"]](manifest)


def missing_for(connector: str) -> str:
    """Return what this process lacks to use a connector, in a sentence, or nothing."""
    return availability.missing() if connector == "browser" else ""
