"""What can happen to a token, for the audit log."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Actions on tokens."""

    GENERATED = "tokens.scim_token.generated"
    SHOWN = "tokens.scim_token.shown"
    REPLACED = "tokens.scim_token.replaced"
    CHANGED = "tokens.scim_token.changed"
    LIMITED = "tokens.scim_token.limited"
    RETIRED = "tokens.scim_token.retired"
    VIEWED = "tokens.scim_token.viewed"
    REVEAL_RULE_CHANGED = "tokens.directory.reveal_rule_changed"
    QUARANTINED = "tokens.directory.quarantined"
    QUARANTINE_ENDED = "tokens.directory.quarantine_ended"
    REVOKED = "tokens.scim_token.revoked"
    LEAKED = "tokens.scim_token.leaked"
    REFUSED = "tokens.scim_token.refused"
    OWNER_ENDED = "tokens.scim_token.owner_ended"
    HANDED_OVER = "tokens.scim_token.handed_over"
    EXPIRED = "tokens.scim_token.expired"
    EXPIRY_REMINDED = "tokens.scim_token.expiry_reminded"
    API_GENERATED = "tokens.api_token.generated"
    API_REVOKED = "tokens.api_token.revoked"
    API_LEAKED = "tokens.api_token.leaked"
    API_REFUSED = "tokens.api_token.refused"
    API_OWNER_ENDED = "tokens.api_token.owner_ended"
    POLICY_CHANGED = "tokens.token_policy.changed"
    ROTATION_SCHEDULED = "tokens.directory.rotation_scheduled"
    ROTATION_UNSCHEDULED = "tokens.directory.rotation_unscheduled"
    ROTATION_REMINDED = "tokens.scim_token.rotation_reminded"
    OVERLAP_REMINDED = "tokens.scim_token.overlap_reminded"
    FEED_GENERATED = "tokens.calendar_feed.generated"
    FEED_TURNED_OFF = "tokens.calendar_feed.turned_off"
