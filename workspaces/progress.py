"""How far long work of a command is: told on a terminal, to no file and no pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

_DRAWN_TIMES = 200


def phase(what: str) -> None:
    """Name what begins, where nobody knows how long it takes."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{what} …\n")
        sys.stderr.flush()


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Draw a bar while the block lasts. What it yields takes how much more is done."""
    with click.progressbar(
        length=total,
        label=label,
        file=sys.stderr,
        hidden=not (total and sys.stderr.isatty()),
        update_min_steps=max(1, total // _DRAWN_TIMES),
    ) as drawn:
        yield drawn.update
        drawn.pos = total
        drawn.render_progress()


class Watched:
    """A file that tells how much of it is read."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None]) -> None:
        self._file = file
        self._told = told

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end."""
        chunk = self._file.read(size)
        self._told(len(chunk))
        return chunk


@contextmanager
def reading(path: Path, label: str) -> Iterator[Watched]:
    """Open a file for reading, with a bar for its bytes."""
    with path.open("rb") as file, bar(label, path.stat().st_size) as told:
        yield Watched(file, told)
