"""Tell the administrators that the IdP tried to shut out a guarded account."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from tokens.notices import administrators
from workspaces import jobs
from workspaces.mailing import MAX_FAILURES, deliver
from workspaces.models import Job, Membership
from workspaces.refusals import Guarded

JOB = "integrations.tell_of_guard"


def tell(refused: Guarded, *, now: datetime) -> None:
    """Put a mail to the administrators off: one a day for each account.

    IdPs repeat what is refused, some of them every few minutes.
    """
    membership = refused.membership
    subject = f"{membership.pk}:{now:%Y-%m-%d}"
    workspace = membership.workspace
    known = Job.objects.filter(workspace=workspace, kind=JOB, subject=subject)
    if not known.exists():
        jobs.enqueue(
            JOB,
            workspace=workspace,
            subject=subject,
            trigger=Job.Trigger.SCIM,
            max_failures=MAX_FAILURES,
            now=now,
        )


def send(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    membership = (
        Membership.objects.select_related("user", "workspace")
        .filter(workspace=job.workspace_id, pk=int(job.subject.partition(":")[0]))
        .first()
    )
    if membership is None:
        return {"sent": 0, "note": "The member is gone."}
    return deliver(*written(membership), administrators(membership.workspace))


def written(membership: Membership) -> tuple[str, str]:
    """Return subject and text of the mail."""
    what = "break-glass account" if membership.is_break_glass else "last Owner"
    name = " ".join(str(membership.user).split())
    workspace = " ".join(membership.workspace.name.split())
    lines = [
        f"Your IdP asked Keyway to take {name} out of {workspace}, or to lower their "
        f"role. They are its {what}, so Keyway refused and changed nothing.",
        "If this was meant, an Owner can change it under Members. If not, look at what "
        "your IdP assigns.",
        f"Members: {settings.KEYWAY_PUBLIC_URL}{reverse('workspaces:members')}",
        f"Audit log: {settings.KEYWAY_PUBLIC_URL}{reverse('workspaces:audit_log')}",
    ]
    return f"Keyway kept {name} in {workspace}", "\n\n".join(lines) + "\n"
