"""E-mails to administrators about tokens whose owner is taken away.

One mail for each member, which names every connection. Sent by the worker, as
those in `notices`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.urls import reverse

from tokens.holders import has_holder, holder_of
from tokens.models import ScimToken
from tokens.notices import administrators
from workspaces import jobs
from workspaces.mailing import MAX_FAILURES, deliver
from workspaces.models import Job, Workspace

JOB = "tokens.tell_of_owner"


class Outcome(StrEnum):
    """What became of the tokens."""

    STOPPED = "stopped"
    HANDED_OVER = "handed_over"


def tell(
    tokens: Sequence[ScimToken], outcome: Outcome, why: str, *, now: datetime
) -> None:
    """Put a mail to the administrators off about tokens of one owner; none if none."""
    if not tokens:
        return
    first = tokens[0]
    job = jobs.enqueue(
        JOB,
        workspace=first.directory.workspace,
        # The time keeps the next mail about the same tokens from joining this one.
        subject=f"{outcome}:{first.key}:{now.timestamp()}",
        trigger=Job.Trigger.SCIM,
        max_failures=MAX_FAILURES,
        now=now,
    ).job
    job.arguments = {
        "owner": first.owner_label,
        "why": why,
        "tokens": [token.key for token in tokens],
    }
    job.save(update_fields=["arguments"])


def send(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    tokens = list(
        ScimToken.objects.in_workspace(job.workspace)
        .filter(key__in=job.arguments["tokens"])
        .select_related("directory")
        .order_by("id")
    )
    if not tokens:
        return {"sent": 0, "note": "The tokens are gone."}
    outcome = Outcome(job.subject.partition(":")[0])
    subject, text = written(
        tokens,
        outcome,
        owner=job.arguments["owner"],
        why=job.arguments["why"],
        workspace=job.workspace,
    )
    return deliver(subject, text, administrators(job.workspace))


def written(
    tokens: Sequence[ScimToken],
    outcome: Outcome,
    *,
    owner: str,
    why: str,
    workspace: Workspace,
) -> tuple[str, str]:
    """Return subject and text of a mail."""
    owner = " ".join(owner.split())
    if outcome == Outcome.STOPPED:
        subject = f"The tokens of {owner} stopped"
        what = (
            "These tokens of theirs stopped, and the connections that use them are cut "
            "off. Generate new ones where they are needed:"
        )
    else:
        subject = f"The tokens of {owner} were handed over to the workspace"
        what = (
            "These tokens of theirs are the workspace's now, and the connections that "
            f"use them go on working. Replace those that {owner} may have kept:"
        )
    lines = [
        f"{owner}: {' '.join(why.split())}",
        what,
        "\n".join(_line(token) for token in tokens),
        f"Workspace: {workspace.name}",
        f"Audit log: {settings.KEYWAY_PUBLIC_URL}{reverse('workspaces:audit_log')}",
    ]
    return subject, "\n\n".join(lines) + "\n"


def _line(token: ScimToken) -> str:
    if not has_holder(token.directory):
        return f"- {token}"
    holder = holder_of(token.directory)
    return f"- {token} of {holder.name}: {settings.KEYWAY_PUBLIC_URL}{holder.url}"
