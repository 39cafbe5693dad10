"""`sortBy`, `startIndex`, `count`. RFC 7644 sections 3.4.2.3 and 3.4.2.4."""

from __future__ import annotations

from typing import Any

import pytest

from scim.protocol.schema import MAX_RESULTS
from tests.conftest import ScimClient
from tests.scim.counting import statements
from tests.scim.urns import ENTERPRISE, GROUP, LIST


@pytest.fixture
def users(scim: ScimClient) -> list[str]:
    """Store five users in this order; return their names."""
    bodies: list[dict[str, Any]] = [
        {"userName": "dan", "title": "b", "name": {"familyName": "Z"}},
        {"userName": "Ann", "title": "A", "emails": [{"value": "z@x.test"}]},
        {
            "userName": "cid",
            "emails": [{"value": "b@x.test"}, {"value": "a@x.test", "primary": True}],
        },
        {"userName": "bob", "title": "a", ENTERPRISE: {"department": "D"}},
        {"userName": "éva", "active": False, "emails": [{"value": "m@x.test"}]},
    ]
    for body in bodies:
        scim.add_user(**{"user_name": body.pop("userName"), **body})
    return ["dan", "Ann", "cid", "bob", "éva"]


def listed(scim: ScimClient, **query: Any) -> list[str]:
    """Return the names in the order of the answer."""
    answer = scim.get("/Users", **query)
    assert answer.status == 200, answer.text
    return [resource["userName"] for resource in answer.resources]


def test_list_is_a_list_response(scim: ScimClient, users: list[str]) -> None:
    body = scim.get("/Users").body

    assert body["schemas"] == [LIST]
    assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (5, 1, 5)


def test_list_without_sort_comes_in_the_order_of_creation(
    scim: ScimClient, users: list[str]
) -> None:
    assert listed(scim) == users


@pytest.mark.parametrize(
    ("sort_by", "expected"),
    [
        ("userName", "Ann bob cid dan éva"),
        ("USERNAME", "Ann bob cid dan éva"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "Ann bob cid dan éva"),
        ("title", "Ann bob dan cid éva"),
        ("name.familyName", "dan Ann cid bob éva"),
        ("emails", "cid éva Ann dan bob"),
        ("emails.value", "cid éva Ann dan bob"),
        ("active", "éva dan Ann cid bob"),
        ("meta.created", "dan Ann cid bob éva"),
        (f"{ENTERPRISE}:department", "bob dan Ann cid éva"),
        ("externalId", "dan Ann cid bob éva"),
    ],
)
def test_ascending_order_puts_the_valueless_last(
    sort_by: str, expected: str, scim: ScimClient, users: list[str]
) -> None:
    assert listed(scim, sortBy=sort_by) == expected.split()


@pytest.mark.parametrize("sort_by", ["userName", "title", "emails", "active"])
def test_descending_order_is_the_reverse(
    sort_by: str, scim: ScimClient, users: list[str]
) -> None:
    ascending = listed(scim, sortBy=sort_by, sortOrder="ascending")

    assert listed(scim, sortBy=sort_by, sortOrder="Descending") == ascending[::-1]


def test_unknown_sort_order_is_invalid_value(scim: ScimClient) -> None:
    answer = scim.get("/Users", sortBy="userName", sortOrder="random")

    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")


@pytest.mark.parametrize(
    ("query", "names", "start", "items"),
    [
        pytest.param({"count": 2}, "dan Ann", 1, 2, id="first page"),
        pytest.param({"startIndex": 3, "count": 2}, "cid bob", 3, 2, id="second"),
        pytest.param({"startIndex": 5, "count": 2}, "éva", 5, 1, id="last"),
        pytest.param({"startIndex": 6, "count": 2}, "", 6, 0, id="after the last"),
        pytest.param({"startIndex": 999_999_999}, "", 999_999_999, 0, id="far out"),
        pytest.param({"count": 0}, "", 1, 0, id="totals only"),
        pytest.param({"count": -5}, "", 1, 0, id="negative count"),
        pytest.param({"startIndex": 0, "count": 1}, "dan", 1, 1, id="startIndex 0"),
        pytest.param({"startIndex": -9, "count": 1}, "dan", 1, 1, id="below 0"),
        pytest.param(
            {"startIndex": "", "count": ""}, "dan Ann cid bob éva", 1, 5, id="empty"
        ),
    ],
)
def test_page_is_the_slice_that_was_asked_for(
    query: dict[str, Any],
    names: str,
    start: int,
    items: int,
    scim: ScimClient,
    users: list[str],
) -> None:
    body = scim.get("/Users", **query).body

    assert [user["userName"] for user in body["Resources"]] == names.split()
    assert (body["totalResults"], body["startIndex"]) == (5, start)
    assert body["itemsPerPage"] == items


