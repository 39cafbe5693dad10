"""Quarantine of a connection: reads go on, writes wait.

The IdP gets 503 for a write and sends it again by itself; nothing is lost meanwhile.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from tokens.audit import Action
from workspaces import audit
from workspaces.models import Directory, User


@transaction.atomic
def begin(directory: Directory, *, actor: User, now: datetime) -> bool:
    """Let writes wait from the next request on. False if that was so before."""
    directory = _locked(directory)
    if directory.quarantined_at is not None:
        return False
    _set(directory, now, Action.QUARANTINED, actor)
    return True


@transaction.atomic
def end(directory: Directory, *, actor: User) -> bool:
    """Let writes through again. False if that was so before."""
    directory = _locked(directory)
    if directory.quarantined_at is None:
        return False
    _set(directory, None, Action.QUARANTINE_ENDED, actor)
    return True


def _locked(directory: Directory) -> Directory:
    return (
        Directory.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=directory.pk)
    )


def _set(
    directory: Directory, at: datetime | None, action: Action, actor: User
) -> None:
    directory.quarantined_at = at
    directory.save(update_fields=["quarantined_at"])
    audit.record(action, workspace=directory.workspace, actor=actor, target=directory)
