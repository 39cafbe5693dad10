"""Rotation by schedule: the tokens of a directory get a successor every so many days.

Keyway makes no token on its own: its value would have to lie somewhere until a person
comes for it. From `lead_days` before a token is due administrators are told, and one
click generates the successor, which shows its value to whoever clicked, this once. The
overlap then ends by itself. A token that is overdue goes on working.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tokens.audit import Action
from tokens.models import ScimToken
from tokens.policy_models import RotationSchedule
from workspaces import audit
from workspaces.models import Directory, User, Workspace


@dataclass(frozen=True, slots=True)
class Due:
    """A token that is to be replaced, and by when."""

    token: ScimToken
    at: datetime
    opens_at: datetime
    now: datetime

    @property
    def is_open(self) -> bool:
        """Whether administrators are asked to replace it."""
        return self.opens_at <= self.now

    @property
    def is_overdue(self) -> bool:
        """Whether the time for it is over."""
        return self.at <= self.now


def of(directory: Directory) -> RotationSchedule | None:
    """Return the schedule of a directory, if it has one."""
    return RotationSchedule.objects.filter(directory=directory).first()


@transaction.atomic
def set_up(
    directory: Directory, *, every_days: int, lead_days: int, actor: User
) -> RotationSchedule:
    """Let tokens be replaced every so many days, and be told of `lead_days` before.

    1 <= `lead_days` < `every_days`.
    """
    directory = _locked(directory)
    schedule = of(directory) or RotationSchedule(directory=directory)
    before = (schedule.every_days, schedule.lead_days)
    if before == (every_days, lead_days):
        return schedule
    schedule.every_days, schedule.lead_days = every_days, lead_days
    schedule.save()
    audit.record(
        Action.ROTATION_SCHEDULED,
        workspace=directory.workspace,
        actor=actor,
        target=directory,
        data={"every_days": every_days, "lead_days": lead_days},
    )
    return schedule


@transaction.atomic
def turn_off(directory: Directory, *, actor: User) -> bool:
    """Forget the schedule of a directory. False if it had none."""
    directory = _locked(directory)
    count, _ = RotationSchedule.objects.filter(directory=directory).delete()
    if count:
        audit.record(
            Action.ROTATION_UNSCHEDULED,
            workspace=directory.workspace,
            actor=actor,
            target=directory,
        )
    return bool(count)


def dues(workspace: Workspace, *, now: datetime) -> list[Due]:
    """Return when tokens of a workspace are due by schedule, the first one first."""
    scheduled = (
        ScimToken.objects.in_workspace(workspace)
        .live(now)
        .filter(replaced_by=None, directory__rotation_schedule__isnull=False)
        .select_related("directory__workspace", "directory__rotation_schedule")
    )
    found = [_due(token.directory.rotation_schedule, token, now) for token in scheduled]
    return sorted(found, key=lambda due: due.at)


def open_dues(
    schedule: RotationSchedule, tokens: Iterable[ScimToken], *, now: datetime
) -> list[Due]:
    """Return those of a directory's tokens that are to be replaced now."""
    live = (t for t in tokens if t.state(now).is_live and t.replaced_by_id is None)
    found = (_due(schedule, token, now) for token in live)
    return [due for due in found if due.is_open]


def _due(schedule: RotationSchedule, token: ScimToken, now: datetime) -> Due:
    return Due(token, schedule.due_at(token), schedule.opens_at(token), now)


def _locked(directory: Directory) -> Directory:
    return (
        Directory.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .get(pk=directory.pk)
    )
