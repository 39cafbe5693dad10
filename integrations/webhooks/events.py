"""The one table of what an endpoint can hear of: each type is audit actions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from integrations.audit import Action
from tokens.audit import Action as Token
from workspaces.audit import Work


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event, the audit actions that are it, and what people read."""

    name: str
    actions: tuple[StrEnum, ...]
    label: str


EVENT_TYPES: Final = (
    EventType(
        "token.expiring",
        (Token.EXPIRY_REMINDED, Token.OAUTH_EXPIRY_REMINDED),
        "A SCIM token or a client secret expires in 90, 30, 7 or 1 day",
    ),
    EventType(
        "token.expired",
        (Token.EXPIRED, Token.OAUTH_EXPIRED),
        "A SCIM token or a client secret expired",
    ),
    EventType(
        "token.generated",
        (Token.GENERATED, Token.API_GENERATED, Token.OAUTH_GENERATED),
        "A SCIM token, an API token or a client secret was generated",
    ),
    EventType(
        "token.replaced",
        (Token.REPLACED, Token.CLIENT_KEYS_REPLACED),
        "A SCIM token or the keys of an OAuth client were replaced",
    ),
    EventType(
        "token.revoked",
        (
            *(Token.REVOKED, Token.API_REVOKED, Token.OAUTH_REVOKED),
            *(Token.CLIENT_REVOKED, Token.TRUST_REVOKED),
        ),
        "Somebody revoked a token, a client secret, an OAuth client or a trust",
    ),
    EventType(
        "token.leaked",
        (Token.LEAKED, Token.API_LEAKED, Token.OAUTH_LEAKED, Token.ACCESS_LEAKED),
        "A token or a client secret was found and handed in; it is revoked",
    ),
    EventType(
        "token.limited",
        (Token.LIMITED, Token.CLIENT_LIMITED, Token.TRUST_LIMITED),
        "Somebody changed how far a token, an OAuth client or a trust reaches",
    ),
    EventType(
        "token.quarantined", (Token.QUARANTINED,), "A connection went into quarantine"
    ),
    EventType(
        "token.quarantine_ended",
        (Token.QUARANTINE_ENDED,),
        "The quarantine of a connection ended",
    ),
    EventType(
        "connection.let_in",
        (Token.CLIENT_ADDED, Token.TRUST_ADDED),
        "An OAuth client or the trust in an IdP was added",
    ),
    EventType(
        "connection.silent",
        (Action.CONNECTION_SILENT,),
        "A connection is silent for much longer than usual",
    ),
    EventType(
        "connection.heard_again",
        (Action.CONNECTION_HEARD_AGAIN,),
        "A connection that was silent calls again",
    ),
    EventType(
        "connection.seen_from_new_place",
        (Action.CONNECTION_NEW_PLACE,),
        "A token, an OAuth client or a trust was used from a new network or by a new "
        "client",
    ),
    EventType("job.dead", (Work.GAVE_UP,), "Keyway gave a job up"),
    EventType(
        "sync.halted",
        (Action.SYNC_HELD,),
        "A sync found too many users gone and waits for a decision",
    ),
    EventType(
        "removals.halted",
        (Action.REMOVALS_HELD,),
        "An IdP removes too many users, which waits for a decision",
    ),
)
NAMES: Final = frozenset(each.name for each in EVENT_TYPES)
TEST: Final = "webhook.test"
"""What **Send a test** sends; nobody chooses it."""

_BY_ACTION: Final = {
    str(action): each.name for each in EVENT_TYPES for action in each.actions
}


def of_action(action: str) -> str | None:
    """Return the type that an audit action is, None if it is none."""
    return _BY_ACTION.get(action)
