"""Check once that a server answers each operation rightly, before it is measured.

A fast wrong answer is worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.bench import payloads
from tests.bench.operations import PAGE

if TYPE_CHECKING:
    from tests.bench.driver import Target


def wrong_answers(target: Target) -> list[str]:
    """Return what the server gets wrong."""
    return [
        claim
        for check in (_reads, _pages, _writes, _groups, _refusals)
        for claim, holds in _guarded(check, target)
        if not holds
    ]


def _guarded(
    check: Callable[[Target], Iterator[tuple[str, bool]]], target: Target
) -> Iterator[tuple[str, bool]]:
    try:
        yield from check(target)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        yield (
            f"{check.__name__.strip('_')}: an answer of another shape ({error})",
            False,
        )


def _reads(target: Target) -> Iterator[tuple[str, bool]]:
    public_id, user_name = target.user_ids[3], target.user_names[3]
    status, body = target.call("GET", f"/Users/{public_id}")
    yield "GET is the right user", status == 200 and body["userName"] == user_name
    status, body = target.call("GET", f"/Users?{_eq(user_name)}")
    found = [user["id"] for user in body["Resources"]]
    yield "userName eq finds the user", status == 200 and found == [public_id]
    status, body = target.call("GET", f"/Users?{_eq(user_name.upper())}")
    yield "userName eq ignores case", status == 200 and body["totalResults"] == 1


def _pages(target: Target) -> Iterator[tuple[str, bool]]:
    for name, start in (("first", 1), ("last", target.users - PAGE + 1)):
        _, body = target.call("GET", f"/Users?startIndex={start}&count={PAGE}")
        yield f"the {name} page is full", len(body["Resources"]) == PAGE
        yield (
            f"the {name} page says how many there are",
            body["totalResults"] >= target.users,
        )


def _writes(target: Target) -> Iterator[tuple[str, bool]]:
    name = f"p{target.run_id}-{target.next_number():08d}"
    status, body = target.call("POST", "/Users", payloads.user(name))
    yield "POST answers 201", status == 201
    path = f"/Users/{body['id']}"
    status, _ = target.call("POST", "/Users", payloads.user(name))
    yield "a second POST answers 409", status == 409
    status, _ = target.call("PATCH", path, payloads.patch("replace", "active", False))
    _, after = target.call("GET", path)
    yield "PATCH deactivates", status in {200, 204} and after["active"] is False
    status, _ = target.call("PUT", path, payloads.user(name, "Put"))
    _, after = target.call("GET", path)
    yield "PUT replaces", status == 200 and after["active"] is True


def _groups(target: Target) -> Iterator[tuple[str, bool]]:
    for size, (public_id, *_) in target.groups.items():
        path = f"/Groups/{public_id}"
        before = target.member_count(public_id)
        body = payloads.add_members([target.next_member(size)])
        status, _ = target.call("PATCH", path, body)
        added = target.member_count(public_id) - before
        yield f"adding to {size} adds one", status in {200, 204} and added == 1
        _, body = target.call("GET", f"{path}?excludedAttributes=members")
        yield f"members of {size} can be excluded", not body.get("members")


def _refusals(target: Target) -> Iterator[tuple[str, bool]]:
    path = f"/Users/{target.user_ids[3]}"
    status, _ = target.with_token("wrong").call("GET", path)
    yield "a wrong token answers 401", status == 401


def _eq(user_name: str) -> str:
    return "filter=" + quote(f'userName eq "{user_name}"', safe="")
