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
        (Token.EXPIRY_REMINDED,),
        "A SCIM token expires in 90, 30, 7 or 1 day",
    ),
    EventType("token.expired", (Token.EXPIRED,), "A SCIM token expired"),
    EventType(
        "token.generated",
        (Token.GENERATED, Token.API_GENERATED),
        "A SCIM or API token was generated",
    ),
    EventType("token.replaced", (Token.REPLACED,), "A SCIM token was replaced"),
    EventType(
        "token.revoked",
        (Token.REVOKED, Token.API_REVOKED),
        "Somebody revoked a SCIM or API token",
    ),
    EventType(
        "token.leaked",
        (Token.LEAKED, Token.API_LEAKED),
        "A token was found and handed in; it is revoked",
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
        "A token was used from a new network or by a new client",
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
