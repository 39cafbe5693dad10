"""Put the figures of a run between the marks of docs/reference/reliability.md."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.verdict import Verdict

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/reliability.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
_HEAD = """\
| experiment | requests sent | acknowledged | lost | doubled | p95 | longest pause | drained in | killed |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def write(about: dict[str, str], verdicts: Sequence[Verdict], *, seed: int) -> None:
    """Replace the figures by those of this run. `about` says what an experiment is."""
    rows = "\n".join(_row(verdict, about[verdict.name]) for verdict in verdicts)
    when = time.strftime("%Y-%m-%d", time.gmtime())
    said = (
        f"Run of {when} with `make faults f=--write`, seed {seed}, on {os.cpu_count()}"
        " cores that did other work too:\n\n"
    )
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{said}{_HEAD}{rows}\n{END}{after}")


def _row(verdict: Verdict, about: str) -> str:
    label = f"control: {about}" if verdict.shows else about
    figures = (
        f"{verdict.sent:,}",
        f"{verdict.acked:,}",
        _count(verdict.lost, is_control=bool(verdict.shows)),
        _count(verdict.doubled, is_control=bool(verdict.shows)),
        f"{verdict.p95:.2f} s",
        f"{verdict.pause:.1f} s",
        f"{verdict.drained:.0f} s",
        verdict.kills.replace("database", "PostgreSQL"),
    )
    return f"| {label} | {' | '.join(figures)} |"


def _count(found: list[str], *, is_control: bool) -> str:
    return f"**{len(found)}**" if is_control and found else str(len(found))
