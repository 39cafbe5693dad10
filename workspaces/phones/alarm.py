"""**It is not me**: write it down, end the session that asked, tell the people.

The e-mail goes to the person and to those who manage the members of the workspace.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.urls import reverse

from workspaces import audit, confirmable, confirmations, jobs, mailing
from workspaces.browsers import browser_name
from workspaces.factors.notices import administrators
from workspaces.models import AuditEvent, Confirmation, Job, PhoneDevice, User

JOB = "workspaces.tell_of_not_me"


def raise_(confirmation: Confirmation, device: PhoneDevice, *, now: datetime) -> None:
    """Raise the alarm about a request, in the caller's transaction."""
    ended = end_session(confirmation.user, confirmation.session_digest, now=now)
    event = audit.record(
        audit.Phones.NOT_ME,
        workspace=confirmation.workspace,
        actor=confirmation.user,
        target=confirmation,
        data={
            "action": confirmation.action,
            "phone": str(device.name),
            "asked from": confirmation.address,
            "browser": browser_name(confirmation.client),
            "session ended": ended,
        },
    )
    jobs.enqueue(
        JOB,
        workspace=confirmation.workspace,
        subject=str(event.public_id),
        trigger=Job.Trigger.WEB,
        actor=confirmation.user,
        max_failures=8,
        now=now,
    )


def was_raised(confirmation: Confirmation) -> bool:
    """Say whether this request was reported before."""
    return AuditEvent.objects.filter(
        workspace=confirmation.workspace,
        action=audit.Phones.NOT_ME,
        target_id=str(confirmation.public_id),
    ).exists()


def end_session(user: User, digest: str, *, now: datetime) -> bool:
    """End the session of a person that a confirmation is tied to.

    Its id may have changed, so each session that is not over is looked at.
    """
    for kept in Session.objects.filter(expire_date__gt=now).iterator():
        session = kept.get_decoded()
        is_theirs = session.get("_auth_user_id") == str(user.pk)
        if is_theirs and hmac.compare_digest(
            confirmations.session_digest(session), digest
        ):
            SessionStore(kept.session_key).delete()
            return True
    return False


def send(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    event = (
        AuditEvent.objects.select_related("actor", "workspace")
        .filter(public_id=job.subject, workspace=job.workspace_id)
        .first()
    )
    if event is None or event.actor is None or event.workspace is None:
        return {"sent": 0, "note": "The person is gone."}
    others = administrators(event.workspace, event.actor)
    people = [event.actor.email, *sorted(others.values_list("email", flat=True))]
    return mailing.send(*written(event), people)


def written(event: AuditEvent) -> tuple[str, str]:
    """Return subject and text of the mail."""
    words = confirmable.action_of(str(event.data["action"])).words
    url = f"{settings.KEYWAY_PUBLIC_URL}{reverse('workspaces:audit_log')}"
    is_ended = event.data["session ended"]
    lines = [
        f"Somebody signed in as {event.actor_label} asked to {words}: "
        f"{event.target_label}. On {event.data['phone']} {event.actor_label} "
        "answered: It is not me.",
        f"{event.at:%d %b %Y, %H:%M} UTC. Asked from {event.data['browser']}, "
        f"{event.data['asked from'] or 'an unknown address'}.",
        "The request was denied. "
        + ("The session that asked was ended." if is_ended else ""),
        "Whoever asked knows the password or holds a session of this account. Have "
        f"the password changed, and look at what else was done: {url}",
    ]
    # A name that somebody typed must not break out of the subject's line.
    subject = " ".join(f"{event.actor_label} says: It is not me".split())
    return subject, "\n\n".join(line.strip() for line in lines) + "\n"
