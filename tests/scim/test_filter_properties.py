"""Any filter over any data finds what plain Python finds.

Filters are made as trees that know their text and what they mean; the service
answers from SQL. Values are few and alike, so that they meet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from scim.protocol.user_schema import urn_of
from tests.conftest import JSON, ScimClient
from tests.scim.urns import ENTERPRISE, USER
from workspaces.models import Directory

OWN = "urn:own"
"""Stands for the URN of the directory's own extension until it is known."""

OWN_ATTRIBUTES: list[JSON] = [
    {"name": "code", "caseExact": True},
    {"name": "level", "type": "integer"},
    {"name": "rate", "type": "decimal"},
    {"name": "vip", "type": "boolean"},
    {"name": "since", "type": "dateTime"},
    {"name": "tags", "multiValued": True},
]
TEXTS = [
    "a",
    "A",
    "ab",
    "Ab b",
    "b",
    "é",
    "e\u0301",
    "É",
    "a_b",
    "a%b",
    'q"\\',
    "'",
    "0",
]
TIMES = ["2024-01-01T00:00:00Z", "2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00.5Z"]
NUMBERS = [0, 1, 2, 10, -1]
RATES = [0.5, 1.0, 1, 1.25, -3]


class Kind(NamedTuple):
    """What values of a type are, how they compare, and with which operators."""

    values: list[Any]
    key: Callable[[Any], Any]
    operators: str


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_ORDER = "eq ne gt ge lt le"
TEXT = Kind(TEXTS, folded, f"{_ORDER} co sw ew")
EXACT = Kind(TEXTS, composed, f"{_ORDER} co sw ew")
URI = Kind(["https://x.test/A", "https://x.test/a"], composed, "eq ne co sw ew")
BOOLEAN = Kind([True, False], bool, "eq ne")
INTEGER = Kind(NUMBERS, lambda number: number, _ORDER)
DECIMAL = Kind(RATES, lambda number: number, _ORDER)
TIME = Kind(TIMES, moment, _ORDER)

SINGLE: dict[str, Kind] = {
    "title": TEXT,
    "displayName": TEXT,
    "externalId": EXACT,
    "active": BOOLEAN,
    "profileUrl": URI,
    "name.familyName": TEXT,
    "name.givenName": TEXT,
    f"{ENTERPRISE}:department": TEXT,
    f"{ENTERPRISE}:manager.value": EXACT,
    f"{OWN}:code": EXACT,
    f"{OWN}:level": INTEGER,
    f"{OWN}:rate": DECIMAL,
    f"{OWN}:vip": BOOLEAN,
    f"{OWN}:since": TIME,
}
LISTS: dict[str, dict[str, Kind]] = {
    "emails": {"value": TEXT, "type": TEXT, "primary": BOOLEAN},
    "phoneNumbers": {"value": TEXT, "type": TEXT},
    "addresses": {"locality": TEXT, "country": TEXT, "type": TEXT},
    "roles": {"value": TEXT, "display": TEXT},
}
TAGS = f"{OWN}:tags"


def steps(path: str) -> list[str]:
    """Split a path into the keys along it."""
    if ":" not in path:
        return path.split(".")
    urn, _, rest = path.rpartition(":")
    # The version of a URN has a dot, its last part has not.
    return [urn, *rest.split(".")]


class Node(NamedTuple):
    """A filter: its text, and whether it holds for a document."""

    text: str
    holds: Callable[[JSON], bool]
    binds: int = 3
    """1 for `or`, 2 for `and`, 3 for what needs no brackets."""


def found(document: JSON, path: str) -> list[Any]:
    """Return the values at a path, of every element of a list."""
    values: list[Any] = [document]
    for key in steps(path):
        inner = [value[key] for value in values if key in value]
        values = [i for v in inner for i in (v if isinstance(v, list) else [v])]
    return values


def compared(kind: Kind, operator: str, left: Any, right: Any) -> bool:
    a, b = kind.key(left), kind.key(right)
    return {
        "eq": lambda: a == b,
        "gt": lambda: a > b,
        "ge": lambda: a >= b,
        "lt": lambda: a < b,
        "le": lambda: a <= b,
        "co": lambda: b in a,
        "sw": lambda: a.startswith(b),
        "ew": lambda: a.endswith(b),
    }[operator]()


