"""A page as a person reads it."""

from __future__ import annotations

import re
from html import unescape

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")


def text_of(answer: object) -> str:
    """Return the words of an answer, streamed or not."""
    content = unescape(b"".join(answer).decode())  # type: ignore[call-overload]
    return _SPACE.sub(" ", _TAG.sub(" ", content))


def read(client: Client, path: str, status: int = 200) -> str:
    """Return the words of a page."""
    answer = client.get(path)
    assert answer.status_code == status, answer
    return text_of(answer)


def query_count(client: Client, path: str) -> int:
    """Return how many queries a page takes when it is opened again."""
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)
