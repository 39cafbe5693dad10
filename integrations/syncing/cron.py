"""When to sync: cron expressions of five fields, read in UTC.

An expression is minute, hour, day of month, month and day of week, as cron has them;
the empty one is never.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError
from cronsim.explain import explain

NEVER = ""
EXAMPLE = "30 5 * * 1-5"
LONGEST = 100
"""Characters of an expression."""

CLOSEST = 15
"""Minutes that have to lie between two syncs of a day."""

PRESETS = {
    NEVER: "Only when somebody presses Sync",
    "0 * * * *": "Every hour",
    "0 */6 * * *": "Every 6 hours",
    "0 2 * * *": "Every night at 02:00 UTC",
    "0 2 * * 0": "Every week, Sunday at 02:00 UTC",
}
"""The expressions that a form offers, in words."""

_FIELDS = "minute, hour, day of month, month, day of week"


class BadExpression(ValueError):
    """No such expression, or one that nobody should sync by; the text says why."""


def check(expression: str) -> str:
    """Return the expression in one spelling. Raises BadExpression."""
    written = " ".join(expression.upper().split())
    if written == NEVER:
        return NEVER
    if len(written) > LONGEST or len(written.split()) != len(_FIELDS.split(", ")):
        raise BadExpression(f"Enter five fields ({_FIELDS}), such as {EXAMPLE}.")
    try:
        clock = CronSim(written, datetime(2000, 1, 1))  # noqa: DTZ001  any day will do
    except CronSimError as error:
        raise BadExpression(
            f"{error}. Enter {_FIELDS}, such as {EXAMPLE} for 05:30 on working days."
        ) from None
    if _closest(clock.hours, clock.minutes) < CLOSEST:
        raise BadExpression(
            f"This syncs more often than every {CLOSEST} minutes, which is hard on the "
            f"app. Enter times further apart, such as */{CLOSEST} * * * *."
        )
    if next(clock, None) is None:
        raise BadExpression(f"No day is like this. Enter {_FIELDS}, such as {EXAMPLE}.")
    return written


def _closest(hours: set[int], minutes: set[int]) -> int:
    """Return the fewest minutes between two times of a day, or around midnight."""
    times = sorted(60 * hour + minute for hour in hours for minute in minutes)
    return min(b - a for a, b in pairwise([*times, times[0] + 24 * 60]))


def in_words(expression: str) -> str:
    """Return a checked expression in words, such as "At 05:30 every day, UTC"."""
    return PRESETS.get(expression) or f"{explain(expression)}, UTC"


def times(expression: str, *, after: datetime) -> tuple[datetime | None, ...]:
    """Return the next time and the one after it; None where there is none."""
    if expression == NEVER:
        return None, None
    found = islice(CronSim(expression, after), 2)
    return (*found, None, None)[:2]
