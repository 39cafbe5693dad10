"""Note what the app should look like, and put the work off.

Runs inside the transaction of the SCIM change. Raw SQL and whole sets: a change
of a group of 10,000 is 10,000 accounts to look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from integrations.audit import Action
from integrations.models import Provisioning
from scim.models import GroupMember, Resource
from scim.services import Changed
from workspaces import audit, jobs, lanes
from workspaces.models import Directory, Job, User

JOB = "integrations.provision"
_State = Provisioning.State
ACTS: dict[str, str] = {
    _State.PROVISIONING_AWAITING: "invite",
    _State.PROVISIONING_ONGOING: "invite",
    _State.UPDATE_AWAITING: "update",
    _State.UPDATE_ONGOING: "update",
    _State.DELETE_AWAITING: "removal",
    _State.DELETE_ONGOING: "removal",
}
"""What is done for a person, by the state that asks for it."""

_BATCH = 500
_WORKSPACE = (
    "(SELECT i.workspace_id FROM integrations_integration i"
    " WHERE i.id = integrations_provisioning.integration_id)"
)
_MANY = 20
"""From so many accounts at once they make way for single changes."""

_WANT = (
    "INSERT INTO integrations_provisioning (integration_id, resource_id,"
    " resource_id_public, user_name, is_matched, granted, desired_version,"
    " applied_version, state, attempts, last_error, changed_at)"
    " SELECT i.id, r.id, r.public_id, {user_name}, {matched} OR r.source = 'idp',"
    " '[]', 1, 0,"
    " 'provisioning_awaiting', 0, '', %s"
    " FROM scim_resource r"
    " JOIN integrations_integration i ON i.directory_id = r.directory_id"
    " WHERE r.directory_id = %s AND r.resource_type = 'User' AND r.id IN ({users})"
    "{lock}"
    " ON CONFLICT (resource_id_public) DO UPDATE SET"
    " resource_id = excluded.resource_id, user_name = excluded.user_name,"
    " is_matched = {matched} OR integrations_provisioning.is_matched,"
    " desired_version = integrations_provisioning.desired_version + 1,"
    " state = CASE WHEN integrations_provisioning.state IN ('deleted',"
    " 'provisioning_awaiting', 'provisioning_ongoing', 'provisioning_failed')"
    " THEN 'provisioning_awaiting' ELSE 'update_awaiting' END,"
    " attempts = 0, next_attempt_at = NULL, last_error = '',"
    " undo_to_id = NULL, undone_at = NULL, undone_by_id = NULL,"
    " changed_at = excluded.changed_at"
    f" RETURNING resource_id_public, {_WORKSPACE}"
)
_WANT_GONE = (
    "UPDATE integrations_provisioning SET state = 'delete_awaiting',"
    " resource_id = NULL, desired_version = desired_version + 1, attempts = 0,"
    " next_attempt_at = NULL, last_error = '',"
    " undo_to_id = NULL, undone_at = NULL, undone_by_id = NULL, changed_at = %s"
    " WHERE resource_id_public = %s AND integration_id IN"
    " (SELECT id FROM integrations_integration WHERE directory_id = %s)"
    f" RETURNING resource_id_public, {_WORKSPACE}"
)


def resource_changed(
    sender: type[Resource],
    *,
    directory: Directory,
    changed: Changed,
    now: datetime,
    **_: Any,
) -> None:
    """Receive a change of a gateway's directory and put the work off.

    What a sync took from the app is in the app already. Once the IdP writes a user,
    the account is matched; a group that names the user says nothing of the kind.
    """
    if directory.kind != Directory.Kind.GATEWAY:
        return
    if changed.origin.source == Resource.Source.APP:
        return
    if changed.resource is None and changed.resource_type == "User":
        want_gone(directory, changed.resource_id, now=now)
    elif changed.resource is not None and changed.resource_type == "User":
        want(directory, [changed.resource.pk], is_matched=True, now=now)
    else:
        want(directory, list(_concerned(changed)), now=now)


def _concerned(changed: Changed) -> Iterable[int]:
    """Return whose account a change of a group concerns: a rename, all members."""
    group = changed.resource
    if group is None or changed.members:
        return changed.members
    return GroupMember.objects.filter(group=group).values_list("member", flat=True)


def want(
    directory: Directory,
    users: Sequence[int],
    *,
    trigger: Job.Trigger = Job.Trigger.SCIM,
    actor: User | None = None,
    is_matched: bool = False,
    now: datetime,
) -> None:
    """Note that accounts should be brought up to date, and put the work off.

    `users` are database ids; those of groups among them are left out. `is_matched`
    says that the IdP, or a person, speaks for these very users. Two statements for
    each 500, so that a change of a large group stays quick.
    """
    for start in range(0, len(users), _BATCH):
        batch = users[start : start + _BATCH]
        marks = ", ".join(["%s"] * len(batch))
        with connection.cursor() as cursor:
            cursor.execute(
                _WANT.format(
                    users=marks,
                    user_name=_user_name_sql(),
                    matched=str(is_matched).upper(),
                    lock=_lock_sql(),
                ),
                [_database_time(now), directory.pk, *batch],
            )
            rows = cursor.fetchall()
        _put_off(directory, rows, trigger=trigger, actor=actor, now=now)


def want_gone(
    directory: Directory,
    resource_id: str,
    *,
    trigger: Job.Trigger = Job.Trigger.SCIM,
    actor: User | None = None,
    now: datetime,
) -> None:
    """Note that the account of a deleted user should go, and put the work off."""
    with connection.cursor() as cursor:
        cursor.execute(_WANT_GONE, [_database_time(now), resource_id, directory.pk])
        rows = cursor.fetchall()
    _put_off(directory, rows, trigger=trigger, actor=actor, now=now)


def _put_off(
    directory: Directory,
    rows: list[tuple[str, int]],
    *,
    trigger: Job.Trigger,
    actor: User | None,
    now: datetime,
) -> None:
    """Enqueue one job a row of (public id, workspace); they share a workspace."""
    if rows:
        jobs.enqueue_all(
            JOB,
            workspace_id=rows[0][1],
            subjects=[resource_id for resource_id, _ in rows],
            trigger=trigger,
            actor=actor,
            priority=_priority(directory, len(rows)),
            lane=directory.key,
            now=now,
        )


def _priority(directory: Directory, accounts: int) -> Job.Priority | None:
    """Return how urgent so many accounts at once are; None as the trigger says."""
    if accounts >= _MANY:
        return Job.Priority.BULK
    return Job.Priority.PERSON if directory.confirms_with_app else None


def _database_time(now: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(now)


def _lock_sql() -> str:
    """Wait for whoever is deleting one of the users, and then leave that one out."""
    return "" if connection.vendor == "sqlite" else " FOR KEY SHARE OF r"


def _user_name_sql() -> str:
    if connection.vendor == "sqlite":
        return "json_extract(r.document, '$.userName')"
    return "r.document::jsonb ->> 'userName'"


@transaction.atomic
def retry(row: Provisioning, *, actor: User, now: datetime) -> None:
    """Try a failed provisioning again because a person asks for it."""
    audit.record(
        Action.RETRY_REQUESTED,
        workspace=row.integration.workspace,
        actor=actor,
        target=row.integration,
        data={"user": row.resource_id_public},
    )
    directory = row.integration.directory
    lanes.reopen([directory.key], now=now)
    if row.undo_to_id is not None:
        _undo_again(row, actor=actor, now=now)
    elif row.resource_id is None:
        want_gone(
            directory,
            row.resource_id_public,
            trigger=Job.Trigger.WEB,
            actor=actor,
            now=now,
        )
    else:
        want(
            directory,
            [row.resource_id],
            trigger=Job.Trigger.WEB,
            actor=actor,
            now=now,
        )


def _undo_again(row: Provisioning, *, actor: User, now: datetime) -> None:
    """Try an undo that failed once more. What the IdP wants would take its place."""
    row.state, row.last_error = Provisioning.State.UPDATE_AWAITING, ""
    row.save(update_fields=["state", "last_error"])
    put_off([row], trigger=Job.Trigger.WEB, actor=actor, now=now)


def put_off(
    rows: Iterable[Provisioning],
    *,
    trigger: Job.Trigger,
    actor: User | None,
    now: datetime,
) -> None:
    """Enqueue the jobs of rows that say already what is to be done.

    One statement for each directory and 500.
    """
    found: dict[Directory, list[tuple[str, int]]] = defaultdict(list)
    for row in rows:
        integration = row.integration
        of_row = (row.resource_id_public, integration.workspace_id)
        found[integration.directory].append(of_row)
    for directory, each in found.items():
        _put_off(directory, each, trigger=trigger, actor=actor, now=now)
