"""What a manifest of the `browser` connector must be, beyond its JSON schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.connectors.browser.reading import read_blueprint
from integrations.connectors.problems import Problem

_ACT_OF_CAPABILITY = {
    "create": "create_account",
    "update": "update_account",
    "deactivate": "deactivate_account",
    "delete": "delete_account",
}


def problems_in(manifest: Mapping[str, Any]) -> list[Problem]:
    """Return everything that is wrong with a manifest of the right shape."""
    _, problems = read_blueprint(manifest["browser"])
    return [
        *problems,
        *_unkept_promises(manifest),
        *_unkept_entitlements(manifest),
    ]


def _unkept_promises(manifest: Mapping[str, Any]) -> Iterator[Problem]:
    capabilities, browser = manifest["capabilities"], manifest["browser"]
    for capability, act in _ACT_OF_CAPABILITY.items():
        if capabilities[capability] and act not in browser:
            yield Problem(f"capabilities.{capability}", f"browser has no {act} for it.")
    if capabilities["deactivate"] and "reactivate_account" not in browser:
        message = "browser has no reactivate_account to undo it."
        yield Problem("capabilities.deactivate", message)


def _unkept_entitlements(manifest: Mapping[str, Any]) -> Iterator[Problem]:
    capabilities, browser = manifest["capabilities"], manifest["browser"]
    listed = {spec["kind"] for spec in browser.get("list_entitlements", [])}
    held = browser["account"]["read"].get("entitlements", {})
    for number, entitlement in enumerate(capabilities.get("entitlements", [])):
        where = f"capabilities.entitlements[{number}]"
        kind = entitlement["kind"]
        if kind not in listed:
            yield Problem(where, f"Nothing in list_entitlements is of kind {kind}.")
        if kind not in held:
            message = f"browser.account.read.entitlements says nothing of {kind}."
            yield Problem(where, message)
        for act in ("grant", "revoke") if entitlement["assignable"] else ():
            if kind not in browser.get(act, {}):
                yield Problem(where, f"browser has no {act} for kind {kind}.")
