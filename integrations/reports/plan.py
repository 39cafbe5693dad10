"""What Keyway would do in the app, and what was changed there by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from integrations.audit import Action
from integrations.models import Integration, Provisioning
from integrations.provisioning import planning
from integrations.provisioning.planning import Plan
from workspaces import audit
from workspaces.models import User

_CHUNK = 500
_Policy = Integration.OnUnassign
WAITING = Q(state__in=Provisioning.PENDING)
DRIFT = Q(drifted_at__isnull=False, undone_at=None, state=Provisioning.State.ONBOARDED)
COLUMNS = ["User", "Why", "Action", "Changes", "Granted", "Taken away"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many people a plan concerns, by what happens to the account."""

    create: int
    change: int
    deactivate: int
    delete: int
    drift: int

    @property
    def waiting(self) -> int:
        """Return how many wait, but for those for whom nothing is to be done."""
        return self.create + self.change + self.deactivate + self.delete


def rows_of(integration: Integration, condition: Q) -> QuerySet[Provisioning]:
    """Return whom a plan concerns, by user name, with all that a plan reads."""
    return (
        Provisioning.objects.filter(condition, integration=integration)
        .select_related("resource", "account")
        .defer("resource__comparable")
        .prefetch_related("account__entitlements")
        .order_by("user_name", "id")
    )


def numbers(integration: Integration) -> Numbers:
    """Count. One query."""
    has_account = Q(account__isnull=False)
    is_active = Q(resource__active=True)
    gone = Q(resource=None) & has_account
    inactive = Q(resource__active=False) & has_account
    policy = integration.on_unassign
    deletes = {
        _Policy.DELETE: gone | inactive,
        _Policy.DEACTIVATE: gone,
    }.get(_Policy(policy), Q(pk__in=[]))
    deactivates = {
        _Policy.DEACTIVATE: inactive & Q(account__is_active=True),
        _Policy.DELETE_LATER: (gone | inactive) & Q(account__is_active=True),
    }.get(_Policy(policy), Q(pk__in=[]))
    found = Provisioning.objects.filter(integration=integration).aggregate(
        create=Count("pk", filter=WAITING & Q(account=None) & is_active),
        change=Count("pk", filter=WAITING & has_account & is_active),
        deactivate=Count("pk", filter=WAITING & deactivates),
        delete=Count("pk", filter=WAITING & deletes),
        drift=Count("pk", filter=DRIFT),
    )
    return Numbers(**found)


def in_words(plan: Plan) -> str:
    """Return the changes of names, each as `email: old → new`."""
    return "; ".join(
        f"{each.label}: {each.old or 'nothing'} → {each.new}"
        for each in plan.differences
    )


@transaction.atomic
def export(
    integration: Integration, *, actor: User
) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Return the lines of the whole plan, and note who asked for it."""
    audit.record(
        Action.PLAN_EXPORTED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
    )
    return _lines(integration)


def _lines(
    integration: Integration,
) -> Iterator[tuple[str, str, str, str, str, str]]:
    rows = rows_of(integration, WAITING | DRIFT)
    keys = list(rows.values_list("pk", flat=True))
    for start in range(0, len(keys), _CHUNK):
        chunk = list(rows.filter(pk__in=keys[start : start + _CHUNK]))
        plans = planning.plans_of(integration, chunk)
        for row, plan in zip(chunk, plans, strict=True):
            yield (
                row.user_name,
                "Drift" if row.drifted_at and not is_waiting(row) else "Waiting",
                str(plan.kind.label),
                in_words(plan),
                ", ".join(plan.granted),
                ", ".join(plan.revoked),
            )


def is_waiting(row: Provisioning) -> bool:
    """Say whether Keyway has something to do for the row by itself."""
    return row.state in Provisioning.PENDING
