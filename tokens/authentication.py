"""From the Authorization header to a directory, in one query."""

from __future__ import annotations

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tokens import credential, key_change
from tokens.credential import Credential, Kind
from tokens.models import ScimToken, is_owner_active
from tokens.oauth import access, signed
from tokens.opening import (
    ScimPrincipal,
    find,
    note_refusal,
    note_use,
    selected_last,
)
from tokens.state import token_state
from workspaces.clock import as_time
from workspaces.key_ring import in_use

_REFUSED = (
    "The bearer token is missing, wrong, expired or revoked, or it does not belong "
    "to this SCIM base URL."
)
_SELECT = (
    "SELECT t.id, t.digest, t.digest_key, t.revoked_at, t.expires_at,"
    " t.replaced_by_id, t.overlap_ends_at, t.last_used_at, t.refused_at,"
    " t.owner_label, m.role, (u.is_active AND m.is_active), "
    f"{selected_last('t')}"
    " FROM tokens_scimtoken t"
    " JOIN workspaces_directory d ON d.id = t.directory_id"
    " LEFT JOIN workspaces_membership m ON m.id = t.owner_id"
    " LEFT JOIN workspaces_user u ON u.id = m.user_id"
    " WHERE t.key = %s"
)


class ScimTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer kwg_…`, with or without the word Bearer.

    Beside a static token it takes an access token of an OAuth client, and a JWT of an
    IdP that the directory trusts. Every refusal reads the same, whatever the reason.
    """

    def authenticate(self, request: Request) -> tuple[ScimPrincipal, str]:
        """Return the principal. Raises AuthenticationFailed."""
        path_key = request.parser_context["kwargs"].get("directory_key", "")
        principal = authenticate(request.META.get("HTTP_AUTHORIZATION", ""), path_key)
        if principal is None:
            raise AuthenticationFailed(_REFUSED)
        if principal.directory.key != path_key:
            note_refusal(principal, reason="Another SCIM base URL")
            raise AuthenticationFailed(_REFUSED)
        note_use(
            principal,
            address=request.META.get("REMOTE_ADDR"),
            client=request.META.get("HTTP_USER_AGENT", ""),
        )
        return principal, principal.token_key

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="scim"'


def authenticate(header: str, directory_key: str) -> ScimPrincipal | None:
    """Return whom the header stands for, None if it opens nothing.

    A JWT is checked as the directory says; a token brings its directory with it. A
    header that is neither costs no query.
    """
    scheme, _, rest = header.strip().partition(" ")
    text = rest.strip() if scheme.lower() == "bearer" else header
    given = credential.parse(text)
    if given is None:
        return signed.authenticate(text, directory_key)
    if given.kind is Kind.ACCESS:
        return access.authenticate(given)
    return _static(given)


def _static(given: Credential) -> ScimPrincipal | None:
    found = find(_SELECT, [given.key])
    if found is None:
        return None
    token_id, digest, digest_key, *times = found.own[:9]
    owner_label, role, is_active = found.own[9:]
    pepper = settings.KEYWAY_TOKEN_KEYS.get(digest_key)
    if pepper is None or not credential.verify(given, digest, pepper):
        return None
    revoked_at, expires_at, replaced_by, overlap_ends_at, used_at, refused_at = times
    state = token_state(
        revoked_at=as_time(revoked_at),
        expires_at=as_time(expires_at),
        is_replaced=replaced_by is not None,
        overlap_ends_at=as_time(overlap_ends_at),
        is_owner_active=is_owner_active(owner_label, role, is_active=bool(is_active)),
        now=found.now,
    )
    principal = ScimPrincipal(
        ScimToken,
        token_id,
        given.key,
        as_time(used_at),
        as_time(refused_at),
        found.directory,
        found.limits,
        found.now,
    )
    if not state.is_live:
        note_refusal(principal, reason=state.label)
        return None
    if digest_key < in_use(settings.KEYWAY_TOKEN_KEYS):
        key_change.renew(ScimToken, token_id, given)
    return principal
