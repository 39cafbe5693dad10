"""Rings of numbered keys: all of them read, one of them is in use for what is new.

A key comes in two steps, so that no process meets a value that it cannot read: first
every process gets the ring with the former key marked, then the mark goes.
"""

from __future__ import annotations

from collections.abc import Mapping


class KeyRing(dict[int, bytes]):
    """Keys by number. `marked` is the one in use; without, it is the highest."""

    def __init__(self, keys: Mapping[int, bytes], *, marked: int | None) -> None:
        super().__init__(keys)
        self.marked = marked


def in_use(ring: Mapping[int, bytes]) -> int:
    """Return the number of the key for what is made from now on."""
    marked = ring.marked if isinstance(ring, KeyRing) else None
    return max(ring) if marked is None else marked


def in_order(ring: Mapping[int, bytes]) -> list[int]:
    """Return every number, that of the key in use first."""
    first = in_use(ring)
    return [first, *sorted(set(ring) - {first}, reverse=True)]
