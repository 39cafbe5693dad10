"""From the Authorization header to a directory, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tokens import credential
from tokens.models import ScimToken
from workspaces.models import Directory

LAST_USED_PRECISION = timedelta(minutes=1)
_REFUSED = (
    "The bearer token is missing, wrong, expired or revoked, or it does not belong "
    "to this SCIM base URL."
)


@dataclass(frozen=True, slots=True)
class ScimPrincipal:
    """Who calls: not a person but a token, which opens one directory."""

    token: ScimToken
    directory: Directory

    is_authenticated = True


class ScimTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer kwg_…`, with or without the word Bearer.

    Every refusal reads the same, whatever the reason.
    """

    def authenticate(self, request: Request) -> tuple[ScimPrincipal, ScimToken]:
        """Return the principal. Raises AuthenticationFailed."""
        path_key = request.parser_context["kwargs"].get("directory_key", "")
        principal = authenticate(request.META.get("HTTP_AUTHORIZATION", ""))
        if principal is None or principal.directory.key != path_key:
            raise AuthenticationFailed(_REFUSED)
        note_use(
            principal.token,
            address=request.META.get("REMOTE_ADDR"),
            client=request.META.get("HTTP_USER_AGENT", ""),
        )
        return principal, principal.token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="scim"'


def authenticate(header: str) -> ScimPrincipal | None:
    """Return whom the header's token stands for, None if it opens nothing.

    A header that is no well-formed token costs no query.
    """
    scheme, _, rest = header.strip().partition(" ")
    given = credential.parse(rest.strip() if scheme.lower() == "bearer" else header)
    if given is None:
        return None
    token = (
        ScimToken.objects.select_related("directory__workspace", "owner__user")
        .annotate(now=Now())
        .filter(key=given.key)
        .first()
    )
    if token is None:
        return None
    pepper = settings.KEYWAY_TOKEN_KEYS.get(token.digest_key)
    if pepper is None or not credential.verify(given, token.digest, pepper):
        return None
    if not token.state(_now(token)).is_live:
        return None
    return ScimPrincipal(token, token.directory)


def note_use(token: ScimToken, *, address: str | None, client: str) -> None:
    """Remember when, from where and by what the token was used, once a minute.

    A conditional update: when two requests come together, one of them writes.
    """
    now = _now(token)
    used = token.last_used_at
    if used is not None and now - used < LAST_USED_PRECISION:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
    ScimToken.objects.filter(stale, pk=token.pk).update(
        last_used_at=now, last_used_address=address, last_used_client=client[:120]
    )


def _now(token: ScimToken) -> datetime:
    """Return the database's clock, which came with the token."""
    now: datetime = token.now  # type: ignore[attr-defined]
    return now
