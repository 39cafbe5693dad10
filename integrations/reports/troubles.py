"""Which integrations of a workspace have a trouble.

Whatever is well is not read, so that this costs little however many there are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet

from integrations.models import Integration, Provisioning
from integrations.reports import standing
from integrations.reports.standing import State
from integrations.syncing import holding, matching
from tokens import scheduled_rotation
from tokens.models import ClientSecret, ScimToken
from tokens.scheduled_rotation import Due
from tokens.state import EXPIRING
from workspaces.models import Directory, Job, Workspace

SYNCS_OF = timedelta(days=7)
"""An older sync says nothing about the app any more."""

LEAK_SHOWN = timedelta(days=7)
_ENDED = (Job.State.COMPLETED, Job.State.NOT_COMPLETED)


@dataclass(frozen=True, slots=True)
class Troubles:
    """Directories by kind of trouble, the kind that counts most first.

    Directories are keys of the database. Numbers are of users, accounts and tokens.
    """

    needing_attention: list[int]
    held: list[int]
    failed_syncs: list[int]
    failed_people: dict[int, int]
    overdue: list[int]
    unmatched: dict[int, int]
    leaked: dict[int, int]
    expiring: dict[int, int]
    rotations: dict[int, list[Due]]
    quarantined: list[int]
    held_back: list[int]
    silent: dict[int, datetime]
    """Since when the IdP is silent."""

    @property
    def directories(self) -> list[int]:
        """Each directory once, the one that needs a person most first."""
        kinds = (
            *(self.leaked, self.needing_attention, self.held_back, self.held),
            *(self.failed_syncs, self.failed_people, self.silent, self.overdue),
            *(self.quarantined, self.unmatched, self.rotations, self.expiring),
        )
        return list(dict.fromkeys(each for kind in kinds for each in kind))

    @property
    def count(self) -> int:
        """How many troubles there are: each token that expires or is due is one."""
        kinds = (
            *(self.needing_attention, self.held, self.failed_syncs),
            *(self.failed_people, self.overdue, self.unmatched, self.quarantined),
            *(self.held_back, self.silent),
        )
        tokens = (*self.expiring.values(), *self.leaked.values())
        rotations = sum(map(len, self.rotations.values()))
        return sum(map(len, kinds)) + sum(tokens) + rotations


def find(workspace: Workspace, *, now: datetime) -> Troubles:
    """Return what is wrong in a workspace at `now`."""
    rows = Integration.objects.in_workspace(workspace)
    open_ones = standing.with_open_sync(workspace)

    def in_state(state: State) -> list[int]:
        found = standing.in_state(
            rows, state, workspace=workspace, now=now, open_ones=open_ones
        )
        return list(found.values_list("directory", flat=True))

    # As a list: for a subquery the database walks over all integrations.
    failed = list(failed_syncs(workspace, now).values_list("subject", flat=True))
    of_failed = rows.filter(directory__key__in=failed)
    # Who needs attention is told of already, with the same reason.
    held_back = rows.filter(
        status=Integration.Status.ACTIVE,
        paused_at=None,
        calls_stopped_at__isnull=False,
    )
    return Troubles(
        held_back=list(held_back.values_list("directory", flat=True)),
        needing_attention=in_state(State.NEEDS_ATTENTION),
        held=in_state(State.HELD),
        failed_syncs=list(of_failed.values_list("directory", flat=True)),
        failed_people=_count(workspace, Q(state__in=Provisioning.FAILED)),
        overdue=in_state(State.UNKNOWN),
        unmatched=_count(workspace, matching.UNMATCHED),
        leaked=_count_tokens(workspace, leaked_tokens(now), leaked_secrets(now)),
        expiring=_count_tokens(workspace, expiring_tokens(now), expiring_secrets(now)),
        rotations=_rotations(workspace, now),
        quarantined=list(
            rows.filter(directory__quarantined_at__isnull=False).values_list(
                "directory", flat=True
            )
        ),
        silent=_silent(rows),
    )


def _silent(rows: QuerySet[Integration]) -> dict[int, datetime]:
    since = "directory__watch__silent_since"
    found = rows.exclude(**{since: None}).values_list("directory", since)
    return {directory: at for directory, at in found if at is not None}


def failed_syncs(workspace: Workspace, now: datetime) -> QuerySet[Job]:
    """Return the failed syncs after which none of the same integration has ended.

    One that somebody cancelled or discarded says nothing about the app.
    """
    ended = Job.objects.filter(kind=holding.JOB, ended_by=None)
    later = ended.filter(
        subject=OuterRef("subject"), pk__gt=OuterRef("pk"), state__in=_ENDED
    )
    return ended.filter(
        ~Exists(later),
        workspace=workspace,
        state=Job.State.NOT_COMPLETED,
        ended_at__gte=now - SYNCS_OF,
    )


def expiring_secrets(now: datetime) -> QuerySet[ClientSecret]:
    """Return the client secrets of all that expire soon, with none to follow."""
    return ClientSecret.objects.last_ones(now).filter(expires_at__lt=now + EXPIRING)


def leaked_secrets(now: datetime) -> QuerySet[ClientSecret]:
    """Return the client secrets of all that were handed in and revoked lately."""
    return ClientSecret.objects.filter(leaked_at__gt=now - LEAK_SHOWN)


def expiring_tokens(now: datetime) -> QuerySet[ScimToken]:
    """Return the tokens of all that expire soon and have no successor yet."""
    return ScimToken.objects.live(now).filter(
        replaced_by=None, expires_at__lt=now + EXPIRING
    )


def leaked_tokens(now: datetime) -> QuerySet[ScimToken]:
    """Return the tokens of all that were handed in and revoked lately."""
    return ScimToken.objects.filter(leaked_at__gt=now - LEAK_SHOWN)


def troubled_tokens(now: datetime) -> QuerySet[ScimToken]:
    """Return the tokens of all that a dashboard tells of."""
    return ScimToken.objects.filter(
        Q(pk__in=expiring_tokens(now).values("pk")) | Q(leaked_at__gt=now - LEAK_SHOWN)
    )


def troubled_secrets(now: datetime) -> QuerySet[ClientSecret]:
    """Return the client secrets of all that a dashboard tells of."""
    expiring = expiring_secrets(now).values("pk")
    return ClientSecret.objects.filter(
        Q(pk__in=expiring) | Q(leaked_at__gt=now - LEAK_SHOWN)
    )


def _rotations(workspace: Workspace, now: datetime) -> dict[int, list[Due]]:
    """Return the tokens to be replaced by schedule now, by directory, first due first."""
    found: dict[int, list[Due]] = {}
    for due in scheduled_rotation.dues(workspace, now=now):
        directory = due.token.directory
        if due.is_open and directory.kind == Directory.Kind.GATEWAY:
            found.setdefault(directory.pk, []).append(due)
    return found


def _count(workspace: Workspace, condition: Q) -> dict[int, int]:
    """Count the people that a condition leaves, by directory, most first."""
    rows = (
        Provisioning.objects.filter(condition, integration__workspace=workspace)
        .order_by()
        .values_list("integration__directory")
        .annotate(total=Count("pk"))
    )
    return dict(rows.order_by("-total"))


def _count_tokens(
    workspace: Workspace,
    tokens: QuerySet[ScimToken],
    secrets: QuerySet[ClientSecret],
) -> dict[int, int]:
    """Count those of integrations by directory, the first to expire first. One query."""
    of_tokens, of_secrets = (
        rows.filter(
            directory__workspace=workspace, directory__kind=Directory.Kind.GATEWAY
        )
        .order_by()
        .values_list("directory")
        .annotate(total=Count("pk"), soonest=Min("expires_at"))
        for rows in (tokens, secrets)
    )
    found: Counter[int] = Counter()
    both = of_tokens.union(of_secrets, all=True)
    for directory, total, _ in sorted(both, key=lambda row: (row[2] is None, row[2])):
        found[directory] += total
    return found
