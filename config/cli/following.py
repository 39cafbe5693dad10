"""Things that go on: a sync until it ends, the activity as it comes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from config.cli.api import Api, segment

EVERY_SECONDS = 2.0
ENDED = ("completed", "not_completed")
WAITS_FOR_A_PERSON = ("held", "paused")
_KEPT = 1000

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

    Begins with the `first` newest entries (1 to 200) that are there.
    """
    seen: dict[tuple[Any, ...], Row] = {}
    most = first
    while True:
        page = api.get("/v1/activity", limit="200")["data"]
        page.sort(key=lambda row: row["at"])
        rows = {tuple(row.values()): row for row in page}
        new = [row for key, row in rows.items() if key not in seen]
        yield from new[-most:]
        seen |= rows
        most = len(rows) or most
        # Only the newest page is asked for again.
        for old in list(seen)[:-_KEPT]:
            del seen[old]
        pause()


def pause() -> None:
    """Wait before asking again."""
    time.sleep(EVERY_SECONDS)


def _phase(job: Row) -> str:
    return str(job["progress"].get("phase") or job["state"].replace("_", " "))
