"""A small manifest for tests to change, and a session on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from ipaddress import ip_network
from typing import Any

from integrations.catalog.loader import shipped_manifests
from integrations.connectors.base import Connector, Session
from integrations.connectors.exchange import Observe, unobserved
from integrations.connectors.registry import connector_for
from integrations.desired import Connection
from tests.fakes.json_app import Answering, JsonApp, json_app

_USERS = {"method": "GET", "path": "/users", "items": "users"}

SMALL: dict[str, Any] = {
    "slug": "small",
    "name": "Small",
    "category": "Tests",
    "connector": "http",
    "identifier": None,
    "login_workflows": ["password"],
    "capabilities": {
        "create": False,
        "update": False,
        "rename": False,
        "deactivate": False,
        "delete": False,
    },
    "user_schema": {"attributes": []},
    "http": {
        "session": {"style": "basic"},
        "account": {"id": "id", "username": "name"},
        "calls": {
            "check": _USERS,
            "get_account": {"method": "GET", "path": "/users/{id}"},
            "list_accounts": _USERS,
        },
    },
}


def shipped(slug: str, *, page_size: int | None = None) -> dict[str, Any]:
    """Return the shipped manifest of an app, perhaps with small pages of accounts."""
    manifest = next(m for m in shipped_manifests() if m["slug"] == slug)
    if page_size:
        manifest["http"]["calls"]["list_accounts"]["paging"]["size"] = page_size
    return manifest


def on_loopback(manifest: dict[str, Any]) -> Connector:
    """Return the connector of a manifest, for an app on this machine."""
    return connector_for(manifest, allowed_networks=[ip_network("127.0.0.0/8")])


def small(**http: Any) -> dict[str, Any]:
    """Return a manifest of an app that only lists, with parts of `http` changed.

    `calls` are added to the ones that are there.
    """
    manifest = deepcopy(SMALL)
    calls = {**manifest["http"]["calls"], **http.pop("calls", {})}
    manifest["http"].update(http, calls=calls)
    return manifest


@contextmanager
def session_on(
    answering: Answering,
    manifest: dict[str, Any],
    *,
    headers: dict[str, str] | None = None,
    identifier: str = "",
    secret: str = "s3cret-word",
    login_workflow: str = "password",
    observe: Observe = unobserved,
) -> Iterator[tuple[Session, JsonApp]]:
    """Open a session of the `http` connector on an app that answers so."""
    connector = on_loopback(manifest)
    with json_app(answering, headers=headers) as app:
        connection = Connection(
            app.base_url, "svc", secret, identifier, login_workflow=login_workflow
        )
        with closing(connector.open(connection, observe=observe)) as session:
            yield session, app
