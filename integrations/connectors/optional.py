"""Connectors whose package is an extra of Keyway: loaded when first used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from integrations.connectors.base import Connector, Misconfigured


def optional(module: str, name: str, *, package: str, extra: str) -> Callable[..., Any]:
    """Return a factory of the connector `name` in `module`, which needs `package`.

    The factory raises Misconfigured while the package is not installed.
    """

    def factory(*args: Any, **options: Any) -> Connector:
        try:
            found = import_module(module)
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
            raise Misconfigured(
                f"Keyway lacks the package {package} for this app. Whoever runs "
                f"Keyway installs the extra: pip install 'keyway-portal[{extra}]'."
            ) from None
        connector: Connector = getattr(found, name)(*args, **options)
        return connector

    return factory
