"""What a manifest of the `sql` connector must be, beyond its JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.connectors.problems import Problem
from integrations.connectors.sql.blueprint import KIND


def problems_in(manifest: Mapping[str, Any]) -> list[Problem]:
    """Return everything that is wrong with a manifest of the right shape."""
    problems = []
    for number, name in enumerate(manifest["sql"]["grantable"]):
        if name.strip() == "*":
            message = "Name the groups: a star alone would let everything be granted."
            problems.append(Problem(f"sql.grantable[{number}]", message))
    listed = manifest["capabilities"].get("entitlements", [])
    for number, entitlement in enumerate(listed):
        if entitlement["kind"] != KIND:
            where = f"capabilities.entitlements[{number}]"
            problems.append(Problem(where, f"The connector grants a {KIND} only."))
    return problems
