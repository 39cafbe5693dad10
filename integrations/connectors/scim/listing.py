"""Reading a whole list by index (RFC 7644) or by cursor (RFC 9865).

Sync concludes from a list who has left, so a list that may be short is an error
and never a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from integrations.connectors.base import PermanentFailure, TemporaryFailure
from integrations.connectors.failures import CHANGED, ENDLESS, INCOMPLETE
from integrations.connectors.scim.conversation import Conversation
from integrations.connectors.scim.documents import (
    UNEXPECTED,
    Document,
    as_object,
    read_key,
)
from integrations.desired import JSON

_MOST_PAGES = 10_000


def read_list(
    conversation: Conversation,
    endpoint: str,
    query: Mapping[str, str],
    *,
    size: int,
    by_cursor: bool,
) -> Iterator[Document]:
    """Yield each resource once. Raises ConnectorError, at the end at last."""
    seen: set[str] = set()
    total: int | None = None
    cursor = ""
    for _ in range(_MOST_PAGES):
        place = {"cursor": cursor} if by_cursor else {"startIndex": str(len(seen) + 1)}
        page = as_object(
            conversation.ask(
                "GET", endpoint, query={**query, **place, "count": str(size)}
            )
        )
        before, total = total, _total(page, may_lack=by_cursor)
        if before not in {None, total}:
            raise TemporaryFailure(CHANGED)
        found = {read_key(each.get("id")): each for each in _resources(page)}
        new = {key: each for key, each in found.items() if key not in seen}
        seen |= new.keys()
        yield from new.values()
        cursor = str(page.get("nextCursor") or "")
        is_last = not cursor if by_cursor else total is not None and len(seen) >= total
        if is_last:
            break
        if not new:
            # By index an empty page before the end; by cursor the same page again.
            raise PermanentFailure(ENDLESS) if found else TemporaryFailure(INCOMPLETE)
    if total is not None and len(seen) != total:
        raise TemporaryFailure(INCOMPLETE)


def _resources(page: Document) -> list[Document]:
    # RFC 7644 section 3.4.2: Resources is left out where there is none.
    found: JSON = page.get("Resources", [])
    if not isinstance(found, list):
        raise PermanentFailure(UNEXPECTED)
    return [as_object(each) for each in found]


def _total(page: Document, *, may_lack: bool) -> int | None:
    total = page.get("totalResults")
    if total is None and may_lack:
        return None
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise PermanentFailure(UNEXPECTED)
    return total
