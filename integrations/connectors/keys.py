"""Keys and names as an app gives them, of whatever kind."""

from __future__ import annotations

from integrations.connectors.base import PermanentFailure
from integrations.connectors.failures import UNEXPECTED
from integrations.desired import JSON

_LONGEST_KEY = 255


def read_key(value: JSON) -> str:
    """Return a key or name as text: never empty, never longer than 255."""
    text = read_text(value)
    if not text or len(text) > _LONGEST_KEY:
        raise PermanentFailure(UNEXPECTED)
    return text


def read_text(value: JSON) -> str:
    """Return a text or a whole number as text, nothing as an empty one."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise PermanentFailure(UNEXPECTED)
    return str(value)
