"""Enable SCIM users provisioning for domains, and replace its token at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tokens import services
from tokens.models import ScimToken
from tokens.services import IssuedToken, Overlap
from workspaces import directory_sync, domains
from workspaces.domains import Added
from workspaces.models import Directory, User, Workspace


@dataclass(frozen=True, slots=True)
class Covered:
    """What entering domains did; `issued` is the first token, if it made that."""

    added: Added
    issued: IssuedToken | None


@transaction.atomic
def cover(
    workspace: Workspace, names: Sequence[str], *, actor: User, now: datetime
) -> Covered:
    """List domains, as `domains.read` returns them, and turn Directory Sync on.

    The first time, the first token is made besides.
    """
    directory_sync.turn_on(workspace, actor=actor, now=now)
    added = domains.add(workspace, names, actor=actor, now=now)
    directory = Directory.objects.select_for_update().get(
        workspace=workspace, kind=Directory.Kind.DIRECTORY_SYNC
    )
    if ScimToken.objects.filter(directory=directory).exists():
        return Covered(added, None)
    return Covered(added, services.generate_first(directory, actor=actor, now=now))


@transaction.atomic
def refresh(
    directory: Directory, old: ScimToken, *, actor: User, now: datetime
) -> IssuedToken:
    """Make a new token and stop every other one of the directory, at once.

    Raises TokenReplaced or TokenNotActive if `old` was refreshed or ended meanwhile.
    """
    issued = services.rotate(directory, old, overlap=Overlap.NOW, actor=actor, now=now)
    others = ScimToken.objects.of_directory(directory).live(now)
    for other in others.exclude(pk=issued.token.pk):
        services.revoke(other, actor=actor, now=now)
    return issued
