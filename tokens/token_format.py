"""Tell a Keyway token from other text. Copy this file: it needs nothing else.

    kw<kind>_<key:12><secret:43><check:6>

The check is the CRC-32 of all before it, in base62 with six digits, so that a chance
find is told from a token without asking anybody.
"""

from __future__ import annotations

import re
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECK_LENGTH = 6
PATTERN = re.compile(r"kw([gdaso])_([0-9A-Za-z]{12})([0-9A-Za-z]{43})([0-9A-Za-z]{6})")


def is_token(text: str) -> bool:
    """Say whether the text is a token as Keyway makes them, by its shape and check."""
    if PATTERN.fullmatch(text) is None:
        return False
    return check_of(text[:-CHECK_LENGTH]) == text[-CHECK_LENGTH:]


def check_of(body: str) -> str:
    """Return the check of a token, given all that stands before it."""
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(CHECK_LENGTH):
        number, remainder = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[remainder])
    return "".join(reversed(digits))
