"""The connectors by the name that a manifest calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.connectors.addresses import IPNetwork
from integrations.connectors.base import Connector
from integrations.connectors.http import checks as http_checks
from integrations.connectors.http.connector import HttpConnector
from integrations.connectors.problems import Problem
from integrations.connectors.scim import settings as scim_settings
from integrations.connectors.scim.connector import ScimConnector
from integrations.connectors.task import connector as task
from integrations.connectors.task.connector import TaskConnector

_FACTORIES: dict[str, Callable[..., Connector]] = {
    "http": HttpConnector,
    "scim": ScimConnector,
    "task": TaskConnector,
}

_CHECKS: dict[str, Callable[[Mapping[str, Any]], list[Problem]]] = {
    "http": http_checks.problems_in,
    "scim": scim_settings.problems_in,
    "task": task.problems_in,
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
