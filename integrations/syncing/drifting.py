"""Drift: accounts that somebody changed in the app after Keyway had set them.

A sync notes who has drifted; nothing is changed until a person says **Put right**
or the IdP changes the user.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from integrations.audit import Action
from integrations.models import Integration, Provisioning
from integrations.provisioning import planning, wanted
from integrations.provisioning.planning import Kind, Plan
from workspaces import audit
from workspaces.models import Job, User

_CHUNK = 500


def drifted(integration: Integration) -> QuerySet[Provisioning]:
    """Return who has drifted and waits for nothing else, by user name."""
    return Provisioning.objects.filter(
        integration=integration,
        drifted_at__isnull=False,
        undone_at=None,
        state=Provisioning.State.ONBOARDED,
    ).order_by("user_name", "id")


def note(
    integration: Integration, *, only: Provisioning | None = None, now: datetime
) -> int:
    """Compare everybody, or one, with what was last seen. Returns who drifted anew.

    A constant number of queries for each 500.
    """
    fresh = 0
    for rows in _settled(integration, only):
        plans = planning.plans_of(integration, rows)
        found = [row for row, plan in zip(rows, plans, strict=True) if _is(row, plan)]
        new = [row.pk for row in found if row.drifted_at is None]
        present = {row.pk for row in found}
        over = [row.pk for row in rows if row.drifted_at and row.pk not in present]
        Provisioning.objects.filter(pk__in=new).update(drifted_at=now)
        Provisioning.objects.filter(pk__in=over).update(drifted_at=None)
        fresh += len(new)
    return fresh


def _settled(
    integration: Integration, only: Provisioning | None
) -> Iterator[list[Provisioning]]:
    rows = (
        Provisioning.objects.filter(
            integration=integration,
            is_matched=True,
            resource__isnull=False,
            undone_at=None,
            state=Provisioning.State.ONBOARDED,
        )
        .select_related("resource", "account")
        .defer("resource__comparable")
        .prefetch_related("account__entitlements")
        .order_by("pk")
    )
    if only is not None:
        rows = rows.filter(pk=only.pk)
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:_CHUNK]):
        yield chunk
        last = chunk[-1].pk


def _is(row: Provisioning, plan: Plan) -> bool:
    """Say whether the account is other than Keyway left it.

    Apps that write a name in a way of their own, or do not show it, did so at once.
    """
    shown = row.applied_account or {}
    changed = [d for d in plan.differences if d.old != shown.get(d.name)]
    is_switched = plan.kind not in {Kind.UPDATE, Kind.NOTHING}
    return bool(is_switched or changed or plan.granted or plan.revoked)


@transaction.atomic
def put_right(
    integration: Integration,
    rows: QuerySet[Provisioning],
    *,
    actor: User,
    now: datetime,
) -> int:
    """Bring accounts up to date with the IdP again. Returns how many that is."""
    users = [key for key in rows.values_list("resource", flat=True) if key is not None]
    if users:
        wanted.want(
            integration.directory,
            users,
            trigger=Job.Trigger.WEB,
            actor=actor,
            now=now,
        )
        audit.record(
            Action.PUT_RIGHT,
            workspace=integration.workspace,
            actor=actor,
            target=integration,
            data={"people": len(users)},
        )
    return len(users)
