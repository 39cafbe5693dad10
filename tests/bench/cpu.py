"""CPU time of process trees and of the machine, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def of_trees(roots: list[int]) -> float:
    """Return the CPU seconds of the trees below `roots`, ended children too."""
    children: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        columns = stat[stat.rindex(")") + 2 :].split()
        pid = int(folder.name)
        children.setdefault(int(columns[1]), []).append(pid)
        seconds[pid] = sum(map(int, columns[11:15])) / TICKS
    total, open_, seen = 0.0, list(roots), set()
    while open_:
        pid = open_.pop()
        if pid not in seen:
            seen.add(pid)
            total += seconds.get(pid, 0.0)
            open_ += children.get(pid, [])
    return total


def of_machine() -> float:
    """Return the CPU seconds that the whole machine has been busy."""
    columns = (PROC / "stat").read_text().partition("\n")[0].split()[1:]
    user, nice, system, _idle, _wait, *rest = map(int, columns[:8])
    return (user + nice + system + sum(rest)) / TICKS


def of_this_process() -> float:
    return sum(os.times()[:4])
