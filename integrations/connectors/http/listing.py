"""Reading a whole list, and being sure that it is whole.

Sync concludes from a list who has left, so a list that may be short is an
error and never a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from integrations.connectors.base import PermanentFailure, TemporaryFailure
from integrations.connectors.http.blueprint import Call
from integrations.connectors.http.conversation import UNEXPECTED, Conversation
from integrations.connectors.http.filling import work_out
from integrations.desired import JSON

INCOMPLETE = (
    "The app's list is not complete: it gave another number of entries than it "
    "counts. Nothing is concluded from it, and Keyway tries again."
)
CHANGED = "The app's list changed while it was read. Keyway tries again."
ENDLESS = (
    "The app gives the same entries again for each page of its list. Its manifest "
    "does not fit it."
)

_MOST_PAGES = 10_000

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class _Page:
    items: list[JSON]
    total: int | None


def read_list(
    conversation: Conversation,
    call: Call,
    values: Mapping[str, JSON],
    *,
    read: Callable[[JSON], _Entry],
    key: Callable[[_Entry], str],
) -> Iterator[_Entry]:
    """Yield the entries of every page. Raises ConnectorError, at the end at last."""
    seen: set[str] = set()
    total: int | None = None
    for number in range(_MOST_PAGES):
        page = _read_page(conversation, call, values, number, len(seen))
        if number and page.total != total:
            raise TemporaryFailure(CHANGED)
        total = page.total
        entries = {key(entry): entry for entry in map(read, page.items)}
        new = {name: entry for name, entry in entries.items() if name not in seen}
        seen |= new.keys()
        yield from new.values()
        is_full = total is not None and len(seen) >= total
        if is_full or not new or call.paging.style == "none":
            break
    if total is not None and len(seen) != total:
        raise TemporaryFailure(INCOMPLETE)
    # An app may cap its pages below what it was asked for, so that without a
    # total only an empty page ends the list.
    if total is None and page.items and call.paging.style != "none":
        raise PermanentFailure(ENDLESS)


def _read_page(
    conversation: Conversation,
    call: Call,
    values: Mapping[str, JSON],
    number: int,
    so_far: int,
) -> _Page:
    paging = call.paging
    place: dict[str, JSON] = {
        "page": paging.start + number,
        "offset": paging.start + so_far,
        "size": paging.size,
    }
    document = conversation.ask(call, {**values, **place}).json()
    items = document if call.items is None else work_out(call.items, document)
    if not isinstance(items, list):
        raise PermanentFailure(UNEXPECTED)
    if call.total is None:
        return _Page(items, None)
    total = work_out(call.total, document)
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise PermanentFailure(UNEXPECTED)
    return _Page(items, total)
