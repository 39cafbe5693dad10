"""What the connector knows of a database server: the `sql` part of a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMES = ("postgresql", "postgres")
KIND = "group"
"""The one kind of entitlement: a role without LOGIN."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that the connector knows of a database server."""

    always_tls: bool
    page_size: int
    grantable: tuple[str, ...]
    """LIKE patterns of the groups that may be seen and granted."""

    valid_until: str = ""
    """The attribute of the user schema that says when the password ends, or empty."""


def read_blueprint(section: Mapping[str, Any], identifier: str) -> Blueprint:
    """Return the blueprint of an `sql` section of the right shape.

    `identifier` takes the place of `{identifier}`, which may name several groups,
    with commas between them.
    """
    named = ",".join(section["grantable"]).replace("{identifier}", identifier)
    names = filter(None, (name.strip() for name in named.split(",")))
    return Blueprint(
        always_tls=section.get("tls", "unless_allowed") == "always",
        page_size=section.get("page_size", 500),
        grantable=tuple(map(_pattern, names)),
        valid_until=section.get("valid_until", ""),
    )


def _pattern(name: str) -> str:
    """Return the LIKE pattern of a name; a star at its end stands for anything."""
    literal = name.removesuffix("*")
    for special in "\\%_":
        literal = literal.replace(special, f"\\{special}")
    return f"{literal}%" if name.endswith("*") else literal
