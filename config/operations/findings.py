"""What a look at a deployment finds: one line for one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what would mend it. Holds no secret."""

    name: str
    level: Level
    message: str
    fix: str = ""


def ok(name: str, message: str) -> Finding:
    """Return a finding that needs nobody."""
    return Finding(name, Level.OK, message)


def warning(name: str, message: str, fix: str) -> Finding:
    """Return a finding that somebody should look at; the service goes on."""
    return Finding(name, Level.WARNING, message, fix)


def failed(name: str, message: str, fix: str) -> Finding:
    """Return a finding that keeps the service, or a part of it, from working."""
    return Finding(name, Level.FAILED, message, fix)
