"""Let the changes of a workspace's own directory act on its members and teams.

At once, in the transaction of the SCIM write: what the rules refuse undoes it, and
the IdP reads why.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integrations.directory_sync import notices
from integrations.directory_sync.people import person_of
from scim.models import GroupMember, Resource
from scim.protocol.errors import Forbidden, InvalidValue, ScimError, Uniqueness
from scim.services import Changed
from workspaces import audit, directory_sync, provisioned, teams
from workspaces.models import Directory, Workspace
from workspaces.refusals import (
    AlreadyProvisioned,
    DomainNotListed,
    DomainNotProven,
    Guarded,
    NoAddress,
    PersonExists,
    ProvisioningRefused,
)

_ANSWERS: dict[type[ProvisioningRefused], type[ScimError]] = {
    PersonExists: Uniqueness,
    AlreadyProvisioned: Uniqueness,
    # About a value of the request, and not about what the token may: another user
    # goes through with the same token. RFC 7644 section 3.12, table 9.
    DomainNotListed: InvalidValue,
    DomainNotProven: InvalidValue,
    NoAddress: InvalidValue,
}


def resource_changed(
    sender: type[Resource],
    *,
    directory: Directory,
    changed: Changed,
    now: datetime,
    **_: Any,
) -> None:
    """Receive a change of a directory of Directory Sync. Raises ScimError."""
    if directory.kind != Directory.Kind.DIRECTORY_SYNC:
        return
    workspace = directory.workspace
    try:
        if changed.resource_type == "User":
            _user(workspace, changed, now)
        else:
            directory_sync.entered(workspace)
            if changed.resource_type == "Group":
                _group(workspace, changed, now)
    except ProvisioningRefused as refused:
        raise _answer(refused, workspace, changed, now) from None


def _user(workspace: Workspace, changed: Changed, now: datetime) -> None:
    token_key = changed.origin.token_key
    if changed.resource is None:
        provisioned.remove(workspace, changed.resource_id, token_key=token_key, now=now)
    else:
        person = person_of(changed.resource)
        provisioned.put(workspace, person, token_key=token_key, now=now)


def _group(workspace: Workspace, changed: Changed, now: datetime) -> None:
    """Only users who are members themselves count, not those of groups in groups."""
    token_key = changed.origin.token_key
    group = changed.resource
    if group is None:
        teams.remove(workspace, changed.resource_id, token_key=token_key)
        return
    team = teams.put(
        workspace, group.public_id, name=group.label, token_key=token_key, now=now
    )
    if changed.members:
        joined, left = _moves(group, changed.members)
        teams.change_members(team, joined=joined, left=left, token_key=token_key)


def _moves(group: Resource, moved: frozenset[int]) -> tuple[list[str], list[str]]:
    """Return the public ids of users who joined a group, and of those who left it."""
    joined: list[str] = []
    left: list[str] = []
    keys = sorted(moved)
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        users = dict(
            Resource.objects.filter(pk__in=some, resource_type="User").values_list(
                "pk", "public_id"
            )
        )
        present = set(
            GroupMember.objects.filter(group=group, member__in=some).values_list(
                "member", flat=True
            )
        )
        for key, public_id in users.items():
            (joined if key in present else left).append(public_id)
    return joined, left


def _answer(
    refused: ProvisioningRefused, workspace: Workspace, changed: Changed, now: datetime
) -> ScimError:
    kind = _ANSWERS.get(type(refused), Forbidden)

    def note() -> None:
        target = refused.membership if isinstance(refused, Guarded) else None
        audit.record(
            audit.Sync.REFUSED,
            workspace=workspace,
            actor=None,
            target=target,
            data={
                "token": changed.origin.token_key,
                "reason": type(refused).__name__,
                "message": refused.message,
            },
        )
        if isinstance(refused, Guarded):
            notices.tell(refused, now=now)

    return kind(refused.message, afterwards=note)
