"""A small manifest for tests to change, and a session on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from ipaddress import ip_network
from typing import Any

from integrations.connectors.base import Session
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
) -> Iterator[tuple[Session, JsonApp]]:
    """Open a session of the `http` connector on an app that answers so."""
    connector = connector_for(manifest, allowed_networks=[ip_network("127.0.0.0/8")])
    with json_app(answering, headers=headers) as app:
        connection = Connection(app.base_url, "svc", "s3cret-word", identifier)
        with closing(connector.open(connection)) as session:
            yield session, app