def test_pages_together_are_the_whole_in_order(
    scim: ScimClient, users: list[str]
) -> None:
    pages = [
        listed(scim, sortBy="title", startIndex=start, count=1) for start in range(1, 6)
    ]

    assert [name for page in pages for name in page] == listed(scim, sortBy="title")


def test_totals_count_what_the_filter_finds(scim: ScimClient, users: list[str]) -> None:
    body = scim.get("/Users", filter="active eq true", count=1).body

    assert (body["totalResults"], body["itemsPerPage"]) == (4, 1)


@pytest.mark.parametrize("count", [MAX_RESULTS + 1, 999_999_999])
def test_page_is_never_longer_than_the_documented_limit(
    count: int, scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim.queries.MAX_RESULTS", 3)
    for n in range(4):
        scim.add_user(f"user{n}")

    body = scim.get("/Users", count=count).body

    assert (body["totalResults"], body["itemsPerPage"]) == (4, 3)


@pytest.mark.parametrize(
    "body",
    [
        {"startIndex": 2, "count": 1, "sortBy": "userName"},
        {"STARTINDEX": 2, "Count": 1, "SortBy": "userName", "sortOrder": "Ascending"},
    ],
)
def test_search_request_pages_and_sorts(
    body: dict[str, Any], scim: ScimClient, users: list[str]
) -> None:
    answer = scim.post("/Users/.search", body)

    assert [user["userName"] for user in answer.resources] == ["bob"]


@pytest.mark.parametrize(
    "body",
    [
        {"count": True},
        {"count": [1]},
        {"startIndex": {}},
        {"filter": 5},
        {"sortBy": ["userName"]},
        {"sortOrder": 1},
    ],
)
def test_search_request_of_wrong_types_is_refused(
    body: dict[str, Any], scim: ScimClient
) -> None:
    answer = scim.post("/Users/.search", body)

    expected = "invalidCount" if "count" in body else "invalidValue"
    assert (answer.status, answer.body["scimType"]) == (400, expected)


@pytest.mark.parametrize(
    ("sort_by", "expected"),
    [
        ("displayName", "beta Delta one Gamma dan Ann cid bob éva"),
        ("userName", "Ann bob cid dan one éva beta Gamma Delta"),
        (f"{GROUP}:displayName", "beta Delta Gamma dan Ann cid bob éva one"),
        ("meta.resourceType", "beta Gamma Delta dan Ann cid bob éva one"),
        ("title", "Ann bob dan cid éva one beta Gamma Delta"),
    ],
)
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_root_sorts_types_together_and_puts_the_valueless_last(
    sort_by: str, expected: str, order: str, scim: ScimClient, users: list[str]
) -> None:
    scim.add_user("one", displayName="Epsilon")
    for name in ("beta", "Gamma", "Delta"):
        scim.add_group(name)
    query = {"sortBy": sort_by, "sortOrder": order}

    with statements() as sent:
        got = scim.get("", **query)
    searched = scim.post("/.search", query)

    names = [r.get("userName") or r["displayName"] for r in got.resources]
    wanted = expected.split()
    assert names == (wanted if order == "ascending" else wanted[::-1])
    assert searched.body == got.body
    assert len(sent.on("scim_resource r")) == 1


@pytest.mark.parametrize("sort_by", ["nope", "members", "groups", "password", "name"])
def test_root_sort_by_what_no_type_sorts_by_is_invalid_path(
    sort_by: str, scim: ScimClient
) -> None:
    answer = scim.get("", sortBy=sort_by)

    assert (answer.status, answer.body["scimType"]) == (400, "invalidPath")
