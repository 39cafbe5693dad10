"""What a manifest of the `ldap` connector must be, beyond its JSON schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.connectors.problems import Problem


def problems_in(manifest: Mapping[str, Any]) -> list[Problem]:
    """Return everything that is wrong with a manifest of the right shape."""
    return [*_naming(manifest["ldap"]), *_unkept_promises(manifest)]


def _naming(section: Mapping[str, Any]) -> Iterator[Problem]:
    users = section["users"]
    mapped = set(users["attributes"].values())
    if users["rdn"] not in mapped:
        known = ", ".join(sorted(mapped))
        message = f"The DN is made of an attribute that is mapped. Mapped are: {known}."
        yield Problem("ldap.users.rdn", message)
    kinds = [spec["kind"] for spec in section.get("groups", [])]
    for number, kind in enumerate(kinds):
        if kind in kinds[:number]:
            message = f"There are groups of kind {kind} already."
            yield Problem(f"ldap.groups[{number}].kind", message)


def _unkept_promises(manifest: Mapping[str, Any]) -> Iterator[Problem]:
    section, capabilities = manifest["ldap"], manifest["capabilities"]
    if capabilities["deactivate"] and "deactivate" not in section["users"]:
        message = "ldap.users.deactivate does not say how."
        yield Problem("capabilities.deactivate", message)
    kinds = {spec["kind"] for spec in section.get("groups", [])}
    for number, entitlement in enumerate(capabilities.get("entitlements", [])):
        if entitlement["kind"] not in kinds:
            where = f"capabilities.entitlements[{number}]"
            message = f"ldap.groups has none of kind {entitlement['kind']}."
            yield Problem(where, message)
