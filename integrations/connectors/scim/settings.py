"""The `scim` part of a manifest: what an app with SCIM does not say of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.connectors.client_credentials import TokenEndpoint, read_endpoint
from integrations.connectors.problems import Problem

_PATH = re.compile(r"(urn:[^\s]+:)?[A-Za-z$][\w$-]*(\.[A-Za-z$][\w$-]*)?")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to speak SCIM with one kind of app."""

    path: str = ""
    """Between the app's address and `/Users`. Empty, or with a slash before."""

    token_endpoint: TokenEndpoint | None = None
    """Where user name and password become an OAuth access token. None: Basic."""

    ignores_case: bool = True
    page_size: int = 100
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attribute paths of the app, by the name in the user schema."""

    roles: tuple[str, ...] = ()
    """Values of `roles`, for an app that lists its roles nowhere."""


def read_settings(scim: Mapping[str, Any]) -> Settings:
    """Return the settings of a manifest whose shape was checked."""
    return Settings(
        path=scim.get("path", "").rstrip("/"),
        token_endpoint=read_endpoint(scim),
        ignores_case=scim.get("usernames", "ignore_case") == "ignore_case",
        page_size=scim.get("page_size", 100),
        attributes=scim.get("attributes", {}),
        roles=tuple(scim.get("roles", ())),
    )


def problems_in(manifest: Mapping[str, Any]) -> list[Problem]:
    """Return everything that is wrong with a manifest of the right shape."""
    scim = manifest["scim"]
    problems = [
        Problem(
            f"scim.attributes.{name}",
            f"{path} is not an attribute path. Write costCenter, name.middleName or "
            "urn:example:schemas:2.0:User:costCenter.",
        )
        for name, path in scim.get("attributes", {}).items()
        if not _PATH.fullmatch(path)
    ]
    if "token_path" in scim and "password" not in manifest["login_workflows"]:
        problems.append(
            Problem(
                "scim.token_path",
                "An OAuth client has a name and a secret. Add password to "
                "login_workflows.",
            )
        )
    kinds = manifest["capabilities"].get("entitlements", [])
    problems += [
        Problem(
            f"capabilities.entitlements[{number}].kind",
            f"SCIM has no {kind['kind']}. Use group or role.",
        )
        for number, kind in enumerate(kinds)
        if kind["kind"] not in {"group", "role"}
    ]
    return problems
