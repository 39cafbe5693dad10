"""Tell the administrators once that an endpoint was turned off."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from integrations.models import WebhookEndpoint
from tokens.notices import administrators
from workspaces import jobs
from workspaces.mailing import MAX_FAILURES, deliver
from workspaces.models import Job

JOB = "integrations.tell_of_webhook"


def tell(endpoint: WebhookEndpoint, *, now: datetime) -> None:
    """Put the mail off, in the transaction that turns the endpoint off."""
    jobs.enqueue(
        JOB,
        workspace=endpoint.workspace,
        subject=str(endpoint.public_id),
        trigger=Job.Trigger.SCHEDULE,
        max_failures=MAX_FAILURES,
        now=now,
    )


def send(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    endpoint = (
        WebhookEndpoint.objects.select_related("workspace")
        .filter(workspace=job.workspace_id, public_id=job.subject)
        .exclude(turned_off_at=None)
        .first()
    )
    if endpoint is None:
        return {"sent": 0, "note": "It is on again, or deleted."}
    return deliver(*written(endpoint), administrators(endpoint.workspace))


def written(endpoint: WebhookEndpoint) -> tuple[str, str]:
    """Return subject and text of the mail: the host, not the path of the address."""
    page = reverse("webhooks:endpoint", args=[endpoint.public_id])
    lines = [
        f"Keyway sends no more webhooks to {endpoint.origin}. "
        f"{endpoint.turned_off_reason}",
        "What happens meanwhile is not sent later. When the endpoint works again, an "
        "Owner or a Super Admin turns it on, and can send what failed again.",
        f"Workspace: {' '.join(endpoint.workspace.name.split())}",
        f"Endpoint: {settings.KEYWAY_PUBLIC_URL}{page}",
    ]
    return f"Webhooks to {endpoint.origin} are turned off", "\n\n".join(lines) + "\n"
