"""What the connector knows of an app: the `http` part of a manifest, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.connectors.client_credentials import TokenEndpoint
from integrations.connectors.expressions import Expression, Template
from integrations.connectors.meanings import ErrorRule
from integrations.desired import JSON


@dataclass(frozen=True, slots=True)
class Paging:
    """How the app cuts a list into pages.

    `none`, by `page` or `offset`, by a `cursor` that `next` reads from the answer, or
    by the `link` of the answer's headers (RFC 8288).
    """

    style: str = "none"
    start: int = 0
    size: int = 1
    next: Expression | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the app, and where its answer holds what."""

    method: str
    path: Template
    query: Mapping[str, Expression]
    headers: Mapping[str, Template]
    body: Expression | None
    form: Mapping[str, Expression]
    """Sent as a browser sends a form, in place of `body`. Empty for most calls."""

    reads: tuple[str, ...]
    when: Expression | None
    """The call is made only where this is true."""

    details: bool
    """Whether the accounts of a list are to be read one by one as well."""

    errors: tuple[ErrorRule, ...]
    item: Expression | None
    id: Expression | None
    items: Expression | None
    total: Expression | None
    paging: Paging

    def names(self) -> set[str]:
        """Return the names that stand in its path, query, body and form."""
        return set[str]().union(
            *(each.names() for each in self.path.expressions()),
            *(each.names() for each in self.query.values()),
            *(each.names() for each in self.form.values()),
            self.body.names() if self.body else (),
        )


@dataclass(frozen=True, slots=True)
class EntitlementList:
    """A call that lists the entitlements of one kind."""

    kind: str
    call: Call
    id: Expression
    name: Expression
    times: str = ""
    """The lookup whose entries each item is combined with, or empty."""


@dataclass(frozen=True, slots=True)
class Login:
    """How Keyway logs in: `basic`, `key`, or with a call of its own.

    That is `token`, `form` or, at a `token_endpoint`, `client_credentials`. A form is
    read from `page` first, for the hidden fields that it sends back.
    """

    style: str
    call: Call | None = None
    token_endpoint: TokenEndpoint | None = None
    page: Call | None = None
    values: Mapping[str, Expression] = field(default_factory=dict)
    headers: Mapping[str, Template] = field(default_factory=dict)
    refused: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Calls of which the first is made that applies; where none does, all is well.

    What it `reads` and works out (`let`, in the order in which they need each other) is known to all of them.
    """

    calls: tuple[Call, ...]
    reads: tuple[str, ...] = ()
    let: Mapping[str, Expression] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that the connector knows of an app."""

    config: Mapping[str, JSON]
    logins: Mapping[str, Login]
    """By login workflow: `password`, `access_token`."""

    ignores_case: bool
    account: Mapping[str, Expression]
    held: Mapping[str, Expression]
    message: Expression | None
    lookups: Mapping[str, Call]
    calls: Mapping[str, Call]
    changes: Mapping[str, Change]
    entitlements: tuple[EntitlementList, ...]
    grant: Mapping[str, Change]
    revoke: Mapping[str, Change]
