"""Put the figures of a run between the marks of docs/reference/reliability.md."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from tests.faults.page import PAGE
from tests.image.clients import Step

BEGIN, END = "<!-- containers -->", "<!-- end of containers -->"
_HEAD = """\
| meanwhile | seconds | requests | failed | longest |
| --- | ---: | ---: | ---: | ---: |
"""


def write(steps: Sequence[Step], facts: Sequence[str]) -> None:
    """Replace the figures by those of this run."""
    when = time.strftime("%Y-%m-%d", time.gmtime())
    said = (
        f"Run of {when} with `make image i=--write`, on {os.cpu_count()} cores that did"
        f" other work too. {' '.join(facts)}\n\n"
    )
    rows = "\n".join(map(row, steps))
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{said}{_HEAD}{rows}\n{END}{after}")


def row(step: Step) -> str:
    """Return a line of the table."""
    control, failed = "", str(len(step.failed))
    if step.is_control:
        control, failed = "control: ", f"**{failed}**"
    return (
        f"| {control}{step.what} | {step.seconds:.0f} | {step.requests:,} | {failed}"
        f" | {step.longest:.1f} s |"
    )
