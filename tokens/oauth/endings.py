"""End all that opens a directory by OAuth, as when Directory Sync is turned off."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from tokens.models import IdpTrust, OAuthClient
from tokens.oauth import clients, trusts
from workspaces.models import Directory, User


@transaction.atomic
def end_all(directory: Directory, *, actor: User | None, now: datetime) -> None:
    """Revoke every OAuth client of a directory and its trust in an IdP."""
    for client in OAuthClient.objects.of_directory(directory).live():
        clients.revoke(client, actor=actor, now=now)
    for trust in IdpTrust.objects.of_directory(directory).live():
        trusts.revoke(trust, actor=actor, now=now)


def names_of_live(directory: Directory) -> list[str]:
    """Return what `end_all` would end, by name."""
    kinds = (OAuthClient.objects, IdpTrust.objects)
    return [
        opener.name for rows in kinds for opener in rows.of_directory(directory).live()
    ]
