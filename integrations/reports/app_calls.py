"""The calls that Keyway made to an app, and the steps that they were made for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q, QuerySet

from integrations.models import AppCall, Screenshot
from workspaces.models import Job

MOST = 500
"""Calls that are read at once at most."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was changed in the app, in words, and whether each call for it worked."""

    words: str
    succeeded: bool


def of_last_attempts(jobs: Iterable[Job]) -> dict[int, list[AppCall]]:
    """Return the calls of the last attempt of each job, by its key. One query."""
    last = [Q(job=job.pk, attempt=job.attempt) for job in jobs]
    found: dict[int, list[AppCall]] = defaultdict(list)
    if last:
        calls = AppCall.objects.filter(reduce(or_, last)).order_by("id")
        for call in _with_pictures(calls)[:MOST]:
            found[call.job_id or 0].append(call)
    return found


def of_attempt(job: Job, attempt: int) -> QuerySet[AppCall]:
    """Return the calls of one attempt of a job, in their order."""
    return _with_pictures(AppCall.objects.filter(job=job, attempt=attempt)).order_by(
        "id"
    )


def steps(calls: Iterable[AppCall]) -> list[Step]:
    """Return the steps that changed the app, each with how it went."""
    found: dict[str, bool] = {}
    for call in calls:
        if call.is_change:
            found[call.act] = found.get(call.act, True) and not call.is_failure
    return [Step(words, succeeded) for words, succeeded in found.items()]


def steps_of(job: Job, attempt: int) -> list[Step]:
    """Return the steps of one attempt of a job, without reading what was sent."""
    made = AppCall.objects.filter(job=job, attempt=attempt, is_change=True)
    return steps(made.order_by("id").defer("request_body", "answer_body")[:MOST])


def _with_pictures(found: QuerySet[AppCall]) -> QuerySet[AppCall]:
    """Say of each call whether it has a picture, and leave the picture where it is."""
    pictures = Screenshot.objects.filter(call=OuterRef("pk"))
    return found.annotate(has_picture=Exists(pictures))
