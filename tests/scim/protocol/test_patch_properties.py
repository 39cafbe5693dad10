"""Any sequence of operations does what plain Python does: RFC 7644 section 3.5.2.

An operation is made together with what it means for a plain document.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from scim.protocol import documents
from scim.protocol.errors import InvalidValue, NoTarget, ScimError
from scim.protocol.schema import service_provider
from scim.protocol.tolerances import Normaliser
from tests.scim.urns import ENTERPRISE, USER

SCHEMA = service_provider().resource_types["User"]
JSON = dict[str, Any]
Change = Callable[[JSON], None]
"""Changes a document in place. Raises ScimError."""

SINGLE = ["title", "nickName", "displayName", "locale"]
NAMES = ["familyName", "givenName", "middleName"]
OWN = ["department", "costCenter", "employeeNumber"]
LISTS = {
    "emails": ["value", "type", "display"],
    "phoneNumbers": ["value", "type"],
    "addresses": ["type", "locality", "country"],
}
TEXTS = ["a", "A", "b", "ab", "work", "home"]
texts = st.sampled_from(TEXTS)
setting = st.sampled_from(["add", "replace", "Add", "Replace"])


class Operation(NamedTuple):
    """What is sent, and what it means."""

    sent: JSON
    change: Change


class Condition(NamedTuple):
    """A value filter, what it means, and what a value made for it holds.

    `makes` is None if the filter does not describe one value.
    """

    text: str
    holds: Callable[[JSON], bool]
    makes: JSON | None


def place_of(document: JSON, steps: list[str]) -> JSON:
    for step in steps:
        document = document.setdefault(step, {})
    return document


def put(document: JSON, steps: list[str], value: Any) -> None:
    """Set one value; nothing, as null or empty text, takes it away."""
    *outer, last = steps
    place = place_of(document, outer)
    if value in (None, ""):
        place.pop(last, None)
    else:
        place[last] = value
    for depth in range(len(outer), 0, -1):
        *before, name = outer[:depth]
        if not place_of(document, before)[name]:
            del place_of(document, before)[name]


def settle(held: list[JSON], chosen: list[JSON], written: JSON) -> None:
    """Leave one primary value: the one that was written last."""
    if written.get("primary") is not True:
        return
    if len(chosen) > 1:
        raise InvalidValue("Two values cannot be primary.")
    for other in held:
        if other is not chosen[0] and other.get("primary"):
            other["primary"] = False


def same(a: Any, b: Any) -> bool:
    return str(a).lower() == str(b).lower()


def alike(a: JSON, b: JSON) -> bool:
    """Say whether two values are one: no attribute here is caseExact."""
    return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)


@st.composite
def conditions(draw: Any, name: str) -> Condition:
    subs = LISTS[name]
    sub, other = draw(st.permutations(subs))[:2]
    value, more = draw(texts), draw(texts)
    kind = draw(st.sampled_from(["eq", "eq", "sw", "pr", "and", "or", "not"]))

    def equal(element: JSON) -> bool:
        return sub in element and same(element[sub], value)

    def more_equal(element: JSON) -> bool:
        return other in element and same(element[other], more)

    return {
        "eq": lambda: Condition(f'{sub} eq "{value}"', equal, {sub: value}),
        "sw": lambda: Condition(
            f'{sub} sw "{value}"',
            lambda e: str(e.get(sub, "")).lower().startswith(value.lower()),
            None,
        ),
        "pr": lambda: Condition(f"{sub} pr", lambda e: sub in e, None),
        "and": lambda: Condition(
            f'{sub} eq "{value}" and {other} eq "{more}"',
            lambda e: equal(e) and more_equal(e),
            {sub: value, other: more},
        ),
        "or": lambda: Condition(
            f'{sub} eq "{value}" or {other} eq "{more}"',
            lambda e: equal(e) or more_equal(e),
            None,
        ),
        "not": lambda: Condition(
            f'not ({sub} eq "{value}")', lambda e: not equal(e), None
        ),
    }[kind]()


def element(name: str) -> SearchStrategy[JSON]:
    optional: dict[str, SearchStrategy[Any]] = dict.fromkeys(LISTS[name], texts)
    if name == "emails":
        optional["primary"] = st.booleans()
    return st.fixed_dictionaries({}, optional=optional).filter(bool)


def elements(name: str) -> SearchStrategy[list[JSON]]:
    """Return lists without doubles, of which one value is primary at most."""
    return st.lists(element(name), min_size=1, max_size=3, unique_by=repr).filter(
        lambda values: sum(v.get("primary", False) for v in values) <= 1
    )


def spelled(path: str) -> SearchStrategy[str]:
    """Return ways to write the path of a core attribute."""
    return st.sampled_from([path, path.upper(), f"{USER}:{path}"])


@st.composite
def on_one_value(draw: Any) -> Operation:
    """Set or remove a value, of a complex attribute or an extension too."""
    steps = draw(
        st.one_of(
            st.sampled_from(SINGLE).map(lambda n: [n]),
            st.sampled_from(NAMES).map(lambda n: ["name", n]),
            st.sampled_from(OWN).map(lambda n: [ENTERPRISE, n]),
        )
    )
    if steps[0] == ENTERPRISE:
        path = f"{ENTERPRISE}:{steps[1]}"
    else:
        path = draw(spelled(".".join(steps)))
    if draw(st.integers(0, 3)) == 0:
        return Operation({"op": "remove", "path": path}, lambda d: put(d, steps, None))
    value = draw(texts | st.sampled_from([None, ""]))
    sent = {"op": draw(setting), "path": path, "value": value}
    return Operation(sent, lambda d: put(d, steps, value))


@st.composite
def on_a_complex_value(draw: Any) -> Operation:
    """Set sub-attributes together: what is left out stays."""
    name, subs = draw(st.sampled_from([("name", NAMES), (ENTERPRISE, OWN)]))
    if draw(st.integers(0, 3)) == 0:
        return Operation({"op": "remove", "path": name}, lambda d: put(d, [name], None))
    value = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(subs, texts)))

    def change(document: JSON) -> None:
        for sub, text in value.items():
            put(document, [name, sub], text)

    return Operation({"op": draw(setting), "path": name, "value": value}, change)


@st.composite
def on_a_list(draw: Any) -> Operation:
    """Add to a list what it does not have, replace it, or empty it."""
    name = draw(st.sampled_from(sorted(LISTS)))
    op = draw(st.sampled_from(["add", "replace", "remove", "remove values"]))
    path = draw(spelled(name))
    if op == "remove":
        return Operation({"op": op, "path": path}, lambda d: put(d, [name], None))
    values = draw(elements(name))

    def change(document: JSON) -> None:
        held = document.get(name, [])
        if op == "replace":
            held = copy.deepcopy(values)
        elif op == "add":
            for value in values:
                if not any(alike(value, e) for e in held):
                    held = [*held, dict(value)]
                    settle(held, held[-1:], value)
        else:
            held = [
                e
                for e in held
                if not any(all(k in e and same(e[k], v[k]) for k in v) for v in values)
            ]
        put(document, [name], held or None)

    return Operation({"op": op.split()[0], "path": path, "value": values}, change)


def removal(name: str, condition: Condition, sub: str) -> Change:
    def remove(document: JSON) -> None:
        held = document.get(name, [])
        for selected in filter(condition.holds, held[:]):
            if sub:
                selected.pop(sub, None)
            if not sub or not selected:
                held = [e for e in held if e is not selected]
        put(document, [name], held or None)

    return remove


def writing(name: str, condition: Condition, written: JSON) -> Change:
    def write(document: JSON) -> None:
        held = document.setdefault(name, [])
        chosen = [e for e in held if condition.holds(e)]
        if not chosen:
            if condition.makes is None:
                raise NoTarget("Nothing is selected.")
            chosen = [dict(condition.makes)]
            held += chosen
            if not all(same(written.get(k, v), v) for k, v in condition.makes.items()):
                raise InvalidValue("What is made would not be what was selected.")
        for selected in chosen:
            selected.update(written)
        settle(held, chosen, written)

    return write


@st.composite
def on_selected(draw: Any) -> Operation:
    """Change or remove the values that a filter selects, or a part of each."""
    name = draw(st.sampled_from(sorted(LISTS)))
    condition = draw(conditions(name))
    sub = draw(st.sampled_from(["", *LISTS[name]]))
    path = draw(spelled(name)) + f"[{condition.text}]" + (f".{sub}" if sub else "")
    if draw(st.booleans()):
        return Operation({"op": "remove", "path": path}, removal(name, condition, sub))
    value = draw(texts if sub else element(name))
    written = {sub: value} if sub else value
    sent = {"op": draw(setting), "path": path, "value": value}
    return Operation(sent, writing(name, condition, written))


@st.composite
def without_path(draw: Any) -> Operation:
    """Several attributes in one value, with dotted and URN keys among them."""
    op = draw(st.sampled_from(["add", "replace"]))
    parts = draw(st.lists(on_one_value() | on_a_list(), min_size=1, max_size=3))
    value: JSON = {}
    changes: list[Change] = []
    for part in parts:
        sent = part.sent
        known = sent["path"].lower() in {key.lower() for key in value}
        list_op = sent["path"].rpartition(":")[2].lower() in map(str.lower, LISTS)
        if "value" in sent and not known and (not list_op or sent["op"] == op):
            value[sent["path"]] = sent["value"]
            changes.append(part.change)

    def change(document: JSON) -> None:
        for each in changes:
            each(document)

    return Operation({"op": op, "value": value}, change)


documents_before = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(SINGLE, texts),
        "name": st.fixed_dictionaries(
            {"familyName": texts}, optional=dict.fromkeys(NAMES[1:], texts)
        ),
        ENTERPRISE: st.fixed_dictionaries(
            {"department": texts}, optional=dict.fromkeys(OWN[1:], texts)
        ),
        **{name: elements(name) for name in LISTS},
    },
)
operations = st.one_of(
    on_one_value(), on_a_complex_value(), on_a_list(), on_selected(), without_path()
)
PROPERTY = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def expected(before: JSON, sequence: list[Operation]) -> JSON:
    """Return what plain Python makes of it. Raises ScimError."""
    document = copy.deepcopy(before)
    for operation in sequence:
        operation.change(document)
    return listed(document)


def listed(document: JSON) -> JSON:
    """Return the document with the schemas that it has attributes of."""
    urns = [USER, *([ENTERPRISE] if ENTERPRISE in document else [])]
    return {**document, "schemas": urns}


@PROPERTY
@given(documents_before, st.lists(operations, min_size=1, max_size=5))
def test_operations_do_what_plain_python_does(
    before: JSON, sequence: list[Operation]
) -> None:
    stored = listed({"userName": "ann", "active": True, **before})
    kept = copy.deepcopy(stored)
    sent = copy.deepcopy([operation.sent for operation in sequence])

    def patched() -> JSON:
        normal = Normaliser(SCHEMA).operations({"Operations": sent})
        return documents.patch(SCHEMA, stored, normal)

    assert outcome(patched) == outcome(lambda: expected(stored, sequence))
    assert stored == kept


def outcome(make: Callable[[], JSON]) -> JSON | str:
    """Return the document, or which error there was instead."""
    try:
        return make()
    except ScimError as error:
        return type(error).__name__
