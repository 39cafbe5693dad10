"""Write a calendar as RFC 5545 has it. No tables and no settings here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

MEDIA_TYPE = "text/calendar; charset=utf-8"
LINE_OCTETS = 75
_ESCAPES = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at one moment. `uid` stays the same while it moves."""

    uid: str
    at: datetime
    summary: str
    description: str
    url: str


def calendar(name: str, events: Iterable[Event], *, now: datetime) -> bytes:
    """Return a calendar that is published anew at `now`. RFC 5545 section 3.4."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Keyway//Tokens//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(name)}",
        # RFC 7986 section 5.7: how often it is worth to look again.
        "REFRESH-INTERVAL;VALUE=DURATION:PT12H",
        "X-PUBLISHED-TTL:PT12H",
    ]
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{escaped(event.uid)}",
            f"DTSTAMP:{_utc(now)}",
            f"DTSTART:{_utc(event.at)}",
            f"SUMMARY:{escaped(event.summary)}",
            f"DESCRIPTION:{escaped(event.description)}",
            f"URL:{event.url}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(folded(line) for line in lines)


def escaped(text: str) -> str:
    """Return a TEXT value: what would end it is escaped, other controls are blanks.

    RFC 5545 section 3.3.11.
    """
    plain = "\n".join(text.splitlines())
    return "".join(
        _ESCAPES.get(letter) or (letter if letter.isprintable() else " ")
        for letter in plain
    )


def folded(line: str) -> bytes:
    """Return a content line in pieces of at most 75 octets, no letter cut in two.

    RFC 5545 section 3.1: each further piece begins with a blank.
    """
    pieces, piece = [], b""
    for letter in line:
        octets = letter.encode()
        if len(piece) + len(octets) > LINE_OCTETS:
            pieces.append(piece)
            piece = b" "
        piece += octets
    return b"\r\n".join([*pieces, piece]) + b"\r\n"


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
