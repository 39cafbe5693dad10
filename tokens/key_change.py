"""Bring the digests of tokens under a new key, without anybody noticing.

A digest cannot be made anew from a digest: it is when the token is used next, or at
once where its value is kept.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from tokens import credential
from tokens.credential import Credential
from tokens.models import AccessToken, ApiToken, ClientSecret, ScimToken
from tokens.services import value_address
from workspaces.key_ring import in_use
from workspaces.sealed import SealedColumn

SEALED = SealedColumn(
    ScimToken, "sealed_value", value_address, related=("directory__workspace",)
)
_SHOWN = 10


def renew(
    kind: type[ScimToken] | type[ApiToken] | type[ClientSecret],
    token_id: int,
    given: Credential,
) -> None:
    """Keep the digest of a token that was just proven under the key in use."""
    number = in_use(settings.KEYWAY_TOKEN_KEYS)
    digest = credential.digest(given, settings.KEYWAY_TOKEN_KEYS[number])
    outdated = kind._default_manager.filter(pk=token_id, digest_key__lt=number)  # noqa: SLF001
    outdated.update(digest=digest, digest_key=number)


def renew_kept(*, now: datetime) -> int:
    """Renew the digests of live tokens whose value is kept. Returns how many.

    What cannot be read is left: `rotate_keys` tells of it where it seals anew.
    """
    number = in_use(settings.KEYWAY_TOKEN_KEYS)
    live = ScimToken.objects.live(now).filter(digest_key__lt=number)
    kept = live.exclude(sealed_value="").select_related(*SEALED.related)
    renewed = 0
    for token in kept:
        given = (
            credential.parse(SEALED.read(token)) if SEALED.is_readable(token) else None
        )
        if given is not None:
            renew(ScimToken, token.pk, given)
            renewed += 1
    return renewed


def use_of(number: int, now: datetime) -> str:
    """Say which live tokens need a key of KEYWAY_TOKEN_KEYS; nothing if none does."""
    live = {"revoked_at": None, "expires_at__gt": now, "client__revoked_at": None}
    waiting: list[ScimToken | ApiToken | ClientSecret | AccessToken] = [
        *ScimToken.objects.live(now).filter(digest_key=number).order_by("id"),
        *ApiToken.objects.live(now).filter(digest_key=number).order_by("id"),
        *ClientSecret.objects.filter(**live, digest_key=number).order_by("id"),
        *AccessToken.objects.filter(**live, digest_key=number).order_by("id"),
    ]
    if not waiting:
        return ""
    hints = ", ".join(token.hint for token in waiting[:_SHOWN])
    return (
        f"{len(waiting)} live tokens have not been used since another key took "
        f"over: {hints}. Wait until they are used, or replace them."
    )
