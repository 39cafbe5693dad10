"""Mails are sent by jobs: how one leaves, and what becomes of it if no server takes it."""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet

from workspaces import jobs
from workspaces.models import User

MAX_FAILURES = 8
"""How often the job of a mail is tried: a mail of last week helps nobody."""


def deliver(subject: str, text: str, people: QuerySet[User]) -> dict[str, int | str]:
    """Send one mail to people, who do not see each other; see `send`."""
    addresses = sorted(people.values_list("email", flat=True))
    if not addresses:
        return {"sent": 0, "note": "There is no other administrator."}
    return send(subject, text, addresses)


def send(subject: str, text: str, addresses: Sequence[str]) -> dict[str, int | str]:
    """Send one mail; return the result of the job that does.

    Several addresses are hidden from each other; a name that somebody typed cannot
    break the subject's line. Raises RetryLater if the mail server refuses it.
    """
    if settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend"):
        return {"sent": 0, "note": "No mail server is set: KEYWAY_EMAIL_URL."}
    to, bcc = (addresses, ()) if len(addresses) == 1 else ((), addresses)
    try:
        EmailMessage(" ".join(subject.split()), text, to=to, bcc=bcc).send()
    except (SMTPException, OSError) as error:
        raise jobs.RetryLater(
            f"The mail server did not take the mail ({type(error).__name__})."
        ) from error
    return {"sent": len(addresses)}
