"""Lengths of time as people read them."""

from __future__ import annotations

from datetime import timedelta


def in_words(length: timedelta) -> str:
    """Return a length of time in its largest unit, such as `40 min`."""
    minutes = round(length.total_seconds() / 60)
    if minutes < 60:
        return f"{max(1, minutes)} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} d"
