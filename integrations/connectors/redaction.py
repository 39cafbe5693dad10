"""What is said to an app and what it says, made fit to be shown to an admin."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import quote

from integrations.desired import JSON

HIDDEN = "[hidden]"

_LONGEST_TEXT = 200
_LONGEST_INPUT = 4000
_LONGEST_BODY = 4000
_LONGEST_ANSWER = 2000
_LONGEST_PATH = 500
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
_NAMING = ("name", "key", "path", "field")
"""Members of `{"name": "password", "value": "…"}` that may name a secret."""


def redact(
    value: JSON, *, secrets: Collection[str] = (), depth: int = _DEEPEST
) -> JSON:
    """Return a copy without `secrets` and without what stands under such a name."""
    if depth == 0:
        return HIDDEN
    if isinstance(value, dict):
        hides = any(_is_secret(value.get(name)) for name in _NAMING)
        return {
            key: HIDDEN
            if _is_secret(key) or (hides and key.lower() == "value")
            else redact(item, secrets=secrets, depth=depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redact(item, secrets=secrets, depth=depth - 1) for item in value]
    if isinstance(value, str):
        return _without(value, secrets)
    return value if isinstance(value, bool) or str(value) not in secrets else HIDDEN


def redact_text(
    words: JSON, *, secrets: Iterable[str] = (), longest: int = _LONGEST_TEXT
) -> str:
    """Return one short line without `secrets` and without what looks like one."""
    if words is None:
        return ""
    known = list(secrets)
    if not isinstance(words, str):
        words = json.dumps(redact(words, secrets=known), ensure_ascii=False)
    # Before anything is cut, or half a secret would stay at the edge.
    text = _without(words, known)[:_LONGEST_INPUT]
    text = _SECRET_PAIR.sub(rf"\1{HIDDEN}", text)
    text = _LONG_RANDOM.sub(HIDDEN, text)
    text = " ".join(_printable(text).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def redact_body(body: JSON, *, secrets: Iterable[str] = ()) -> str:
    """Return what is sent as JSON without secrets, empty if nothing is sent."""
    if body is None:
        return ""
    text = json.dumps(redact(body, secrets=list(secrets)), ensure_ascii=False)
    text = _printable(text)
    return text if len(text) <= _LONGEST_BODY else f"{text[: _LONGEST_BODY - 1]}…"


def redact_answer(body: bytes, *, secrets: Iterable[str] = ()) -> str:
    """Return one line of what an app answered, JSON or not, without secrets."""
    text = body.decode(errors="replace")
    try:
        words: JSON = json.loads(text)
    except (ValueError, RecursionError):
        words = text
    return redact_text(words, secrets=secrets, longest=_LONGEST_ANSWER)


def redact_path(
    path: str, query: Mapping[str, str] | None = None, *, secrets: Iterable[str] = ()
) -> str:
    """Return an encoded path and its query, which is decoded, without secrets."""
    known = list(secrets)
    shown = _without(path, [*known, *(quote(secret, safe="") for secret in known)])
    values = (
        f"{name}={HIDDEN if _is_secret(name) else _shown_value(value, known)}"
        for name, value in (query or {}).items()
    )
    text = _printable("?".join(filter(None, (shown, "&".join(values)))))
    return text if len(text) <= _LONGEST_PATH else f"{text[: _LONGEST_PATH - 1]}…"


def _shown_value(value: str, secrets: list[str]) -> str:
    return _LONG_RANDOM.sub(HIDDEN, _without(value, secrets))


def _is_secret(name: JSON) -> bool:
    return isinstance(name, str) and _SECRET_NAME.search(name) is not None


def _without(text: str, secrets: Iterable[str]) -> str:
    """Hide secrets; one that is shorter than any word, where it stands alone."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET or text == secret:
            text = text.replace(secret, HIDDEN)
    return text


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
