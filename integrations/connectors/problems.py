"""What is wrong in a manifest, for the person who wrote it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: `http.calls.check.path`."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"
