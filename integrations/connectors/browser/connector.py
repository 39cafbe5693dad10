"""The `browser` connector: an app without an API, driven by clicks as its manifest says."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from integrations.connectors.addresses import IPNetwork
from integrations.connectors.base import Misconfigured
from integrations.connectors.browser import availability
from integrations.connectors.browser.reading import read_blueprint
from integrations.connectors.exchange import Observe, unobserved
from integrations.desired import Connection

if TYPE_CHECKING:
    from integrations.connectors.browser.session import BrowserSession


class BrowserConnector:
    """Opens the app's pages in Chromium."""

    def __init__(
        self, manifest: Mapping[str, Any], *, allowed_networks: Sequence[IPNetwork] = ()
    ) -> None:
        """Compile a manifest that was checked. Raises ValueError if it was not."""
        self._blueprint, problems = read_blueprint(manifest["browser"])
        if problems:
            raise ValueError(str(problems[0]))
        self._allowed_networks = allowed_networks

    def open(
        self, connection: Connection, *, observe: Observe = unobserved
    ) -> BrowserSession:
        """Start a conversation. Raises Misconfigured if the address is unusable.

        Also where this process has no Playwright or no Chromium.
        """
        if reason := availability.missing():
            raise Misconfigured(reason)
        # Playwright is an extra, and is loaded only by those who use it.
        name = "integrations.connectors.browser.session"
        session: BrowserSession = importlib.import_module(name).BrowserSession(
            self._blueprint,
            connection,
            allowed_networks=self._allowed_networks,
            observe=observe,
        )
        return session
