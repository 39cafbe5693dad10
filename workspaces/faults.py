"""Places by name where a test of reliability may end this very process.

In a running product nothing is put here and `fault` does nothing: the hook can be
set by code only (see `tests.faults.launch`), not from outside.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS = (
    "scim.before_commit",
    "scim.after_commit",
    "job.claimed",
    "app.before_change",
    "app.after_call",
    "job.before_end",
    "job.ended",
    "sync.batch_saved",
)
"""In the order in which a write comes by them; the last one is a sync's."""

hook: Callable[[str], None] | None = None


def fault(point: str) -> None:
    """Say that this point was reached."""
    if hook is not None:
        hook(point)
