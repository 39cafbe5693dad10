"""The operations that are measured: what each sends, as (method, path, body)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.bench import payloads

if TYPE_CHECKING:
    from tests.bench.driver import Target

Template = tuple[str, str, bytes | None]
PAGE = 100
SAMPLE = 20_000
FLIPPED = 250
MAX_ADDS = 1_000
"""A cell adds no more members, so that a group keeps about its size."""

GROUP_SIZES = {"10": 10, "1k": 1_000, "10k": 10_000}
GROUPS = {"10": 90, "1k": 1, "10k": 1}
"""How many there are of a size: small ones many, so that they stay small."""


def get_user(target: Target) -> list[Template]:
    return [("GET", f"/Users/{target.user_ids[i]}", None) for i in target.pick()]


def filter_eq(target: Target) -> list[Template]:
    return [("GET", f"/Users?{_eq(target.user_names[i])}", None) for i in target.pick()]


def _eq(user_name: str) -> str:
    return "filter=" + quote(f'userName eq "{user_name}"', safe="")


def list_first(target: Target) -> list[Template]:
    return [("GET", f"/Users?startIndex=1&count={PAGE}", None)]


def list_deep(target: Target) -> list[Template]:
    start = max(1, target.users - PAGE + 1)
    return [("GET", f"/Users?startIndex={start}&count={PAGE}", None)]


def patch_active(target: Target) -> list[Template]:
    """Set `active` of some users to false, then to true, and so on: each a change.

    Few users, so that every cell gets around; only where the last cell stopped in
    the middle does the first pass find some as they are to be.
    """
    some = range(0, target.users, max(1, target.users // FLIPPED))
    return [
        ("PATCH", f"/Users/{target.user_ids[i]}", payloads.encode(body))
        for value in (False, True)
        for body in [payloads.patch("replace", "active", value)]
        for i in some
    ]


def put_user(target: Target) -> list[Template]:
    display_name = f"Put {target.next_number()} {payloads.SEQUENCE}"
    return [
        (
            "PUT",
            f"/Users/{target.user_ids[i]}",
            payloads.encode(
                payloads.user(target.user_names[i].partition("@")[0], display_name)
            ),
        )
        for i in target.pick()
    ]


def create(target: Target) -> list[Template]:
    name = f"c{target.run_id}{target.next_number():03d}-{payloads.SEQUENCE}"
    return [("POST", "/Users", payloads.encode(payloads.user(name)))]


def group_add_10(target: Target) -> list[Template]:
    return _group_add(target, "10")


def group_add_1k(target: Target) -> list[Template]:
    return _group_add(target, "1k")


def group_add_10k(target: Target) -> list[Template]:
    return _group_add(target, "10k")


def _group_add(target: Target, size: str) -> list[Template]:
    groups = target.groups[size]
    spare = target.users - GROUP_SIZES[size] * len(groups) - 10
    adds = max(20, min(MAX_ADDS, spare // target.rounds - 10))
    return [
        (
            "PATCH",
            f"/Groups/{group}",
            payloads.encode(payloads.add_members([target.next_member(size)])),
        )
        for group in islice(cycle(groups), adds)
    ]


def group_get_excl(target: Target) -> list[Template]:
    return [
        ("GET", f"/Groups/{target.groups['10k'][0]}?excludedAttributes=members", None)
    ]


OPERATIONS: dict[str, Callable[[Target], list[Template]]] = {
    operation.__name__: operation
    for operation in (
        get_user,
        filter_eq,
        list_first,
        list_deep,
        patch_active,
        put_user,
        group_add_10,
        group_add_1k,
        group_add_10k,
        group_get_excl,
        create,
    )
}
GROWTH = ["get_user", "filter_eq", "list_first", "list_deep"]
"""Reads whose throughput should not depend on the size of the directory."""


def supports(target: Target, operation: str) -> bool:
    if not operation.startswith("group_"):
        return True
    size = operation.removeprefix("group_add_")
    return (size if size in GROUP_SIZES else "10k") in target.groups


def requests(target: Target, operation: str) -> Iterator[bytes]:
    """Yield what a cell sends: adding members ends, everything else goes on."""
    templates = OPERATIONS[operation](target)
    if operation.startswith("group_add"):
        return (target.wire.request(*template) for template in templates)
    if templates[0][2] is None or payloads.SEQUENCE.encode() not in templates[0][2]:
        return cycle([target.wire.request(*template) for template in templates])
    return _numbered(target, templates)


def _numbered(target: Target, templates: list[Template]) -> Iterator[bytes]:
    marker = payloads.SEQUENCE.encode()
    for number, (method, path, body) in enumerate(cycle(templates)):
        numbered = (body or b"").replace(
            marker, str(number).zfill(len(marker)).encode()
        )
        yield target.wire.request(method, path, numbered)


def sample(users: int) -> list[int]:
    return random.sample(range(users), min(users, SAMPLE))
