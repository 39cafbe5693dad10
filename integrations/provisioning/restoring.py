"""Keep what an account was like before Keyway changes it: restore points.

An attempt makes one point, before its first change, and notes each change in it
before the call is made: what a crash leaves behind says too much rather than too
little. Changes, as [act, details]::

    ["create", {}]  ["update", {field: [old, new]}]
    ["attributes", {name: [old, new]}]  ["deactivate", {}]  ["reactivate", {}]
    ["delete", {}]  ["grant", {kind, external_id, name}]
    ["revoke", {kind, external_id, name}]
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from integrations.connectors.base import Session
from integrations.desired import DesiredAccount, Entitlement, ObservedAccount
from integrations.models import Provisioning, RestorePoint
from integrations.outside.acts import ToldSession
from integrations.provisioning import kept_attributes
from workspaces.clock import database_now
from workspaces.models import Job

PRUNE = "integrations.prune_restore_points"
PRUNE_EVERY = timedelta(days=1)
KEEP = timedelta(days=30)
SAME_RUN = timedelta(minutes=5)
"""A longer pause between two changes of an integration begins a new run."""

FIELDS = ("username", "email", "given_name", "family_name", "display_name")
_BATCH = 1000


class KeepingSession(ToldSession):
    """The session of the port, which keeps a restore point before it changes."""

    def __init__(
        self, session: Session, row: Provisioning, job: Job, *, is_removal: bool
    ) -> None:
        """`is_removal`: whether what is taken away counts against the threshold."""
        super().__init__(session, _quietly)
        self._row, self._job, self._is_removal = row, job, is_removal
        self._seen: ObservedAccount | None = None
        self._point: RestorePoint | None = None

    def get_account(self, external_id: str) -> ObservedAccount | None:
        """Return the account with this key, and remember it."""
        return self._remember(super().get_account(external_id))

    def find_account(self, username: str) -> ObservedAccount | None:
        """Return the account with this name, and remember it."""
        return self._remember(super().find_account(username))

    def create_account(self, account: DesiredAccount) -> ObservedAccount:
        """Make the account, and note its key."""
        point = self._note("create", {})
        made = super().create_account(account)
        point.external_id = made.external_id
        point.save(update_fields=["external_id"])
        self._seen = made
        return made

    def update_account(self, external_id: str, account: DesiredAccount) -> None:
        """Change names and values of the user schema, and note which."""
        if self._seen is not None:
            self._note_update(self._seen, account)
        super().update_account(external_id, account)

    def _note_update(self, seen: ObservedAccount, account: DesiredAccount) -> None:
        changed = {
            name: [getattr(seen, name), getattr(account, name)]
            for name in FIELDS
            if getattr(account, name) and getattr(account, name) != getattr(seen, name)
        }
        if changed:
            self._note("update", changed)
        own = kept_attributes.changed(seen, account, self._row.integration.directory)
        if own:
            self._note("attributes", own)

    def deactivate_account(self, external_id: str) -> None:
        """Keep the account from logging in."""
        self._note("deactivate", {})
        super().deactivate_account(external_id)

    def reactivate_account(self, external_id: str) -> None:
        """Let the account log in again."""
        self._note("reactivate", {})
        super().reactivate_account(external_id)

    def delete_account(self, external_id: str) -> None:
        """Delete the account."""
        self._note("delete", {})
        super().delete_account(external_id)

    def grant(self, external_id: str, entitlement: Entitlement) -> None:
        """Give an entitlement."""
        self._note("grant", _described(entitlement))
        super().grant(external_id, entitlement)

    def revoke(self, external_id: str, entitlement: Entitlement) -> None:
        """Take an entitlement."""
        self._note("revoke", _described(entitlement))
        super().revoke(external_id, entitlement)

    def _remember(self, account: ObservedAccount | None) -> ObservedAccount | None:
        if self._point is None:
            self._seen = account
        return account

    def _note(self, act: str, details: dict[str, Any]) -> RestorePoint:
        point = self._point or self._new_point()
        point.changes.append([act, details])
        if act in {"deactivate", "delete"}:
            point.is_removal = self._is_removal
        if self._point is None:
            point.save(force_insert=True)
            self._point = point
        else:
            point.save(update_fields=["changes", "is_removal"])
        return point

    def _new_point(self) -> RestorePoint:
        row, now = self._row, database_now()
        return RestorePoint(
            integration=row.integration,
            run=_run_of(row, now=now),
            is_undo=row.undo_to_id is not None,
            job=self._job,
            resource_id=row.resource_id_public,
            user_name=row.user_name,
            external_id=self._seen.external_id if self._seen else "",
            before=_kept(self._seen, row) if self._seen else None,
            granted=row.granted,
            at=now,
        )


def _quietly(words: str, *, is_change: bool = False) -> None:
    """Tell nobody: the session below does."""


def _run_of(row: Provisioning, *, now: datetime) -> uuid.UUID:
    """Return the run that a change belongs to; an undo has one of its own."""
    if row.undo_to is not None:
        return uuid.uuid5(row.undo_to.run, "undo")
    points = RestorePoint.objects.filter(integration=row.integration, is_undo=False)
    last = points.order_by("-id").only("run", "at").first()
    if last is not None and now - last.at < SAME_RUN:
        return last.run
    return uuid.uuid4()


def _kept(account: ObservedAccount, row: Provisioning) -> dict[str, Any]:
    own = kept_attributes.shown_by_the_app(account, row.integration.directory)
    return {
        **{name: getattr(account, name) for name in FIELDS},
        "attributes": {name: value for name, value in own.items() if value is not None},
        "active": account.active,
        "entitlements": sorted(map(list, account.entitlements)),
    }


def _described(entitlement: Entitlement) -> dict[str, str]:
    return {
        "kind": entitlement.kind,
        "external_id": entitlement.external_id,
        "name": entitlement.name,
    }


def prune(job: Job) -> dict[str, object]:
    """Delete the restore points of a workspace that are older than KEEP."""
    old = RestorePoint.objects.filter(
        integration__workspace=job.workspace_id, at__lt=database_now() - KEEP
    )
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:_BATCH]):
        deleted += RestorePoint.objects.filter(pk__in=batch).delete()[0]
    return {"deleted": deleted}
