"""End what opens a directory by OAuth: one client or trust, or all of them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from tokens.audit import Action
from tokens.models import IdpTrust, OAuthClient
from tokens.oauth.errors import ClientEnded
from workspaces import audit
from workspaces.models import Directory, User

_REVOKED = {
    OAuthClient: Action.CLIENT_REVOKED,
    IdpTrust: Action.TRUST_REVOKED,
}


@transaction.atomic
def revoke(
    opener: OAuthClient | IdpTrust, *, actor: User | None, now: datetime
) -> None:
    """End a client with its secrets and access tokens, or a trust, for good.

    From the next request on. Raises ClientEnded if that was done before.
    """
    kind = type(opener)
    live = kind._default_manager.filter(pk=opener.pk, revoked_at=None)  # noqa: SLF001
    if not live.update(revoked_at=now):
        raise ClientEnded(f"This {opener.noun} has been revoked already.")
    audit.record(
        _REVOKED[kind],
        workspace=opener.directory.workspace,
        actor=actor,
        target=opener,
        data={"directory": opener.directory.key},
    )


@transaction.atomic
def end_all(directory: Directory, *, actor: User | None, now: datetime) -> None:
    """Revoke every OAuth client of a directory and its trust in an IdP."""
    for opener in live_openers(directory):
        revoke(opener, actor=actor, now=now)


def live_openers(directory: Directory) -> list[OAuthClient | IdpTrust]:
    """Return what `end_all` would end."""
    return [
        *OAuthClient.objects.of_directory(directory).live(),
        *IdpTrust.objects.of_directory(directory).live(),
    ]
