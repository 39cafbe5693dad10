"""E-mails to administrators about tokens: written here, sent by the worker.

What made the news has committed by then, so that a mail server that is down
cannot undo it. A mail names a token by its hint and never holds its value.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db.models import QuerySet

from tokens.holders import Holder, holder_of
from tokens.models import ScimToken
from workspaces import jobs
from workspaces.mailing import MAX_FAILURES, deliver
from workspaces.models import Job, User, Workspace
from workspaces.permissions import ALLOWED, Permission

JOB = "tokens.tell_administrators"


class Event(StrEnum):
    """What a mail tells of."""

    GENERATED = "generated"
    REPLACED = "replaced"
    EXPIRES = "expires"
    VIEWED = "viewed"
    LEAKED = "leaked"
    ROTATION_DUE = "rotation_due"
    OVERLAP_ENDS = "overlap_ends"


def tell(
    token: ScimToken,
    event: Event,
    *,
    actor: User | None,
    trigger: Job.Trigger = Job.Trigger.WEB,
    now: datetime,
) -> None:
    """Put a mail to the administrators other than `actor` off; none if alone."""
    workspace = token.directory.workspace
    if administrators(workspace, except_for=actor).exists():
        jobs.enqueue(
            JOB,
            workspace=workspace,
            subject=f"{event}:{token.key}",
            trigger=trigger,
            actor=actor,
            max_failures=MAX_FAILURES,
            now=now,
        )


def administrators(
    workspace: Workspace, *, except_for: User | None = None
) -> QuerySet[User]:
    """Return the people who may manage the tokens of a workspace."""
    roles = [role for role, may in ALLOWED.items() if Permission.MANAGE_TOKENS in may]
    people = User.objects.filter(
        is_active=True,
        memberships__workspace=workspace,
        memberships__is_active=True,
        memberships__role__in=roles,
    )
    return people.exclude(pk=except_for.pk) if except_for else people


def send(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    event, _, key = job.subject.partition(":")
    token = (
        ScimToken.objects.select_related(
            "directory__workspace",
            "directory__rotation_schedule",
            "created_by",
            "replaces",
            "replaced_by",
        )
        .filter(key=key, directory__workspace=job.workspace_id)
        .first()
    )
    if token is None:
        return {"sent": 0, "note": "The token is gone."}
    if event == Event.ROTATION_DUE and not _is_scheduled(token):
        return {"sent": 0, "note": "The token is not replaced by schedule any more."}
    people = administrators(token.directory.workspace, except_for=job.actor)
    subject, text = written(token, Event(event), actor=job.actor)
    return deliver(subject, text, people)


def written(token: ScimToken, event: Event, *, actor: User | None) -> tuple[str, str]:
    """Return subject and text of a mail."""
    holder = holder_of(token.directory)
    who = str(actor or "The command line")
    if event == Event.EXPIRES:
        subject = f"The token {token.name} of {holder.name} expires soon"
        body = _expires(token, holder)
    elif event == Event.ROTATION_DUE:
        subject = f"The token {token.name} of {holder.name} is due to be replaced"
        body = _rotation_due(token, holder)
    elif event == Event.OVERLAP_ENDS:
        subject = (
            f"The old token {token.name} of {holder.name} stops soon and is in use"
        )
        body = _overlap_ends(token, holder)
    elif event == Event.REPLACED:
        subject = f"{who} replaced the token of {holder.name}"
        body = _replaced(token, who, holder)
    elif event == Event.LEAKED:
        subject = f"The token {token.name} of {holder.name} leaked and is revoked"
        body = _leaked(token, holder)
    elif event == Event.VIEWED:
        subject = f"{who} viewed the token of {holder.name}"
        body = f"{who} confirmed their identity and viewed the token {token}."
    else:
        subject = f"{who} generated a token for {holder.name}"
        body = f"{who} generated the token {token} for {holder.name}."
    lines = [
        body,
        f"Workspace: {token.directory.workspace.name}",
        f"Tokens: {settings.KEYWAY_PUBLIC_URL}{holder.url}",
    ]
    if event in {Event.GENERATED, Event.REPLACED, Event.VIEWED}:
        lines.append("If nobody was meant to do this, open that page and revoke it.")
    # A name that somebody typed must not break out of the subject's line.
    return " ".join(subject.split()), "\n\n".join(lines) + "\n"


def _replaced(token: ScimToken, who: str, holder: Holder) -> str:
    text = f"{who} generated the token {token} for {holder.name}."
    old = getattr(token, "replaces", None)
    if old is None:
        return text
    ends_at = old.overlap_ends_at
    if ends_at is None:
        return f"{text} It replaces {old}, which no longer works."
    return (
        f"{text} It replaces {old}, which stops on {ends_at:%d %b %Y, %H:%M} UTC. "
        f"{holder.caller} must have the new one by then."
    )


def _leaked(token: ScimToken, holder: Holder) -> str:
    return (
        f"Somebody found the value of the token {token} and handed it in. It is revoked. "
        f"Without another token {holder.caller} cannot provision {holder.user_count} "
        "users. Generate a new one, paste it into "
        f"{holder.idp or 'your IdP'}, and find out where the old one was kept: the "
        "audit log has the time and the address of the report, and the activity has "
        "every request that was made with it."
    )


def _is_scheduled(token: ScimToken) -> bool:
    schedule = getattr(token.directory, "rotation_schedule", None)
    return schedule is not None and token.replaced_by_id is None


def _rotation_due(token: ScimToken, holder: Holder) -> str:
    schedule = token.directory.rotation_schedule
    return (
        f"By schedule the token {token} of {holder.name} is replaced every "
        f"{schedule.every_days} days, this time until "
        f"{schedule.due_at(token):%d %b %Y}. Open its page with the settings of "
        f"{holder.idp or 'your IdP'} beside it, generate the new token there and paste "
        "it in: it is shown once, and no mail holds it. The old token then stops by "
        "itself. Nothing stops before."
    )


def _overlap_ends(token: ScimToken, holder: Holder) -> str:
    return (
        f"{holder.caller} still uses the token {token} of {holder.name}, which stops on "
        f"{token.overlap_ends_at:%d %b %Y, %H:%M} UTC. The one that replaces it, "
        f"{token.replaced_by}, has not been used yet. Paste it into "
        f"{holder.idp or 'your IdP'} before that. If nobody has it any more, generate "
        "another one in its place."
    )


def _expires(token: ScimToken, holder: Holder) -> str:
    at = f"{token.expires_at:%d %b %Y, %H:%M} UTC" if token.expires_at else "soon"
    return (
        f"The token {token} of {holder.name} expires on {at}. From then on "
        f"{holder.caller} can no longer provision {holder.user_count} users. Generate a "
        f"new token and paste it into {holder.idp or 'your IdP'} before that."
    )
