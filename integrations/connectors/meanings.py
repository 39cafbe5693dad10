"""What the status of an answer means, and which error it becomes."""

from __future__ import annotations

import email.utils
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

from integrations.connectors import failures
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.client import Answer
from integrations.connectors.expressions import Expression, ExpressionFailed
from integrations.connectors.failures import AccountGone
from integrations.desired import JSON

_LONGEST_WAIT = timedelta(hours=1)


class ChangedMeanwhile(TemporaryFailure):
    """Somebody changed the account between reading it and changing it."""


class Meaning(StrEnum):
    """What an answer can mean, in the words of a manifest."""

    FINE = "fine"
    GONE = "gone"
    DUPLICATE = "duplicate"
    CHANGED = "changed"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    INVALID = "invalid"
    RATE = "rate"
    TEMPORARY = "temporary"


_DEFAULTS = {
    400: Meaning.INVALID,
    401: Meaning.REFUSED,
    403: Meaning.FORBIDDEN,
    404: Meaning.GONE,
    408: Meaning.TEMPORARY,
    409: Meaning.DUPLICATE,
    410: Meaning.GONE,
    412: Meaning.CHANGED,
    425: Meaning.TEMPORARY,
    429: Meaning.RATE,
}


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """Answers of one app that mean something else than their status says."""

    statuses: tuple[int, ...]
    contains: str
    when: Expression | None
    means: Meaning

    def applies(self, answer: Answer) -> bool:
        """Return whether the answer is of this kind."""
        if answer.status not in self.statuses:
            return False
        if self.contains.encode() not in answer.body:
            return False
        if self.when is None:
            return True
        try:
            return self.when.evaluate(document_of(answer)) is True
        except ExpressionFailed:
            return False


def meaning_of(answer: Answer, rules: tuple[ErrorRule, ...]) -> Meaning:
    """Return what an answer means: the first rule that applies, or its status."""
    for rule in rules:
        if rule.applies(answer):
            return rule.means
    if answer.status < HTTPStatus.BAD_REQUEST:
        return Meaning.FINE
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Meaning.TEMPORARY
    return _DEFAULTS.get(answer.status, Meaning.INVALID)


def error_for(
    meaning: Meaning,
    answer: Answer,
    *,
    said: str = "",
    credentials: str = failures.LOGIN_WORDS,
) -> ConnectorError:
    """Return the error that an answer becomes. `said` is the app's own sentence.

    `credentials` are what the service account logs in with.
    """
    match meaning:
        case Meaning.REFUSED:
            return Misconfigured(failures.refusal(credentials))
        case Meaning.FORBIDDEN:
            return Misconfigured(failures.FORBIDDEN)
        case Meaning.GONE:
            return AccountGone(failures.GONE)
        case Meaning.DUPLICATE:
            return PermanentFailure(failures.TAKEN)
        case Meaning.CHANGED:
            return ChangedMeanwhile(
                "The account was changed in the app at the same moment. Keyway tries "
                "again."
            )
        case Meaning.RATE:
            return TemporaryFailure(
                "The app asks Keyway to slow down.", retry_after=retry_after(answer)
            )
        case Meaning.TEMPORARY:
            return TemporaryFailure(failures.FAILED, retry_after=retry_after(answer))
    return failures.refuses(said)


def retry_after(answer: Answer) -> timedelta | None:
    """Return how long the app wants to be left alone, an hour at most.

    RFC 9110 section 10.2.3: seconds, or a date.
    """
    text = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text):
        wait = timedelta(seconds=float(text))
    else:
        try:
            until = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        wait = timedelta(seconds=until.timestamp() - time.time())
    return min(max(wait, timedelta(0)), _LONGEST_WAIT)


def document_of(answer: Answer) -> JSON:
    """Return the answer's JSON, or null if it is none."""
    try:
        return answer.json()
    except TemporaryFailure:
        return None
