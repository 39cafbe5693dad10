from __future__ import annotations

from typing import Any

import pytest

from integrations.connectors.base import PermanentFailure, TemporaryFailure
from integrations.connectors.http import listing
from tests.fakes.json_app import Answering, Asked
from tests.integrations.connectors.manifests import session_on, small

PAGE = {"style": "page", "start": 1, "size": 3}
OFFSET = {"style": "offset", "start": 0, "size": 3}


def users(*ids: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"user-{number}"} for number in ids]


def listing_call(paging: dict[str, object], *, total: bool = True) -> dict[str, Any]:
    query = {"page": "page", "offset": "offset", "size": "size"}
    call = {"method": "GET", "path": "/users", "items": "users", "query": query}
    paged = {"paging": paging} if paging else {}
    return {**call, **paged, **({"total": "total"} if total else {})}


def ids_of(
    answering: Answering, paging: dict[str, object], *, total: bool = True
) -> list[str]:
    manifest = small(calls={"list_accounts": listing_call(paging, total=total)})
    with session_on(answering, manifest) as (session, _):
        return [account.external_id for account in session.list_accounts()]


def pages(*pages: list[dict[str, Any]], total: int) -> Answering:
    """Answer with the page that is asked for, 1-based, and empty ones after."""

    def answer(asked: Asked) -> tuple[int, object]:
        number = int(asked.query["page"]) - 1
        items = pages[number] if number < len(pages) else []
        return 200, {"total": total, "users": items}

    return answer


def test_reads_all_pages() -> None:
    app = pages(users(1, 2, 3), users(4), total=4)

    assert ids_of(app, PAGE) == ["1", "2", "3", "4"]


def test_reads_on_without_a_total_until_a_page_is_empty() -> None:
    app = pages(users(1, 2), users(3, 4), users(5), total=0)

    assert ids_of(app, PAGE, total=False) == ["1", "2", "3", "4", "5"]


def test_moves_on_by_what_it_got_and_not_by_what_it_asked_for() -> None:
    everybody = users(1, 2, 3, 4, 5)

    def capped(asked: Asked) -> tuple[int, object]:
        offset = int(asked.query["offset"])
        return 200, {"total": 5, "users": everybody[offset : offset + 2]}

    assert ids_of(capped, OFFSET) == ["1", "2", "3", "4", "5"]


def test_reads_an_empty_list() -> None:
    assert ids_of(pages(total=0), PAGE) == []


@pytest.mark.parametrize("paging", [PAGE, {}])
def test_does_not_conclude_from_a_short_list_that_people_left(
    paging: dict[str, object],
) -> None:
    with pytest.raises(TemporaryFailure) as failure:
        ids_of(pages(users(1, 2), total=9), paging)

    assert failure.value.message == listing.INCOMPLETE


def test_notices_that_the_list_changed_while_it_was_read() -> None:
    def shrinking(asked: Asked) -> tuple[int, object]:
        if asked.query["page"] == "1":
            return 200, {"total": 5, "users": users(1, 2, 3)}
        return 200, {"total": 4, "users": users(5)}

    with pytest.raises(TemporaryFailure) as failure:
        ids_of(shrinking, PAGE)

    assert failure.value.message == listing.CHANGED


def test_notices_an_account_that_comes_twice() -> None:
    with pytest.raises(TemporaryFailure) as failure:
        ids_of(pages(users(1, 2, 3), users(3), total=4), PAGE)

    assert failure.value.message == listing.INCOMPLETE


def test_does_not_read_the_same_page_for_ever() -> None:
    with pytest.raises(PermanentFailure) as failure:
        ids_of(lambda _: (200, {"users": users(1)}), PAGE, total=False)

    assert failure.value.message == listing.ENDLESS


@pytest.mark.parametrize(
    "document",
    [
        {"total": 1, "users": {"id": 1}},
        {"total": 1, "users": None},
        {"total": "1", "users": users(1)},
        {"total": True, "users": users(1)},
        {"total": -1, "users": []},
        {"users": users(1)},
        {"total": 1, "users": [{"name": "without-id"}]},
        {"total": 1, "users": [{"id": "", "name": "empty-id"}]},
        {"total": 1, "users": [{"id": {}, "name": "odd-id"}]},
        {"total": 1, "users": [{"id": True, "name": "odd-id"}]},
        {"total": 1, "users": [{"id": "x" * 256, "name": "long-id"}]},
        {"total": 1, "users": [{"id": 1}]},
        {"total": 1, "users": [7]},
        [],
        None,
        "nonsense",
    ],
)
def test_says_that_a_list_is_not_as_the_manifest_says(document: object) -> None:
    with pytest.raises(PermanentFailure, match="does not hold what its manifest"):
        ids_of(lambda _: (200, document), PAGE)
