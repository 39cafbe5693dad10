"""Reading a whole list, and being sure that it is whole.

Sync concludes from a list who has left, so a list that may be short is an
error and never a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from integrations.connectors.base import PermanentFailure, TemporaryFailure
from integrations.connectors.client import Answer
from integrations.connectors.expressions import work_out
from integrations.connectors.failures import CHANGED, ENDLESS, INCOMPLETE, UNEXPECTED
from integrations.connectors.http.blueprint import Call
from integrations.connectors.http.conversation import Conversation
from integrations.connectors.http.pages import next_link
from integrations.desired import JSON

_MOST_PAGES = 10_000
_SAY_WHAT_IS_NEXT = {"cursor", "link"}

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class _Page:
    items: list[JSON]
    total: int | None
    next: _Place | None = None
    """Where the next page is, for apps that say so."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A cursor, or the path and query of a link."""

    cursor: JSON = None
    path: str = ""
    query: Mapping[str, str] | None = None


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
    place = _Place()
    for number in range(_MOST_PAGES):
        page = _read_page(conversation, call, values, number, len(seen), place)
        if number and page.total != total:
            raise TemporaryFailure(CHANGED)
        total = page.total
        entries = {key(entry): entry for entry in map(read, page.items)}
        new = {name: entry for name, entry in entries.items() if name not in seen}
        seen |= new.keys()
        yield from new.values()
        if _is_last(call, page, len(seen), has_new=bool(new)):
            break
        place = page.next or place
    if total is not None and len(seen) != total:
        raise TemporaryFailure(INCOMPLETE)
    if total is None and not _ends_properly(call, page):
        raise PermanentFailure(ENDLESS)


def _is_last(call: Call, page: _Page, seen: int, *, has_new: bool) -> bool:
    if call.paging.style == "none" or (page.total is not None and seen >= page.total):
        return True
    if call.paging.style in _SAY_WHAT_IS_NEXT:
        return page.next is None or (bool(page.items) and not has_new)
    return not has_new


def _ends_properly(call: Call, page: _Page) -> bool:
    """Return whether it was the last page and not one that was given before.

    An app may cap its pages below what it was asked for, so that where it neither
    counts nor says what is next, only an empty page ends the list.
    """
    if call.paging.style == "none":
        return True
    if call.paging.style in _SAY_WHAT_IS_NEXT:
        return page.next is None
    return not page.items


def _read_page(
    conversation: Conversation,
    call: Call,
    values: Mapping[str, JSON],
    number: int,
    so_far: int,
    place: _Place,
) -> _Page:
    paging = call.paging
    known: dict[str, JSON] = {
        **values,
        "page": paging.start + number,
        "offset": paging.start + so_far,
        "size": paging.size,
        "cursor": place.cursor,
    }
    answer = conversation.ask(call, known, path=place.path, query=place.query)
    document = answer.json()
    following = _next_place(conversation, call, answer, document)
    items = document if call.items is None else work_out(call.items, document)
    if not isinstance(items, list):
        raise PermanentFailure(UNEXPECTED)
    if call.total is None:
        return _Page(items, None, following)
    total = work_out(call.total, document)
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise PermanentFailure(UNEXPECTED)
    return _Page(items, total, following)


def _next_place(
    conversation: Conversation, call: Call, answer: Answer, document: JSON
) -> _Place | None:
    if call.paging.next is not None:
        cursor = work_out(call.paging.next, document)
        return None if cursor is None or cursor == "" else _Place(cursor=cursor)
    if call.paging.style != "link":
        return None
    link = next_link(answer.headers.get("Link", ""))
    if link is None:
        return None
    path, query = conversation.path_of(link)
    return _Place(path=path, query=query)
