"""Paging by cursor: RFC 9865."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from scim.protocol.cursors import TIMEOUT, Position, Sealer
from scim.protocol.errors import ExpiredCursor, InvalidCursor
from scim.protocol.schema import MAX_RESULTS
from tests.conftest import Answer, ScimClient
from tests.scim.counting import statements
from tests.scim.urns import ENTERPRISE, LIST
from workspaces.clock import database_now

USERS: list[dict[str, Any]] = [
    {"userName": "dan", "title": "b", "name": {"familyName": "Z"}},
    {"userName": "Ann", "title": "A", "emails": [{"value": "z@x.test"}]},
    {
        "userName": "cid",
        "emails": [{"value": "b@x.test"}, {"value": "a@x.test", "primary": True}],
    },
    {"userName": "bob", "title": "a", ENTERPRISE: {"department": "D"}},
    {"userName": "éva", "active": False, "emails": [{"value": "m@x.test"}]},
    {"userName": "fay", "title": "a", "externalId": "7"},
    {"userName": "gil", "title": "x" * 600},
    {"userName": "hal", "title": "x" * 599 + "a", "externalId": "5"},
]
SORTED_BY = [
    None,
    "userName",
    "title",
    "emails",
    "emails.value",
    "active",
    "id",
    "externalId",
    "name.familyName",
    "meta.created",
    "meta.lastModified",
    "meta.version",
    "meta.location",
    "meta.resourceType",
    f"{ENTERPRISE}:department",
]


@pytest.fixture
def users(scim: ScimClient) -> list[str]:
    """Store eight users in this order; return their names."""
    return [scim.post("/Users", body).body["userName"] for body in USERS]


def page(scim: ScimClient, cursor: str = "", path: str = "/Users", **query: Any) -> Any:
    """Return one page, checked for what every page has."""
    given = {name: value for name, value in query.items() if value is not None}
    answer = scim.get(path, cursor=cursor, **given)
    assert answer.status == 200, answer.text
    body = answer.body
    assert body["schemas"] == [LIST]
    assert "startIndex" not in body
    assert body["itemsPerPage"] == len(body["Resources"])
    for name in {"nextCursor", "previousCursor"} & body.keys():
        assert re.fullmatch(r"[A-Za-z0-9\-._~]+", body[name])
    return body


def walk(scim: ScimClient, path: str = "/Users", **query: Any) -> list[Any]:
    """Return every page from the first to the last."""
    pages = [page(scim, path=path, **query)]
    while "nextCursor" in pages[-1]:
        pages.append(page(scim, pages[-1]["nextCursor"], path, **query))
        assert len(pages) < 100
    return pages


def names(body: Any) -> list[str]:
    return [r.get("userName") or r["displayName"] for r in body["Resources"]]


def error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["scimType"]


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("sort_by", SORTED_BY)
def test_pages_together_are_the_whole_in_order_forwards_and_backwards(
    sort_by: str | None,
    order: str,
    count: int,
    scim: ScimClient,
    users: list[str],
) -> None:
    query = {"sortBy": sort_by, "sortOrder": order, "count": count}

    pages = walk(scim, **query)

    seen = [name for body in pages for name in names(body)]
    assert sorted(seen) == sorted(users)
    if sort_by != "title":
        given = {"sortBy": sort_by} if sort_by else {}
        assert seen == names(scim.get("/Users", sortOrder=order, **given).body)
    back = pages[-1]
    for body in reversed(pages[:-1]):
        back = page(scim, back["previousCursor"], **query)
        assert names(back) == names(body)
    assert "previousCursor" not in back
    assert "previousCursor" not in pages[0]
    if len(pages) > 1:
        assert names(page(scim, back["nextCursor"], **query)) == names(pages[1])


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("sort_by", [None, "title", "userName"])
def test_walk_finds_each_resource_once_while_others_come_and_go(
    sort_by: str | None, order: str, scim: ScimClient
) -> None:
    staying, leaving = set(), []
    for n in range(24):
        title = {"title": f"t{n % 4}"} if n % 3 else {}
        user = scim.add_user(f"user{n:02}", **title)
        if n % 4 == 1:
            leaving.append(user["id"])
        else:
            staying.add(user["userName"])
    query = {"sortBy": sort_by, "sortOrder": order, "count": 3}

    body = page(scim, **query)
    seen = names(body)
    for n in range(100):
        for gone in [r["id"] for r in body["Resources"] if r["id"] in leaving][:1]:
            scim.delete(f"/Users/{gone}")
        if n < 4:
            scim.delete(f"/Users/{leaving[n]}")
            scim.add_user(f"aaa{n}", title="a")
            scim.add_user(f"zzz{n}")
        if "nextCursor" not in body:
            break
        body = page(scim, body["nextCursor"], **query)
        seen += names(body)

    assert len(seen) == len(set(seen))
    assert staying <= set(seen)


def test_cursor_stays_good_when_the_resource_at_its_place_changes_or_goes(
    scim: ScimClient, users: list[str]
) -> None:
    body = page(scim, sortBy="userName", count=3)
    last = body["Resources"][-1]
    scim.delete(f"/Users/{last['id']}")

    following = page(scim, body["nextCursor"], sortBy="userName", count=3)

    assert names(following) == ["dan", "fay", "gil"]
    back = page(scim, following["previousCursor"], sortBy="userName", count=3)
    assert names(back) == ["Ann", "bob"]


def test_page_after_everything_was_deleted_is_empty_and_the_last(
    scim: ScimClient, users: list[str]
) -> None:
    body = page(scim, count=2)
    for resource in scim.get("/Users").resources:
        scim.delete(f"/Users/{resource['id']}")

    following = page(scim, body["nextCursor"], count=2)

    assert (following["totalResults"], following["Resources"]) == (0, [])
    assert "nextCursor" not in following


def test_filter_holds_on_every_page(scim: ScimClient, users: list[str]) -> None:
    pages = walk(scim, filter="title pr and not (userName eq null)", count=1)
    assert [body["totalResults"] for body in pages] == [6] * 6

    pages = walk(scim, filter='userName eq "dan" or title sw "x"', count=2)

    assert [names(body) for body in pages] == [["dan", "gil"], ["hal"]]
    assert [body["totalResults"] for body in pages] == [3, 3]


def test_groups_and_the_root_page_by_cursor(scim: ScimClient, users: list[str]) -> None:
    for name in ("one", "two", "three"):
        scim.add_group(name)

    groups = walk(scim, "/Groups", sortBy="displayName", count=2)
    everything = walk(scim, "", count=4)

    assert [names(body) for body in groups] == [["one", "three"], ["two"]]
    assert [len(names(body)) for body in everything] == [4, 4, 3]
    assert names(everything[-1]) == ["one", "two", "three"]


@pytest.mark.parametrize("path", ["/Users/.search", "/.search"])
def test_search_request_pages_by_cursor(
    path: str, scim: ScimClient, users: list[str]
) -> None:
    first = scim.post(path, {"cursor": "", "count": 5}).body
    second = scim.post(path, {"cursor": first["nextCursor"], "count": 5}).body

    assert names(first) + names(second) == users
    assert "nextCursor" not in second
    assert "startIndex" not in first


def test_cursor_of_a_url_goes_on_in_a_search_request_with_another_count(
    scim: ScimClient, users: list[str]
) -> None:
    body = page(scim, count=1)

    answer = scim.post(
        "/Users/.search",
        {"cursor": body["nextCursor"], "count": 3, "attributes": ["userName"]},
    )

    assert names(answer.body) == users[1:4]


def test_count_of_0_gives_totals_only(scim: ScimClient, users: list[str]) -> None:
    body = page(scim, count=0)

    assert (body["totalResults"], body["Resources"]) == (8, [])
    assert not {"nextCursor", "previousCursor"} & body.keys()


def test_page_is_never_longer_than_the_documented_limit(
    scim: ScimClient, users: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim.cursor_queries.MAX_RESULTS", 3)

    body = page(scim, count=MAX_RESULTS + 1)

    assert body["itemsPerPage"] == 3
    assert names(page(scim, body["nextCursor"], count=999)) == users[3:6]


def test_without_a_cursor_pages_are_by_index(
    scim: ScimClient, users: list[str]
) -> None:
    body = scim.get("/Users", count=2).body

    assert body["startIndex"] == 1
    assert not {"nextCursor", "previousCursor"} & body.keys()


@pytest.mark.parametrize("cursor", [5, True, [], {}])
def test_cursor_of_the_wrong_type_is_invalid(cursor: Any, scim: ScimClient) -> None:
    answer = scim.post("/Users/.search", {"cursor": cursor})

    assert error(answer) == (400, "invalidCursor")


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        pytest.param("/Users", {"filter": "title ne null"}, id="filter"),
        pytest.param("/Users", {"filter": ""}, id="no filter"),
        pytest.param("/Users", {"sortBy": "title"}, id="sortBy"),
        pytest.param("/Users", {"sortBy": ""}, id="no sortBy"),
        pytest.param("/Users", {"sortOrder": "descending"}, id="sortOrder"),
        pytest.param("/Groups", {"sortBy": "id"}, id="type"),
        pytest.param("", {"sortBy": ""}, id="root"),
    ],
)
def test_cursor_of_another_query_is_invalid(
    path: str, changed: dict[str, str], scim: ScimClient, users: list[str]
) -> None:
    query = {"filter": "title pr", "sortBy": "userName", "count": 1}
    cursor = page(scim, **query)["nextCursor"]

    answer = scim.get(path, **{**query, "cursor": cursor, **changed})

    assert error(answer) == (400, "invalidCursor")


def test_cursor_tells_nothing_of_what_it_holds(
    scim: ScimClient, users: list[str]
) -> None:
    sealer = Sealer(("secret",), ("directory",), database_now())

    cursors = {sealer.seal(Position(1, "familyname")) for _ in range(3)}

    assert len(cursors) == 3
    assert not any("familyname" in cursor for cursor in cursors)


def test_cursor_together_with_start_index_is_invalid_value(
    scim: ScimClient, users: list[str]
) -> None:
    answer = scim.get("/Users", cursor="", startIndex=1)

    assert error(answer) == (400, "invalidValue")


def test_cursor_given_twice_is_invalid_value(scim: ScimClient) -> None:
    answer = scim.request("GET", "/Users?cursor=&cursor=")

    assert error(answer) == (400, "invalidValue")


def test_clock_of_the_web_server_does_not_matter(
    scim: ScimClient, users: list[str]
) -> None:
    cursor = page(scim, count=1)["nextCursor"]

    with time_machine.travel(database_now() + timedelta(days=3), tick=False):
        answer = scim.get("/Users", cursor=cursor, count=1)

    assert answer.status == 200


def test_sealer_opens_what_it_sealed_and_nothing_of_another_key() -> None:
    now = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
    sealer = Sealer(("secret",), ("d", "User", None), now)
    position = Position(7, 1.5, backwards=True)

    assert sealer.open(sealer.seal(position)) == position
    late = Sealer(
        ("secret",), ("d", "User", None), now + timedelta(seconds=TIMEOUT + 1)
    )
    with pytest.raises(ExpiredCursor):
        late.open(sealer.seal(position))
    with pytest.raises(InvalidCursor):
        Sealer(("other",), ("d", "User", None), now).open(sealer.seal(position))


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize(
    "sort_by",
    ["displayName", "userName", "meta.created", "meta.resourceType", "id", "active"],
)
def test_root_pages_in_the_order_of_any_type(
    sort_by: str, order: str, scim: ScimClient, users: list[str]
) -> None:
    scim.add_user("zoe", displayName="Maya")
    for name in ("one", "Two", "three"):
        scim.add_group(name)
    query = {"sortBy": sort_by, "sortOrder": order}

    pages = walk(scim, "", count=3, **query)

    whole = names(scim.get("", **query).body)
    assert [name for body in pages for name in names(body)] == whole
    assert len(set(whole)) == len(users) + 4
    back = pages[-1]
    for body in reversed(pages[:-1]):
        back = page(scim, back["previousCursor"], "", count=3, **query)
        assert names(back) == names(body)


def test_pagination_is_announced(scim: ScimClient) -> None:
    assert scim.get("/ServiceProviderConfig").body["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 200,
        "cursorTimeout": 3600,
    }


@pytest.mark.parametrize("sort_by", ["", "userName", "title"])
def test_deep_page_costs_as_many_queries_as_the_first(
    sort_by: str, scim: ScimClient, users: list[str]
) -> None:
    query = {"sortBy": sort_by, "count": 3}
    cursors, costs = [""], []
    for _ in range(3):
        with statements() as sent:
            body = page(scim, cursors[-1], **query)
        cursors.append(body.get("nextCursor", ""))
        costs.append(len(sent))

    assert costs[0] == costs[1] == costs[2] <= 4
