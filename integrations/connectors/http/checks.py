"""What a manifest of the `http` connector must be, beyond its JSON schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.connectors.http.reading import LOGINS, read_blueprint
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
    return [*problems, *_logins(manifest), *_unkept_promises(manifest)]


def _logins(manifest: Mapping[str, Any]) -> Iterator[Problem]:
    for workflow, part in LOGINS.items():
        is_offered = workflow in manifest["login_workflows"]
        if is_offered and part not in manifest["http"]:
            message = f"There is no http.{part} for the workflow {workflow}."
            yield Problem("login_workflows", message)
        if part in manifest["http"] and not is_offered:
            message = f"The workflow {workflow}, which it is for, is not offered."
            yield Problem(f"http.{part}", message)


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
