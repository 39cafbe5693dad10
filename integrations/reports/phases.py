"""What the last check or sync of an integration came to, in the words of E0-15.

Beside the standing, which says whether somebody must do something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import TextChoices

from integrations.models import Integration
from integrations.reports.troubles import failed_syncs
from workspaces.models import Job, Workspace


class Phase(TextChoices):
    """How far an integration is."""

    UNDER_VALIDATION = "under_validation", "Under validation"
    UNDER_REVIEW = "under_review", "Under review"
    VALIDATING = "validating", "Validating"
    VALIDATED = "validated", "Validated"
    VALIDATION_FAILED = "validation_failed", "Validation failed"
    IN_PROGRESS = "in_progress", "In progress"
    FAILED = "failed", "Failed"
    RETRYING = "retrying", "Retrying"
    UP_TO_DATE = "up_to_date", "Up to date"


OF_CHECK = {"running": Phase.VALIDATING, "failed": Phase.VALIDATION_FAILED}
"""The phase of a draft by the state of its check. Without one it has none."""

_OF_OPEN_SYNC = {
    Job.State.QUEUED: Phase.IN_PROGRESS,
    Job.State.STARTED: Phase.IN_PROGRESS,
    Job.State.RUNNING: Phase.IN_PROGRESS,
    Job.State.RETRYING: Phase.RETRYING,
    Job.State.HELD: Phase.UNDER_REVIEW,
}


def phases(
    workspace: Workspace,
    integrations: Sequence[Integration],
    syncs: Mapping[str, Job],
    *,
    now: datetime,
) -> dict[int, Phase]:
    """Return the phases of integrations by their ids, in two queries.

    `syncs` are the open ones by the key of the directory. An integration whose next
    sync is overdue has no phase: nobody knows.
    """
    keys = [integration.directory.key for integration in integrations]
    apps = {integration.app_id for integration in integrations}
    failed = set(
        failed_syncs(workspace, now)
        .filter(subject__in=keys)
        .values_list("subject", flat=True)
    )
    proven = set(
        Integration.objects.in_workspace(workspace)
        .filter(app__in=apps, last_synced_at__isnull=False)
        .order_by()
        .values_list("app", flat=True)
        .distinct()
    )
    found = {
        integration.pk: _OF_OPEN_SYNC.get(Job.State(sync.state))
        if (sync := syncs.get(integration.directory.key)) is not None
        else _at_rest(integration, failed, proven, now)
        for integration in integrations
    }
    return {pk: phase for pk, phase in found.items() if phase is not None}


def _at_rest(
    integration: Integration, failed: set[str], proven: set[int], now: datetime
) -> Phase | None:
    """Return the phase of an integration that does not sync just now."""
    if integration.directory.key in failed:
        return Phase.FAILED
    if integration.sync_overdue_at is not None and integration.sync_overdue_at < now:
        return None
    if integration.last_synced_at is not None:
        return Phase.UP_TO_DATE
    # Until the first of an app is proven, none of the workspace's is.
    return Phase.VALIDATED if integration.app_id in proven else Phase.UNDER_VALIDATION
