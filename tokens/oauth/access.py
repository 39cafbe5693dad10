"""From an access token to the directory of its client, in one query."""

from __future__ import annotations

from django.conf import settings

from tokens import credential
from tokens.credential import Credential
from tokens.models import OAuthClient
from tokens.opening import ScimPrincipal, find, note_refusal, selected_last
from tokens.state import token_state
from workspaces.clock import as_time

_SELECT = (
    "SELECT c.id, c.key, a.digest, a.digest_key, a.expires_at,"
    " COALESCE(c.revoked_at, s.revoked_at, a.revoked_at),"
    " c.last_used_at, c.refused_at, "
    f"{selected_last('c')}"
    " FROM tokens_accesstoken a"
    " JOIN tokens_oauthclient c ON c.id = a.client_id"
    " JOIN workspaces_directory d ON d.id = c.directory_id"
    " LEFT JOIN tokens_clientsecret s ON s.id = a.secret_id"
    " WHERE a.key = %s"
)


def authenticate(given: Credential) -> ScimPrincipal | None:
    """Return the client that an access token was given to, None if it opens nothing.

    It ends with its hour, with its client, and with the secret that fetched it.
    """
    found = find(_SELECT, [given.key])
    if found is None:
        return None
    client_id, client_key, digest, digest_key, *times = found.own
    pepper = settings.KEYWAY_TOKEN_KEYS.get(digest_key)
    if pepper is None or not credential.verify(given, digest, pepper):
        return None
    expires_at, revoked_at, used_at, refused_at = map(as_time, times)
    principal = ScimPrincipal(
        OAuthClient,
        client_id,
        client_key,
        used_at,
        refused_at,
        found.directory,
        found.limits,
        found.now,
    )
    state = token_state(
        revoked_at=revoked_at,
        expires_at=expires_at,
        is_replaced=False,
        overlap_ends_at=None,
        is_owner_active=True,
        now=found.now,
    )
    if not state.is_live:
        note_refusal(principal, reason=state.label)
        return None
    return principal
