"""Enable SCIM users provisioning for domains, replace its token, and switch it off and on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from scim.emptying import empty
from tokens import services
from tokens.models import ScimToken
from tokens.oauth import endings
from tokens.services import IssuedToken, Overlap
from workspaces import directory_sync, domains, sync_ending
from workspaces.confirmable import Action
from workspaces.domains import Added
from workspaces.models import Directory, Membership, User, Workspace
from workspaces.permissions import Permission
from workspaces.sync_ending import Ended, Fate

TURN_OFF = Action(
    "directory_sync.turn_off",
    "turn Directory Sync off",
    "Continue",
    Permission.MANAGE_DIRECTORY_SYNC,
)


@dataclass(frozen=True, slots=True)
class Covered:
    """What entering domains did; `issued` is the first token, if it made that."""

    added: Added
    issued: IssuedToken | None


@transaction.atomic
def cover(
    workspace: Workspace, names: Sequence[str], *, actor: User, now: datetime
) -> Covered:
    """List domains, as `domains.read` returns them; the first ones turn Directory Sync on.

    The first time, the first token is made besides.
    """
    if directory_sync.turned_off(workspace) is None:
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


def turn_off(
    workspace: Workspace, *, fate: Fate, by: Membership, now: datetime
) -> Ended:
    """Revoke the tokens, let members stay or deactivate them, and delete the teams.

    Call it outside of a transaction. Raises SyncOff and NoLongerAllowed.
    """
    directory = directory_sync.directory_of(workspace)
    with transaction.atomic():
        ended = sync_ending.turn_off(workspace, fate=fate, by=by, now=now)
        for token in ScimToken.objects.of_directory(directory).live(now):
            services.revoke(token, actor=by.user, now=now)
        endings.end_all(directory, actor=by.user, now=now)
    # Apart from the rest: a write of the IdP that is under way holds its resource and
    # waits for the workspace. It is refused now, and lets go.
    empty(directory)
    return ended


def turn_on_again(workspace: Workspace, *, actor: User, now: datetime) -> None:
    """Let an IdP provision as before, from an empty directory and by a new token."""
    if directory_sync.turned_off(workspace) is not None:
        # What a write left that was under way when it was turned off.
        empty(directory_sync.directory_of(workspace))
        directory_sync.turn_on(workspace, actor=actor, now=now)
