"""E-mails about ways in: to the person and to the workspace's administrators.

Written here and sent by the worker, from the line of the audit log that tells what
happened. They hold no code and no key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from workspaces import audit, jobs, mailing
from workspaces.factors import kinds
from workspaces.models import AuditEvent, Job, User, Workspace
from workspaces.permissions import ALLOWED, Permission

JOB = "workspaces.tell_of_factor"
_PERSON, _ADMINISTRATORS = "person", "administrators"
_WORDS = {
    audit.Factors.ADDED: "added a second factor",
    audit.Factors.DELETED: "deleted a second factor",
    audit.Factors.RECOVERY_USED: "used a recovery code",
}


def tell(
    event: AuditEvent, workspace: Workspace, *, to_person: bool, now: datetime
) -> None:
    """Put the mails about an event off."""
    readers = [_PERSON] if to_person else []
    if administrators(workspace, event.actor).exists():
        readers.append(_ADMINISTRATORS)
    for reader in readers:
        jobs.enqueue(
            JOB,
            workspace=workspace,
            subject=f"{reader}:{event.public_id}",
            trigger=Job.Trigger.WEB,
            actor=event.actor,
            max_failures=mailing.MAX_FAILURES,
            now=now,
        )


def administrators(workspace: Workspace, except_for: User | None) -> QuerySet[User]:
    """Return the people who may manage the members of a workspace, but one."""
    roles = [role for role, may in ALLOWED.items() if Permission.MANAGE_MEMBERS in may]
    people = User.objects.filter(
        is_active=True,
        memberships__workspace=workspace,
        memberships__is_active=True,
        memberships__role__in=roles,
    )
    return people.exclude(pk=except_for.pk) if except_for else people


def send(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    reader, _, public_id = job.subject.partition(":")
    event = (
        AuditEvent.objects.select_related("actor", "workspace")
        .filter(public_id=public_id, workspace=job.workspace_id)
        .first()
    )
    person = person_of(event) if event else None
    if event is None or person is None or event.workspace is None:
        return {"sent": 0, "note": "The person is gone."}
    subject, text = written(event, to_person=reader == _PERSON)
    people = [person.email]
    if reader == _ADMINISTRATORS:
        found = administrators(event.workspace, event.actor)
        people = sorted(found.values_list("email", flat=True))
    return mailing.send(subject, text, people)


def person_of(event: AuditEvent) -> User | None:
    """Return whose factors or password an event is about, None if they are gone."""
    if event.action not in _DONE_TO_MEMBER:
        return event.actor
    return User.objects.filter(memberships=int(event.target_id)).first()


def written(event: AuditEvent, *, to_person: bool) -> tuple[str, str]:
    """Return subject and text of a mail."""
    if event.action in _DONE_TO_MEMBER:
        return _written_of_member(event, to_person=to_person)
    workspace = event.workspace.name if event.workspace else ""
    what = _WORDS[audit.Factors(event.action)]
    kind = kinds.kind_named(str(event.data["kind"])).label
    who = "You" if to_person else event.actor_label
    lines = [
        f"{who} {what}: {event.target_label} ({kind}).",
        f"{event.at:%d %b %Y, %H:%M} UTC, from {event.address or 'this gateway'}.",
    ]
    if "left" in event.data:
        lines.append(f"{event.data['left']} recovery codes are left.")
    if to_person:
        url = f"{settings.KEYWAY_PUBLIC_URL}{reverse('workspaces:security')}"
        lines.append(
            "If this was not you, tell an Owner of your workspace, have your password "
            f"changed and look at your factors: {url}"
        )
    else:
        url = f"{settings.KEYWAY_PUBLIC_URL}{reverse('workspaces:members')}"
        lines += [
            f"Workspace: {workspace}",
            f"If they did not mean to do this, end their membership: {url}",
        ]
    # A name that somebody typed must not break out of the subject's line.
    return " ".join(f"{who} {what}".split()), "\n\n".join(lines) + "\n"


def _written_of_member(event: AuditEvent, *, to_person: bool) -> tuple[str, str]:
    """Return the mail about what somebody else did to the ways in of a member."""
    whose = "your" if to_person else f"{event.target_label}'s"
    by = event.actor_label if event.actor else "Whoever runs Keyway"
    did, meaning, then = _DONE_TO_MEMBER[event.action](event)
    subject = f"{by} {did.format(whose=whose)}"
    lines = [
        f"{subject}: {meaning}",
        f"{event.at:%d %b %Y, %H:%M} UTC, from {event.address or 'this gateway'}.",
        f"Workspace: {event.workspace.name if event.workspace else ''}",
    ]
    if to_person:
        lines.append(
            f"{then} If you did not ask for this, tell an Owner of your workspace."
        )
    else:
        log = f"{settings.KEYWAY_PUBLIC_URL}{reverse('workspaces:audit_log')}"
        lines.append(f"If nobody asked for this, look at what else was done: {log}")
    # A name that somebody typed must not break out of the subject's line.
    return " ".join(subject.split()), "\n\n".join(lines) + "\n"


def _reset(_event: AuditEvent) -> tuple[str, str, str]:
    """Return what was done, what that means, and what the person does then."""
    return (
        "reset {whose} second factors",
        "all of them were deleted, and every session was ended.",
        f"Sign in with your password and set up a new one: {_sign_in_url()}. If you have "
        "no password, use the link in the other email that you get now.",
    )


def _password(event: AuditEvent) -> tuple[str, str, str]:
    """Return the same of a password."""
    if not event.data["has_password"]:
        return (
            "took {whose} password away",
            "every session was ended.",
            f"Sign in with a passkey or at your identity provider: {_sign_in_url()}.",
        )
    return (
        "set {whose} password",
        "the former one no longer works, and every session was ended.",
        f"They tell you the new one, to sign in with: {_sign_in_url()}.",
    )


def _sign_in_url() -> str:
    return f"{settings.KEYWAY_PUBLIC_URL}{reverse('workspaces:login')}"


_DONE_TO_MEMBER: dict[str, Callable[[AuditEvent], tuple[str, str, str]]] = {
    audit.Factors.RESET: _reset,
    audit.Superusers.PASSWORD_SET: _password,
}
