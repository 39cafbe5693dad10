"""Tell the administrators once that removals wait for a decision."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from integrations.models import Integration
from tokens.notices import administrators
from workspaces import jobs
from workspaces.mailing import MAX_FAILURES, deliver
from workspaces.models import Job

JOB = "integrations.tell_of_held_removals"


def tell(integration: Integration, *, now: datetime) -> None:
    """Put a mail to the administrators off, in the transaction that holds."""
    jobs.enqueue(
        JOB,
        workspace=integration.workspace,
        subject=f"{integration.directory.key}:{now:%Y-%m-%dT%H:%M:%S}",
        trigger=Job.Trigger.SCIM,
        max_failures=MAX_FAILURES,
        now=now,
    )


def send(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    integration = (
        Integration.objects.filter(
            workspace=job.workspace_id,
            directory__key=job.subject.partition(":")[0],
            removals_held_at__isnull=False,
        )
        .select_related("workspace", "directory")
        .first()
    )
    if integration is None:
        return {"sent": 0, "note": "It was decided meanwhile."}
    return deliver(*written(integration), administrators(integration.workspace))


def written(integration: Integration) -> tuple[str, str]:
    """Return subject and text of the mail."""
    name = " ".join(integration.name.split())
    path = reverse("integrations:removals", args=[integration.directory.key])
    lines = [
        f"Your IdP takes away more users of {name} than the limit of "
        f"{integration.threshold_percent} %. Keyway holds all that wait and has "
        "changed nothing for them.",
        "If this was meant, approve it. If not, discard it: the accounts stay, and "
        "your IdP reads so.",
        f"Held removals: {settings.KEYWAY_PUBLIC_URL}{path}",
    ]
    return f"Removals in {name} wait for a decision", "\n\n".join(lines) + "\n"
