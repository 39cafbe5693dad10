"""E-mails to administrators about OAuth clients and trust, sent by the worker."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import cast

from django.conf import settings
from django.db.models import Model

from tokens.holders import Holder, has_holder, holder_of
from tokens.models import AccessToken, ClientSecret, IdpTrust, OAuthClient
from tokens.notices import administrators
from workspaces import jobs
from workspaces.mailing import MAX_FAILURES, deliver
from workspaces.models import Job, User

JOB = "tokens.tell_of_oauth"
Target = OAuthClient | ClientSecret | AccessToken | IdpTrust


class Event(StrEnum):
    """What a mail tells of."""

    CLIENT_ADDED = "client_added"
    GENERATED = "generated"
    EXPIRES = "expires"
    LEAKED = "leaked"
    ACCESS_LEAKED = "access_leaked"
    TRUST_ADDED = "trust_added"


_MODELS: dict[Event, type[Target]] = {
    Event.CLIENT_ADDED: OAuthClient,
    Event.GENERATED: ClientSecret,
    Event.EXPIRES: ClientSecret,
    Event.LEAKED: ClientSecret,
    Event.ACCESS_LEAKED: AccessToken,
    Event.TRUST_ADDED: IdpTrust,
}
_SUBJECTS = {
    Event.CLIENT_ADDED: "{who} added an OAuth client to {holder}",
    Event.GENERATED: "{who} generated a client secret for {holder}",
    Event.EXPIRES: "A client secret of {holder} expires soon",
    Event.LEAKED: "A client secret of {holder} leaked and is revoked",
    Event.ACCESS_LEAKED: "An access token of {holder} leaked and is revoked",
    Event.TRUST_ADDED: "{who} lets an IdP sign its own tokens for {holder}",
}
_MEANT = "If nobody was meant to do this, open that page and revoke it."
_BODIES = {
    Event.CLIENT_ADDED: "{who} added the OAuth client {target} to {holder}. " + _MEANT,
    Event.GENERATED: "{who} generated the secret {target}. Both secrets of the "
    "client work until one is revoked. " + _MEANT,
    Event.EXPIRES: "The secret {target} expires on {end}. From then on "
    "{caller} gets no access token with it. Generate a second one, enter it there, "
    "then revoke the old one.",
    Event.LEAKED: "Somebody found the value of the secret {target} and handed "
    "it in. It is revoked, with the access tokens that were fetched with it. Generate "
    "a new one, enter it into {caller}, and find out where the old one was kept.",
    Event.ACCESS_LEAKED: "Somebody found the access token {target} and handed it "
    "in. It is revoked; {caller} fetches another one by itself. Find out where it was "
    "kept.",
    Event.TRUST_ADDED: "{who} added the trust {target}: JWTs that this IdP signs open "
    "{holder}. " + _MEANT,
}


def tell(
    target: Target,
    event: Event,
    *,
    actor: User | None,
    trigger: Job.Trigger = Job.Trigger.WEB,
    now: datetime,
) -> None:
    """Put a mail to the administrators other than `actor` off; none if alone."""
    workspace = target.directory.workspace
    if administrators(workspace, except_for=actor).exists():
        jobs.enqueue(
            JOB,
            workspace=workspace,
            subject=f"{event}:{target.key}",
            trigger=trigger,
            actor=actor,
            max_failures=MAX_FAILURES,
            now=now,
        )


def send(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    name, _, key = job.subject.partition(":")
    event = Event(name)
    target = _target(_MODELS[event], key, job)
    if target is None or not has_holder(target.directory):
        return {"sent": 0, "note": "What it tells of is gone."}
    holder = holder_of(target.directory)
    words = _words(target, holder, str(job.actor or "The command line"))
    # A name that somebody typed must not break out of the subject's line.
    subject = " ".join(_SUBJECTS[event].format(**words).split())
    lines = [
        _BODIES[event].format(**words),
        f"Workspace: {target.directory.workspace.name}",
        f"Page: {settings.KEYWAY_PUBLIC_URL}{holder.url}",
    ]
    people = administrators(target.directory.workspace, except_for=job.actor)
    return deliver(subject, "\n\n".join(lines) + "\n", people)


def _target(model: type[Model], key: str, job: Job) -> Target | None:
    rows = model._default_manager.select_related("directory__workspace")  # noqa: SLF001
    found = rows.filter(key=key, directory__workspace=job.workspace_id).first()
    return cast("Target | None", found)


def _words(target: Target, holder: Holder, who: str) -> dict[str, str]:
    ends_at = getattr(target, "expires_at", None)
    return {
        "who": who,
        "target": str(target),
        "holder": holder.name,
        "caller": holder.caller,
        "end": f"{ends_at:%d %b %Y, %H:%M} UTC" if ends_at else "",
    }
