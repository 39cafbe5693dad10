"""The functions that a manifest has besides those of JMESPath.

* `with(list, value)`: the list, and the value if it was not in it
* `without(list, value)`: the list without the value
* `where(list, &expression, value)`: the entries for which the expression has the value
* `pairs(list, list)`: each entry of the one with each entry of the other
* `split(text, separator)`: the parts of a text, without blanks around them
* `lower(text)`: the text in lower case, for apps that take both for one
* `basic(username, password)`: the value of a header `Authorization` for HTTP Basic
* `rison(value)`: the value as Rison, the notation of queries in some apps
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Protocol

from jmespath.functions import Functions, signature

from integrations.desired import JSON

_MOST_PAIRS = 10_000


def basic_credentials(username: str, password: str) -> str:
    """Return user name and password as RFC 7617 section 2 sends them."""
    return b64encode(f"{username}:{password}".encode()).decode()


class _Reference(Protocol):
    """What JMESPath hands over for `&expression`."""

    expression: object

    def visit(self, node: object, value: JSON) -> JSON:
        """Work it out on a value."""


class ManifestFunctions(Functions):
    """JMESPath's functions and ours, by name."""

    @signature({"types": ["array"]}, {"types": []})
    def _func_with(self, items: list[JSON], value: JSON) -> list[JSON]:
        return items if value in items else [*items, value]

    @signature({"types": ["array"]}, {"types": []})
    def _func_without(self, items: list[JSON], value: JSON) -> list[JSON]:
        return [item for item in items if item != value]

    @signature({"types": ["array"]}, {"types": ["expref"]}, {"types": []})
    def _func_where(
        self, items: list[JSON], reference: _Reference, value: JSON
    ) -> list[JSON]:
        return [
            item
            for item in items
            if reference.visit(reference.expression, item) == value
        ]

    @signature({"types": ["array"]}, {"types": ["array"]})
    def _func_pairs(self, first: list[JSON], second: list[JSON]) -> list[JSON]:
        if len(first) * len(second) > _MOST_PAIRS:
            raise ValueError("There are too many pairs.")
        return [[one, other] for one in first for other in second]

    @signature({"types": ["string"]}, {"types": ["string"]})
    def _func_split(self, text: str, separator: str) -> list[str]:
        return [part.strip() for part in text.split(separator) if part.strip()]

    @signature({"types": ["string"]})
    def _func_lower(self, text: str) -> str:
        return text.lower()

    @signature({"types": ["string"]}, {"types": ["string"]})
    def _func_basic(self, username: str, password: str) -> str:
        return f"Basic {basic_credentials(username, password)}"

    @signature({"types": []})
    def _func_rison(self, value: JSON) -> str:
        return _rison(value)


def _rison(value: JSON) -> str:
    match value:
        case dict():
            pairs = (f"{_rison(key)}:{_rison(item)}" for key, item in value.items())
            return f"({','.join(pairs)})"
        case list():
            return f"!({','.join(map(_rison, value))})"
        case None | True | False:
            return {None: "!n", True: "!t", False: "!f"}[value]
        case str():
            return "'" + value.replace("!", "!!").replace("'", "!'") + "'"
    return json.dumps(value)
