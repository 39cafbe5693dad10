"""E-mails about the ways of a connection: silent, heard again, used from elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from integrations.audit import Action
from integrations.reports.lengths import in_words
from tokens.holders import Holder, has_holder, holder_of
from tokens.notices import administrators
from workspaces import jobs
from workspaces.mailing import MAX_FAILURES, deliver
from workspaces.models import AuditEvent, Directory, Job

JOB = "integrations.tell_of_connection"
_HAVE = {
    "token": "the token",
    "OAuth client": "its secret or key",
    "trust": "a JWT of your IdP",
}
_A = {"token": "A token", "OAuth client": "An OAuth client", "trust": "A trust"}


def tell(event: AuditEvent, subject: str, *, now: datetime) -> None:
    """Put a mail about an audit event off, unless there was one of this subject."""
    workspace = event.workspace
    assert workspace is not None  # noqa: S101  a connection has one
    known = Job.objects.filter(workspace=workspace, kind=JOB, subject=subject)
    if known.exists():
        return
    job = jobs.enqueue(
        JOB,
        workspace=workspace,
        subject=subject,
        trigger=Job.Trigger.SCHEDULE,
        max_failures=MAX_FAILURES,
        now=now,
    ).job
    job.arguments = {"event": str(event.public_id)}
    job.save(update_fields=["arguments"])


def send(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    event = AuditEvent.objects.filter(
        workspace=job.workspace_id, public_id=job.arguments["event"]
    ).first()
    key = event.data["directory"] if event else ""
    directory = Directory.objects.filter(workspace=job.workspace_id, key=key).first()
    if event is None or directory is None or not has_holder(directory):
        return {"sent": 0, "note": "The connection is gone."}
    subject, text = written(event, holder_of(directory))
    return deliver(subject, text, administrators(job.workspace))


def written(event: AuditEvent, holder: Holder) -> tuple[str, str]:
    """Return subject and text of a mail."""
    name = " ".join(holder.name.split())
    if event.action == Action.CONNECTION_SILENT:
        subject = f"{name} is silent"
        body = _silent(event.data, holder)
    elif event.action == Action.CONNECTION_HEARD_AGAIN:
        subject = f"{name} is heard again"
        body = (
            f"{holder.caller} calls {name} again. It was silent since "
            f"{_moment(event.data['silent_since'])}."
        )
    else:
        subject = f"{_A[_kind(event.data)]} of {name} is used from a new place"
        body = _new_place(event.data, name)
    page = f"{name}: {settings.KEYWAY_PUBLIC_URL}{holder.url}"
    return subject, "\n\n".join([body, page]) + "\n"


def _silent(data: dict[str, Any], holder: Holder) -> str:
    usual = in_words(timedelta(seconds=data["usual_gap_seconds"]))
    return (
        f"{holder.caller} has sent nothing since {_moment(data['silent_since'])}. "
        f"Usually it lets no more than {usual} pass. Look in your IdP whether "
        "provisioning is paused, in quarantine or fails, and whether it can reach "
        "Keyway. Nobody is changed meanwhile."
    )


def _new_place(data: dict[str, Any], name: str) -> str:
    places = [
        f"{label}: {data[key]}"
        for label, key in (("Network", "networks"), ("Client", "clients"))
        if data[key]
    ]
    kind = _kind(data)
    opener = " ".join(data["token_name"].split())
    return (
        f"The {kind} {opener} of {name} was used in a way that was not seen in the last "
        f"30 days. {'. '.join(places)}. If your IdP moved or was updated, there is "
        f"nothing to do. If not, somebody else may have {_HAVE[kind]}: revoke it, or "
        f"limit it to the networks of your IdP. Further new places of this {kind} are in the "
        "audit log; the next mail about it is sent tomorrow at the earliest."
    )


def _kind(data: dict[str, Any]) -> str:
    """Return what was used; events of an older release are of tokens."""
    return str(data.get("kind", "token"))


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%d %b %Y, %H:%M} UTC"
