"""What the connector knows of an app: the `browser` part of a manifest, compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from integrations.connectors.expressions import Expression, Template
from integrations.desired import JSON


class Verb(StrEnum):
    """What can be done on a page, in the words of a manifest."""

    GOTO = "goto"
    FILL = "fill"
    CHOOSE = "choose"
    CHECK = "check"
    UNCHECK = "uncheck"
    CLICK = "click"
    EXPECT = "expect"


class Look(StrEnum):
    """What can be read of an element: the first five of one, the rest of each."""

    TEXT = "text"
    VALUE = "value"
    CHECKED = "checked"
    SEEN = "seen"
    UNSEEN = "unseen"
    LINK = "link"
    TEXTS = "texts"
    VALUES = "values"
    LINKS = "links"


@dataclass(frozen=True, slots=True)
class Target:
    """How to find one element: by what, with which text, and inside which other."""

    by: str
    text: Template
    within: Target | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on a page."""

    verb: Verb
    target: Target | None = None
    path: Template | None = None
    query: Mapping[str, Expression] = field(default_factory=dict)
    value: Expression | None = None
    accepts: bool = False
    """Whether the question that the page asks after a click is answered with OK."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read, and the part of it that a pattern with one group picks out."""

    look: Look
    target: Target
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page that lists something in rows, and the link to the next such page."""

    steps: tuple[Step, ...]
    rows: Target
    read: Mapping[str, Reading]
    next: Target | None
    total: Reading | None
    held: Mapping[str, Reading] = field(default_factory=dict)
    """By kind, what a row shows of the entitlements that an account holds."""

    kind: str = ""
    """Of the entitlements that it lists; empty for accounts."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that the connector knows of an app."""

    config: Mapping[str, JSON]
    ignores_case: bool
    log_in: tuple[Step, ...]
    login_refused: Target
    check: tuple[Step, ...]
    refused: Target | None
    duplicates: tuple[str, ...]
    masks: tuple[Target, ...]
    account_page: tuple[Step, ...]
    account: Mapping[str, Reading]
    held: Mapping[str, Reading]
    list_accounts: Listing
    find_account: Listing
    entitlements: tuple[Listing, ...]
    acts: Mapping[str, tuple[Step, ...]]
    grant: Mapping[str, tuple[Step, ...]]
    revoke: Mapping[str, tuple[Step, ...]]

    def shows_all(self, listing: Listing) -> bool:
        """Say whether a list of accounts tells all that an account's own page does."""
        return (
            self.account.keys() <= listing.read.keys()
            and self.held.keys() <= listing.held.keys()
        )
