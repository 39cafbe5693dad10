"""What an app says, made fit to be shown to an admin."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from integrations.desired import JSON

HIDDEN = "[hidden]"

_LONGEST_TEXT = 200
_LONGEST_INPUT = 4000
_DEEPEST = 12
_SHORTEST_SECRET = 4
_SECRET_NAME = re.compile(
    r"api_?key|authorization|cookie|credential|csrf|hash|passw|private_?key|pwd"
    r"|secret|session|token",
    re.IGNORECASE,
)
_SECRET_PAIR = re.compile(
    rf"""(["']?[\w-]*(?:{_SECRET_NAME.pattern})[\w-]*["']?\s*[:=]\s*)"""
    r"""("[^"]*"|'[^']*'|[^\s,;&}]+)""",
    re.IGNORECASE,
)
_LONG_RANDOM = re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])[\w.+/-]{32,}")


def redact(value: JSON, *, depth: int = _DEEPEST) -> JSON:
    """Return a copy in which whatever stands under a secret's name is hidden."""
    if depth == 0:
        return HIDDEN
    if isinstance(value, dict):
        return {
            key: HIDDEN if _SECRET_NAME.search(key) else redact(item, depth=depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redact(item, depth=depth - 1) for item in value]
    return value


def redact_text(words: JSON, *, secrets: Iterable[str] = ()) -> str:
    """Return one short line without `secrets` and without what looks like one."""
    if words is None:
        return ""
    text = words if isinstance(words, str) else json.dumps(redact(words))
    text = text[:_LONGEST_INPUT]
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    text = _SECRET_PAIR.sub(rf"\1{HIDDEN}", text)
    text = _LONG_RANDOM.sub(HIDDEN, text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
