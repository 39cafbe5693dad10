"""Attack cases between tenants, by id: one never learns of another or changes it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from scim.models import Resource
from tests.conftest import Answer, ScimClient
from tests.scim.urns import NO_ID


@pytest.fixture
def theirs(other_scim: ScimClient) -> dict[str, str]:
    """Ids of a user and a group of another directory."""
    user = other_scim.add_user("carl", externalId="x-1", title="Theirs")
    group = other_scim.add_group("Theirs", user["id"])
    return {"Users": user["id"], "Groups": group["id"]}


def seen(answer: Answer) -> tuple[object, ...]:
    """Return all of an answer but the id of its request."""
    headers = {k: v for k, v in answer.headers.items() if k != "X-Request-Id"}
    return answer.status, answer.text, headers


LEFT_OUT = {"POST": 201, "add": 200}
"""Where a member who is nobody is left out; elsewhere it is 400."""

BODIES: dict[str, Any] = {
    "GET": None,
    "PUT": {"userName": "mine", "displayName": "Mine"},
    "PATCH": {"Operations": [{"op": "replace", "path": "displayName", "value": "M"}]},
    "DELETE": None,
}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"if_match": "*"},
        {"if_match": 'W/"1"'},
        {"if_match": 'W/"99"'},
        {"if_none_match": "*"},
        {"if_none_match": 'W/"1"'},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", list(BODIES))
@pytest.mark.parametrize("endpoint", ["Users", "Groups"])
def test_ten_01_foreign_resource_reads_like_one_that_does_not_exist(
    endpoint: str,
    method: str,
    headers: dict[str, str],
    scim: ScimClient,
    other_scim: ScimClient,
    theirs: dict[str, str],
) -> None:
    before = other_scim.get(f"/{endpoint}").text
    path, body = f"/{endpoint}/{theirs[endpoint]}", BODIES[method]

    answer = scim.request(method, path, body, **headers)

    nowhere = scim.request(method, f"/{endpoint}/{NO_ID}", body, **headers)
    assert answer.status == 404
    assert seen(answer) == seen(nowhere)
    assert other_scim.get(f"/{endpoint}").text == before


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"filter": 'userName eq "carl"'},
        {"filter": "id pr"},
        {"filter": 'not (userName eq "nobody")'},
        {"filter": 'userName eq "nobody" or userName pr'},
        {"filter": "groups pr"},
        {"sortBy": "userName"},
        {"count": 0},
        {"startIndex": 1, "count": 200},
    ],
    ids=str,
)
def test_ten_02_list_holds_the_own_directory_only(
    query: dict[str, Any], scim: ScimClient, theirs: dict[str, str]
) -> None:
    for answer in (scim.get("/Users", **query), scim.post("/Users/.search", query)):
        assert answer.body["totalResults"] == 0
        assert answer.resources == []


def test_ten_02_search_at_the_root_holds_the_own_directory_only(
    scim: ScimClient, theirs: dict[str, str]
) -> None:
    for text in ("id pr", 'id pr or userName eq "carl"'):
        assert scim.post("/.search", {"filter": text}).body["totalResults"] == 0


def test_ten_02_filter_by_a_foreign_member_or_group_finds_nothing(
    scim: ScimClient, theirs: dict[str, str]
) -> None:
    scim.add_group("Mine", scim.add_user("mine")["id"])

    for path, text in [
        ("/Groups", f'members.value eq "{theirs["Users"]}"'),
        ("/Users", f'groups.value eq "{theirs["Groups"]}"'),
        ("/Users", f'id eq "{theirs["Users"]}"'),
    ]:
        assert scim.get(path, filter=text).body["totalResults"] == 0


def test_ten_03_names_and_external_ids_are_unique_per_directory_only(
    scim: ScimClient, theirs: dict[str, str]
) -> None:
    assert scim.add_user("carl", externalId="x-1")["id"] != theirs["Users"]
    assert scim.add_group("Theirs")["id"] != theirs["Groups"]


def test_ten_03_inactive_user_of_another_directory_is_not_brought_back(
    scim: ScimClient, other_scim: ScimClient
) -> None:
    user = other_scim.add_user("gone", externalId="x-2", active=False)

    assert scim.add_user("gone", externalId="x-2")["id"] != user["id"]
    assert other_scim.get(f"/Users/{user['id']}").body == user


@pytest.mark.parametrize("way", ["POST", "PUT", "add", "replace"])
@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_ten_04_foreign_member_is_answered_like_an_unknown_one(
    kind: str,
    way: str,
    scim: ScimClient,
    other_scim: ScimClient,
    theirs: dict[str, str],
) -> None:
    before = [other_scim.get(f"/{k}/{i}").body for k, i in theirs.items()]
    group = scim.add_group("Mine")

    def answer(member: str) -> Answer:
        body = {"displayName": "New", "members": [{"value": member}]}
        if way == "POST":
            return scim.post("/Groups", body)
        if way == "PUT":
            return scim.put(f"/Groups/{group['id']}", body)
        operation = {"op": way, "path": "members", "value": [{"value": member}]}
        return scim.patch(f"/Groups/{group['id']}", operation)

    foreign = answer(theirs[kind])
    if way == "POST":
        made = {**foreign.body, "id": "", "meta": {}}
        scim.delete(f"/Groups/{foreign.body['id']}")
        unknown = answer(NO_ID)
        assert made == {**unknown.body, "id": "", "meta": {}}
        scim.delete(f"/Groups/{unknown.body['id']}")
    else:
        unknown = answer(NO_ID)
        assert seen(foreign) == seen(unknown)
    assert foreign.status == unknown.status == LEFT_OUT.get(way, 400)
    assert scim.get("/Groups").resources == [group]
    assert [other_scim.get(f"/{k}/{i}").body for k, i in theirs.items()] == before


def test_ten_04_removing_a_foreign_member_reads_like_removing_an_unknown_one(
    scim: ScimClient, theirs: dict[str, str]
) -> None:
    path = f"/Groups/{scim.add_group('Mine')['id']}"

    def answer(member: str) -> Answer:
        return scim.patch(
            path, {"op": "remove", "path": f'members[value eq "{member}"]'}
        )

    assert seen(answer(theirs["Users"])) == seen(answer(NO_ID))


def test_ten_04_foreign_manager_discloses_no_name(
    scim: ScimClient, theirs: dict[str, str]
) -> None:
    user = scim.add_user("mine")
    operation = {"op": "add", "path": "manager", "value": theirs["Users"]}

    answer = scim.patch(f"/Users/{user['id']}", operation)

    assert "carl" not in answer.text
    assert "displayName" not in answer.text


@pytest.mark.parametrize("name", ["id", "ID", "directory", "tenant", "workspace_id"])
def test_ten_08_body_does_not_choose_what_is_written(
    name: str, scim: ScimClient, other_scim: ScimClient, theirs: dict[str, str]
) -> None:
    before = other_scim.get("/Users").text

    user = scim.add_user("mine", **{name: theirs["Users"]})
    scim.put(f"/Users/{user['id']}", {"userName": "mine2", name: theirs["Users"]})

    assert other_scim.get("/Users").text == before
    assert Resource.objects.get(user_name_key="mine2").directory == scim.directory


def test_ten_06_token_of_one_directory_does_not_open_the_url_of_another(
    scim: ScimClient, other_scim: ScimClient, theirs: dict[str, str]
) -> None:
    """S0-53."""
    other_scim.token = scim.token

    assert other_scim.get("/Users").status == 401
    assert other_scim.delete(f"/Users/{theirs['Users']}").status == 401


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-Host",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Tenant",
        "X-Forwarded-Prefix",
        "Forwarded",
    ],
)
def test_ten_06_headers_do_not_choose_the_directory(
    header: str, scim: ScimClient, other_scim: ScimClient, theirs: dict[str, str]
) -> None:
    value = f"{other_scim.directory.path}/Users"

    answer = scim.request("GET", "/Users", **{header: value})

    assert (answer.status, answer.body["totalResults"]) == (200, 0)


@pytest.mark.parametrize("host", ["evil.test", "evil.test:1", "testserver@evil.test"])
def test_ten_06_links_never_follow_a_forged_host(host: str, scim: ScimClient) -> None:
    answer = scim.post("/Users", {"userName": "ann"}, host=host)

    assert "evil" not in answer.text
    assert "evil" not in str(answer.headers)


def test_ten_02_bulk_and_cursors_hold_the_own_directory_only(
    scim: ScimClient, other_scim: ScimClient, theirs: dict[str, str]
) -> None:
    before = other_scim.get("/Users").text
    operations = [
        {"method": "DELETE", "path": f"/Users/{theirs['Users']}"},
        {"method": "PUT", "path": f"/Users/{theirs['Users']}", "data": BODIES["PUT"]},
    ]

    answer = scim.post("/Bulk", {"Operations": operations})
    listed = [scim.get(path, cursor="") for path in ("/Users", "/Groups", "")]

    assert [o["status"] for o in answer.body["Operations"]] == ["404", "404"]
    assert [page.body["totalResults"] for page in listed] == [0, 0, 0]
    assert other_scim.get("/Users").text == before


def test_ten_05_put_with_another_id_changes_the_one_of_the_url(
    scim: ScimClient,
) -> None:
    ann, bob = scim.add_user("ann"), scim.add_user("bob")

    answer = scim.put(f"/Users/{ann['id']}", {"id": bob["id"], "userName": "ann2"})

    assert answer.body["id"] == ann["id"]
    assert scim.get(f"/Users/{bob['id']}").body == bob


def test_ten_07_id_is_the_servers_and_random(scim: ScimClient) -> None:
    users = [scim.add_user(f"user{n}", id=NO_ID, externalId=f"{n}") for n in range(3)]

    ids = {user["id"] for user in users}
    assert len(ids - {NO_ID}) == 3
    assert {uuid.UUID(i).version for i in ids} == {4}
    keys = Resource.objects.values_list("pk", flat=True)
    for key in keys:
        assert scim.get(f"/Users/{key}").status == 404