def literal(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return {None: "null"}.get(value, str(value).lower())


@st.composite
def leaves(draw: Any, attributes: dict[str, Kind], *, spelled: bool = True) -> Node:
    """Draw a comparison or `pr` over some attributes."""
    path = draw(st.sampled_from(sorted(attributes)))
    kind = attributes[path]
    name = path
    if spelled and ":" not in path and draw(st.booleans()):
        name = f"{USER}:{path}" if path != "externalId" else path
    name = draw(st.sampled_from([name, name.upper() if ":" not in name else name]))
    operator = draw(st.sampled_from([*kind.operators.split(), "pr", "null"]))
    shown = operator.upper() if draw(st.booleans()) else operator
    if operator == "pr":
        return Node(f"{name} {shown}", lambda d: bool(found(d, path)))
    if operator == "null":
        return Node(f"{name} eq null", lambda d: not found(d, path))
    value = draw(st.sampled_from(kind.values))
    part = value[: draw(st.integers(1, 2))] if operator in {"co", "sw", "ew"} else value
    wanted = "eq" if operator == "ne" else operator
    # A list without a sub-attribute is compared by its `value`.
    read = f"{path}.value" if path in LISTS else path

    def holds(document: JSON) -> bool:
        any_holds = any(compared(kind, wanted, v, part) for v in found(document, read))
        return any_holds != (operator == "ne")

    return Node(f"{name} {shown} {literal(part)}", holds)


@st.composite
def value_paths(draw: Any) -> Node:
    """Draw `emails[…]`: one value must fulfil the whole inner filter."""
    name = draw(st.sampled_from(sorted(LISTS)))
    inner = draw(trees(leaves(LISTS[name], spelled=False), size=3))
    return Node(
        f"{name}[{inner.text}]",
        lambda d: any(inner.holds(element) for element in d.get(name, [])),
    )


def trees(leaf: SearchStrategy[Node], size: int) -> SearchStrategy[Node]:
    """Return filters of several comparisons, with no more brackets than needed."""

    def bracketed(node: Node, binds: int) -> str:
        return node.text if node.binds >= binds else f"({node.text})"

    def negated(node: Node) -> Node:
        return Node(f"not ({node.text})", lambda d: not node.holds(d))

    def both(a: Node, b: Node) -> Node:
        text = f"{bracketed(a, 2)} and {bracketed(b, 2)}"
        return Node(text, lambda d: a.holds(d) and b.holds(d), 2)

    def either(a: Node, b: Node) -> Node:
        return Node(f"{a.text} or {b.text}", lambda d: a.holds(d) or b.holds(d), 1)

    return st.recursive(
        leaf,
        lambda part: st.one_of(
            part.map(negated),
            st.builds(both, part, part),
            st.builds(either, part, part),
        ),
        max_leaves=size,
    )


EVERY = {
    **SINGLE,
    TAGS: TEXT,
    **{name: subs["value"] for name, subs in LISTS.items() if "value" in subs},
    **{f"{name}.{sub}": kind for name, s in LISTS.items() for sub, kind in s.items()},
}


@st.composite
def documents(draw: Any) -> JSON:
    """Draw a user with some of the attributes."""
    document: JSON = {}
    for path in draw(st.lists(st.sampled_from(sorted(SINGLE)), unique=True)):
        place = document
        *outer, last = steps(path)
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = draw(st.sampled_from(SINGLE[path].values))
    for name in draw(st.lists(st.sampled_from(sorted(LISTS)), unique=True)):
        elements = st.fixed_dictionaries(
            {}, optional={s: st.sampled_from(k.values) for s, k in LISTS[name].items()}
        ).filter(bool)
        listed = draw(st.lists(elements, min_size=1, max_size=3))
        for element in listed[1:]:
            element.pop("primary", None)
        document[name] = [element for element in listed if element] or None
    if draw(st.booleans()):
        tags = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3))
        document.setdefault(OWN, {})["tags"] = tags
    # Whoever is created without it is active.
    document.setdefault("active", True)
    return {name: value for name, value in document.items() if value is not None}


def renamed(value: Any, urn: str) -> Any:
    """Put the URN of the directory's own extension in."""
    if isinstance(value, dict):
        return {k.replace(OWN, urn): renamed(v, urn) for k, v in value.items()}
    return value


@pytest.fixture
def urn(directory: Directory) -> str:
    directory.user_schema = {"attributes": OWN_ATTRIBUTES}
    directory.save()
    return urn_of(directory.key)


def test_filter_finds_what_plain_python_finds(urn: str, scim: ScimClient) -> None:
    sizes = set()

    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(documents(), min_size=2, max_size=4),
        st.lists(trees(leaves(EVERY) | value_paths(), size=5), min_size=8, max_size=8),
    )
    def each(population: list[JSON], filters: list[Node]) -> None:
        with transaction.atomic():
            for number, document in enumerate(population):
                # One externalId names one person.
                taken = [i for p in population[:number] for i in found(p, "externalId")]
                if composed(document.get("externalId", "")) in map(composed, taken):
                    del document["externalId"]
                body = renamed({**document, "userName": f"user-{number}"}, urn)
                answer = scim.post("/Users", body)
                assert answer.status == 201, (body, answer.text)
            for node in filters:
                text = node.text.replace(OWN, urn)
                answer = scim.get("/Users", filter=text, attributes="userName")
                assert answer.status == 200, (text, answer.text)
                names = {r["userName"] for r in answer.resources}
                assert names == {
                    f"user-{number}"
                    for number, document in enumerate(population)
                    if node.holds(document)
                }, (text, population)
                sizes.add(len(names))
            transaction.set_rollback(True)

    each()

    assert {0, 1, 2} <= sizes
