"""What can happen to a token, for the audit log."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Actions on tokens."""

    GENERATED = "tokens.scim_token.generated"
    """A token was generated, or made by a replacement: the key of its `directory`."""
    SHOWN = "tokens.scim_token.shown"
    """The answer to whoever made it held its value: `directory`."""
    REPLACED = "tokens.scim_token.replaced"
    """It got a successor: `directory`, the key of the one that it is `replaced_by`, for
    how long both work, `overlap`."""
    CHANGED = "tokens.scim_token.changed"
    """Its name or its end was changed: `directory`, `former_name`, `expires_at`."""
    LIMITED = "tokens.scim_token.limited"
    """Its limits were changed: `directory`, `access`, `network_rule`, `networks`,
    `email_domains`."""
    RETIRED = "tokens.scim_token.retired"
    """A replaced token stopped, by somebody or at the end of its overlap: `directory`.
    """
    VIEWED = "tokens.scim_token.viewed"
    """Its value was shown again after a confirmation: `directory`, the id of the
    `confirmation`, its `method`."""
    REVEAL_RULE_CHANGED = "tokens.directory.reveal_rule_changed"
    """An Owner said whether tokens can be viewed again: the `rule`, how many kept
    values that `destroyed`."""
    QUARANTINED = "tokens.directory.quarantined"
    """Writes of a connection began to wait."""
    QUARANTINE_ENDED = "tokens.directory.quarantine_ended"
    """They wait no more."""
    REVOKED = "tokens.scim_token.revoked"
    """It was revoked: `directory`."""
    LEAKED = "tokens.scim_token.leaked"
    """It was handed in as found, and revoked: `directory`."""
    REFUSED = "tokens.scim_token.refused"
    """A request with it was refused; once an hour for each token: `directory`,
    `reason`."""
    OWNER_ENDED = "tokens.scim_token.owner_ended"
    """It stopped, since the member for whom it was made left or lost the right:
    `directory`, `owner`."""
    HANDED_OVER = "tokens.scim_token.handed_over"
    """It became the workspace's in place of a member's: `directory`, `former_owner`."""
    EXPIRED = "tokens.scim_token.expired"
    """It reached its end: `directory`."""
    EXPIRY_REMINDED = "tokens.scim_token.expiry_reminded"
    """Administrators were reminded of its end: `directory`, how many `days` before."""
    API_GENERATED = "tokens.api_token.generated"
    """A token of the management API was generated: `scopes`."""
    API_REVOKED = "tokens.api_token.revoked"
    """It was revoked."""
    API_LEAKED = "tokens.api_token.leaked"
    """It was handed in as found, and revoked."""
    API_REFUSED = "tokens.api_token.refused"
    """A call with it was refused; once an hour for each token: `reason`."""
    API_OWNER_ENDED = "tokens.api_token.owner_ended"
    """It stopped with the membership of whom it acts for."""
    POLICY_CHANGED = "tokens.token_policy.changed"
    """An Owner changed the token policy: `before_default_days`, `before_longest_days`,
    `before_longest_overlap_hours`, `before_remind_days`, `after_default_days`,
    `after_longest_days`, `after_longest_overlap_hours`, `after_remind_days`."""
    ROTATION_SCHEDULED = "tokens.directory.rotation_scheduled"
    """A rotation of a connection's tokens was scheduled: `every_days`, `lead_days`."""
    ROTATION_UNSCHEDULED = "tokens.directory.rotation_unscheduled"
    """It was unscheduled."""
    ROTATION_REMINDED = "tokens.scim_token.rotation_reminded"
    """Administrators were reminded of a rotation: `directory`, how many `days` before.
    """
    OVERLAP_REMINDED = "tokens.scim_token.overlap_reminded"
    """Administrators were told that a token stops soon whose successor nobody uses:
    `directory`."""
    FEED_GENERATED = "tokens.calendar_feed.generated"
    """The address of the calendar feed was made: the key of the one that it `replaces`."""
    FEED_TURNED_OFF = "tokens.calendar_feed.turned_off"
    """The calendar feed was turned off."""
    CLIENT_ADDED = "tokens.oauth_client.added"
    """An OAuth client was added: `directory`, its `method`, the names of its `keys`."""
    CLIENT_KEYS_REPLACED = "tokens.oauth_client.keys_replaced"
    """It got other public keys: `directory`, `keys`."""
    CLIENT_LIMITED = "tokens.oauth_client.limited"
    """Its limits were changed: `directory`, `access`, `network_rule`, `networks`,
    `email_domains`."""
    CLIENT_REVOKED = "tokens.oauth_client.revoked"
    """It was revoked, with its secrets and access tokens: `directory`."""
    CLIENT_REFUSED = "tokens.oauth_client.refused"
    """It was refused an access token, or a request; once an hour for each client:
    `directory`, `reason`."""
    OAUTH_GENERATED = "tokens.client_secret.generated"
    """A client secret was generated: `directory`, the key of its `client`."""
    OAUTH_REVOKED = "tokens.client_secret.revoked"
    """It was revoked: `directory`, `client`."""
    OAUTH_LEAKED = "tokens.client_secret.leaked"
    """It was handed in as found, and revoked: `directory`, `client`."""
    OAUTH_EXPIRED = "tokens.client_secret.expired"
    """It reached its end: `directory`."""
    OAUTH_EXPIRY_REMINDED = "tokens.client_secret.expiry_reminded"
    """Administrators were reminded of its end: `directory`, how many `days` before."""
    ACCESS_ISSUED = "tokens.access_token.issued"
    """A client got an access token: `directory`, `client`, the key of the `secret` that
    it proved itself with."""
    ACCESS_LEAKED = "tokens.access_token.leaked"
    """An access token was handed in as found, and revoked: `directory`, `client`."""
    TRUST_ADDED = "tokens.idp_trust.added"
    """A directory began to trust an IdP's own JWTs: `directory`, `issuer`, `audience`,
    `tenant_id`."""
    TRUST_LIMITED = "tokens.idp_trust.limited"
    """Its limits were changed: `directory`, `access`, `network_rule`, `networks`,
    `email_domains`."""
    TRUST_REVOKED = "tokens.idp_trust.revoked"
    """It was revoked: `directory`."""
    TRUST_REFUSED = "tokens.idp_trust.refused"
    """A request under it was refused; once an hour: `directory`, `reason`."""
