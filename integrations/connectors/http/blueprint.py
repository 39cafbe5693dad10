"""What the connector knows of an app: the `http` part of a manifest, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.connectors.http.expressions import Expression, Template
from integrations.connectors.http.meanings import ErrorRule
from integrations.desired import JSON


@dataclass(frozen=True, slots=True)
class Paging:
    """How the app cuts a list into pages: `none`, by `page` or by `offset`."""

    style: str = "none"
    start: int = 0
    size: int = 1


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the app, and where its answer holds what."""

    method: str
    path: Template
    query: Mapping[str, Expression]
    headers: Mapping[str, Template]
    body: Expression | None
    reads: tuple[str, ...]
    errors: tuple[ErrorRule, ...]
    item: Expression | None
    id: Expression | None
    items: Expression | None
    total: Expression | None
    paging: Paging


@dataclass(frozen=True, slots=True)
class EntitlementList:
    """A call that lists the entitlements of one kind."""

    kind: str
    call: Call
    id: Expression
    name: Expression


@dataclass(frozen=True, slots=True)
class Login:
    """How Keyway logs in: `basic`, or `token` with a call of its own."""

    style: str
    call: Call | None = None
    values: Mapping[str, Expression] = field(default_factory=dict)
    headers: Mapping[str, Template] = field(default_factory=dict)
    refused: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that the connector knows of an app."""

    config: Mapping[str, JSON]
    login: Login
    ignores_case: bool
    account: Mapping[str, Expression]
    held: Mapping[str, Expression]
    message: Expression | None
    lookups: Mapping[str, Call]
    calls: Mapping[str, Call]
    entitlements: tuple[EntitlementList, ...]
    grant: Mapping[str, Call]
    revoke: Mapping[str, Call]
