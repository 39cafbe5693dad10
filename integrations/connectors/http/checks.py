"""What a manifest of the `http` connector must be, beyond its JSON schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.connectors.http.reading import read_blueprint
from integrations.connectors.problems import Problem

_CALL_OF_CAPABILITY = {
    "create": "create_account",
    "update": "update_account",
    "deactivate": "deactivate_account",
    "delete": "delete_account",
}


def problems_in(manifest: Mapping[str, Any]) -> list[Problem]:
    """Return everything that is wrong with a manifest of the right shape."""
    _, problems = read_blueprint(manifest["http"])
    return [*problems, *_unkept_promises(manifest)]


def _unkept_promises(manifest: Mapping[str, Any]) -> Iterator[Problem]:
    capabilities, calls = manifest["capabilities"], manifest["http"]["calls"]
    for capability, call in _CALL_OF_CAPABILITY.items():
        if capabilities[capability] and call not in calls:
            yield Problem(
                f"capabilities.{capability}", f"There is no call {call} for it."
            )
    if capabilities["deactivate"] and "reactivate_account" not in calls:
        message = "There is no call reactivate_account to undo it."
        yield Problem("capabilities.deactivate", message)
    listed = {spec["kind"] for spec in calls.get("list_entitlements", [])}
    for number, entitlement in enumerate(capabilities.get("entitlements", [])):
        where = f"capabilities.entitlements[{number}]"
        kind = entitlement["kind"]
        if kind not in listed:
            yield Problem(where, f"No call in list_entitlements is of kind {kind}.")
        for call in ("grant", "revoke") if entitlement["assignable"] else ():
            if kind not in calls.get(call, {}):
                yield Problem(where, f"There is no call {call} for kind {kind}.")
