"""Things that go on: a sync until it ends, the activity as it comes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import click

from config.cli.api import Api, segment

EVERY_SECONDS = 2.0
ENDED = ("completed", "not_completed")
WAITS_FOR_A_PERSON = ("held", "paused")
_ACTIVITY = "/v1/activity"
_PAGE = 200
_OVERLAP = 100
_KEPT = 1000
"""Entries of which it is known that they were shown: more than are looked at again."""

Row = dict[str, Any]


def until_over(api: Api, job: Row) -> Row:
    """Return a sync once it is over or waits for a person, with a bar on stderr."""
    with click.progressbar(
        length=1, label=_phase(job), file=sys.stderr, show_eta=False, show_pos=True
    ) as bar:
        while job["state"] not in (*ENDED, *WAITS_FOR_A_PERSON):
            pause()
            job = api.get(f"/v1/jobs/{segment(job['id'])}")
            done = job["progress"].get("done", 0)
            bar.label = _phase(job)
            bar.pos, bar.length = done, job["progress"].get("total", max(1, done))
            bar.render_progress()
    return job


def until_tried(api: Api, webhook: str, sent: Row) -> Row:
    """Return a delivery once its first attempt is over. `webhook` is its path."""
    while sent["state"] == "waiting" and not sent["attempts"]:
        pause()
        sent = api.get(f"{webhook}/deliveries/{segment(sent['id'])}")
    return sent


def entries(api: Api, *, first: int) -> Iterator[Row]:
    """Yield the activity for ever, oldest first, asking again after each `pause`.

    Begins with the `first` newest entries (1 to 200) that are there. However many come
    between two looks, none is left out; one whose status changes comes again.
    """
    looked = by_time(islice(api.pages(_ACTIVITY), _PAGE))
    yield from looked[-first:]
    known = _statuses(looked)
    while True:
        pause()
        looked = by_time(_back_to(api, known))
        yield from (row for row in looked if known.get(row["id"]) != row["status"])
        known |= _statuses(looked)
        for old in list(known)[:-_KEPT]:
            del known[old]


def _back_to(api: Api, known: Mapping[str, str]) -> Iterator[Row]:
    """Yield the newest entries, back to some of those that are known.

    Some, not one: an entry can appear a moment late, between two that were there before.
    """
    met = 0
    for row in api.pages(_ACTIVITY):
        yield row
        met += row["id"] in known
        if met and met >= min(_OVERLAP, len(known)):
            return


def by_time(rows: Iterable[Row]) -> list[Row]:
    """Return entries oldest first. Their times have fractions only where they need any."""
    return sorted(rows, key=lambda row: datetime.fromisoformat(row["at"]))


def _statuses(rows: Iterable[Row]) -> dict[str, str]:
    return {row["id"]: row["status"] for row in rows}


def pause() -> None:
    """Wait before asking again."""
    time.sleep(EVERY_SECONDS)


def _phase(job: Row) -> str:
    return str(job["progress"].get("phase") or job["state"].replace("_", " "))
