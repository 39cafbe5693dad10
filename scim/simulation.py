"""Play an IdP's side of a conversation, as recorded in `conversations/`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jmespath

_FOLDER = Path(__file__).parent / "conversations"
DIALECTS = ("okta", "entra", "google", "canaille")
PARTS = ("joiner", "mover", "leaver")

Send = Callable[[str, str, dict[str, str], bytes | None], tuple[int, bytes]]
"""Sends method, path, headers and body; returns status and body."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the conversation is about."""

    user_name: str = "ann.lee@example.com"
    given: str = "Ann"
    family: str = "Lee"
    new_family: str = "Novak"
    group: str = "Engineering"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of the IdP and what came back."""

    say: str
    method: str
    path: str
    status: int
    expected: list[int]
    answer: Any

    @property
    def is_as_expected(self) -> bool:
        """Whether the IdP would go on."""
        return self.status in self.expected


def play(
    dialect: str, parts: list[str], person: Person, send: Send
) -> Iterator[Exchange]:
    """Play the parts in order. Stops after an answer that the IdP cannot use."""
    recorded = json.loads((_FOLDER / f"{dialect}.json").read_text(encoding="utf-8"))
    values = {
        "user_name": person.user_name,
        "given": person.given,
        "family": person.family,
        "new_family": person.new_family,
        "group": person.group,
        "external_id": str(uuid.uuid5(uuid.NAMESPACE_URL, person.user_name)),
        "random": str(uuid.uuid4()),
    }
    headers = {
        "User-Agent": recorded["user_agent"],
        "Content-Type": recorded["content_type"],
        "Accept": "application/scim+json",
    }
    steps = [step for part in parts for step in recorded[part]]
    for step in steps:
        if values.get(step.get("unless", "")):
            continue
        body = step.get("body")
        quoted = {name: quote(value, safe="") for name, value in values.items()}
        path = str(_filled(step["path"], quoted))
        status, content = send(
            step["method"],
            path,
            headers,
            json.dumps(_filled(body, values)).encode() if body else None,
        )
        answer = json.loads(content) if content else None
        exchange = Exchange(
            step["say"], step["method"], path, status, step["expect"], answer
        )
        yield exchange
        if not exchange.is_as_expected:
            return
        for name, expression in step.get("save", {}).items():
            values[name] = jmespath.search(expression, answer) or ""


def _filled(value: Any, values: dict[str, str]) -> Any:
    """Put the values into every `{name}` of a recorded step."""
    if isinstance(value, dict):
        return {name: _filled(member, values) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if isinstance(value, str):
        for name, filling in values.items():
            value = value.replace(f"{{{name}}}", filling)
    return value
