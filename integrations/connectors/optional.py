"""Connectors whose package is an extra of Keyway: loaded when first used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from integrations.connectors.base import Connector, Misconfigured


def lacking(package: str, extra: str) -> str:
    """Return what to install to have `package`, in a sentence, or nothing."""
    if find_spec(package) is not None:
        return ""
    return (
        f"Keyway lacks the package {package} for this app. Whoever runs Keyway "
        f"installs the extra: pip install 'keyway-portal[{extra}]'."
    )


def optional(module: str, name: str, *, package: str, extra: str) -> Callable[..., Any]:
    """Return a factory of the connector `name` in `module`, which needs `package`.

    The factory raises Misconfigured while the package is not installed.
    """

    def factory(*args: Any, **options: Any) -> Connector:
        if sentence := lacking(package, extra):
            raise Misconfigured(sentence)
        connector: Connector = getattr(import_module(module), name)(*args, **options)
        return connector

    return factory
