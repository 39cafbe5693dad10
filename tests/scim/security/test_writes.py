"""Attack cases of the protocol, by id: what a write changes, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim.models import Change, GroupMember, Resource
from tests.conftest import Answer, ScimClient
from tests.scim.test_bulk import bulk, new_group, new_user, statuses
from tests.scim.together import together
from tests.scim.urns import NO_ID, USER


def other(scim: ScimClient) -> ScimClient:
    """Return a client for one thread."""
    return ScimClient(scim.directory, scim.token)


def outcomes(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


@pytest.mark.parametrize("way", ["put", "patch"])
def test_sci_05_rename_to_a_taken_name_is_409(way: str, scim: ScimClient) -> None:
    scim.add_user("ann")
    bob = scim.add_user("bob")

    if way == "put":
        answer = scim.put(f"/Users/{bob['id']}", {"userName": "ANN"})
    else:
        operation = {"op": "replace", "path": "userName", "value": "ANN"}
        answer = scim.patch(f"/Users/{bob['id']}", operation)

    assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")
    assert scim.get(f"/Users/{bob['id']}").body == bob


@pytest.mark.django_db(transaction=True)
def test_sci_05_of_eight_creates_of_one_user_name_one_succeeds(
    scim: ScimClient,
) -> None:
    spellings = ["ann", "Ann", "ANN", "aNN", "\uff41nn", "ann", "ANn", "anN"]

    answers = together(
        [
            lambda name=name: other(scim).post("/Users", {"userName": name})
            for name in spellings
        ]
    )

    assert outcomes(answers) == {201: 1, 409: 7}
    assert Resource.objects.filter(resource_type="User").count() == 1


@pytest.mark.django_db(transaction=True)
def test_sci_06_of_six_writers_with_one_etag_one_succeeds(scim: ScimClient) -> None:
    user = scim.add_user("ann")

    def write(n: int) -> Answer:
        operation = {"op": "replace", "path": "title", "value": f"writer {n}"}
        return other(scim).patch(f"/Users/{user['id']}", operation, if_match='W/"1"')

    answers = together([lambda n=n: write(n) for n in range(6)])

    assert outcomes(answers) == {200: 1, 412: 5}
    [done] = [answer for answer in answers if answer.status == 200]
    assert scim.get(f"/Users/{user['id']}").body == done.body


@pytest.mark.django_db(transaction=True)
def test_sci_06_parallel_member_adds_lose_nothing(scim: ScimClient) -> None:
    users = [scim.add_user(f"user{n}")["id"] for n in range(8)]
    group = scim.add_group()

    def add(user: str) -> Answer:
        operation = {"op": "add", "path": "members", "value": [{"value": user}]}
        return other(scim).patch(f"/Groups/{group['id']}", operation)

    answers = together([lambda user=user: add(user) for user in users])

    assert outcomes(answers) == {200: 8}
    members = scim.get(f"/Groups/{group['id']}").body["members"]
    assert {member["value"] for member in members} == set(users)


_READ_ONLY = st.sampled_from(["id", "ID", "meta", "Meta", "groups", f"{USER}:id"])


@settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.builds(
            lambda op, name, by_path: (
                {"op": op, "path": name, "value": NO_ID}
                if by_path
                else {"op": op, "value": {name: NO_ID, "title": "Changed"}}
            ),
            st.sampled_from(["add", "replace", "remove"]),
            _READ_ONLY,
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_sci_18_patch_in_any_spelling_never_writes_what_is_read_only(
    scim: ScimClient, operations: list[dict[str, Any]]
) -> None:
    [user] = scim.get("/Users").resources or [scim.add_user()]

    answer = scim.patch(f"/Users/{user['id']}", *operations)

    [after] = scim.get("/Users").resources
    assert after["id"] == user["id"]
    assert after["meta"]["created"] == user["meta"]["created"]
    assert "groups" not in after
    if answer.status != 200:
        assert answer.status == 400
        assert after == user


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "name", ["id", "ID", "Id", "meta", "META", "groups", f"{USER}:id", f"{USER}:groups"]
)
def test_sci_18_what_is_read_only_is_ignored_in_every_body(
    name: str, method: str, scim: ScimClient
) -> None:
    user = scim.add_user("ann")
    value: Any = NO_ID
    if name.lower() == "meta":
        value = {"version": 'W/"99"', "created": "1999-01-01T00:00:00Z"}
    elif name.endswith("groups"):
        value = [{"value": NO_ID, "display": "Owners"}]
    body: Any = {"userName": "bob", name: value}
    if method == "PATCH":
        body = {"Operations": [{"op": "replace", "value": body}]}

    path = "/Users" if method == "POST" else f"/Users/{user['id']}"
    answer = scim.request(method, path, body)

    if answer.status == 400:
        assert (method, answer.body["scimType"]) == ("PATCH", "mutability")
        assert scim.get("/Users").resources == [user]
        return
    assert answer.status in {200, 201}, answer.text
    assert answer.body["userName"] == "bob"
    assert NO_ID not in answer.text
    assert "1999" not in answer.text
    assert "99" not in answer.body["meta"]["version"]
    assert "groups" not in answer.body
    if method != "POST":
        assert answer.body["id"] == user["id"]


@pytest.mark.parametrize("op", ["add", "replace", "remove"])
@pytest.mark.parametrize(
    "path", ["id", "ID", "meta", "meta.version", "groups", f"{USER}:id", "Meta.Created"]
)
def test_sci_18_path_to_what_is_read_only_is_refused(
    path: str, op: str, scim: ScimClient
) -> None:
    user = scim.add_user("ann")

    answer = scim.patch(
        f"/Users/{user['id']}", {"op": op, "path": path, "value": NO_ID}
    )

    assert answer.status == 400
    assert scim.get("/Users").resources == [user]


def test_sci_19_patch_with_a_bad_operation_keeps_none_of_the_good(
    scim: ScimClient,
) -> None:
    user = scim.add_user()

    answer = scim.patch(
        f"/Users/{user['id']}",
        {"op": "replace", "path": "title", "value": "T"},
        {"op": "replace", "path": "userName", "value": "eve"},
        {"op": "replace", "path": "nope", "value": "x"},
    )

    assert (answer.status, answer.body["scimType"]) == (400, "invalidPath")
    assert scim.get(f"/Users/{user['id']}").body == user


NO = ["False", "false", "FALSE", False, 0, "0", "no", None, [], "", {}, [False], "x"]


@pytest.mark.parametrize("value", NO, ids=repr)
@pytest.mark.parametrize("way", ["POST", "PUT", "path", "value", "urn", "add"])
def test_sci_20_who_is_told_to_be_inactive_is_or_the_request_is_refused(
    way: str, value: Any, scim: ScimClient
) -> None:
    user = scim.add_user("ann") if way != "POST" else None
    operation = {
        "path": {"op": "replace", "path": "active", "value": value},
        "value": {"op": "Replace", "value": {"active": value}},
        "urn": {"op": "replace", "value": {f"{USER}:active": value}},
        "add": {"op": "add", "path": f"{USER}:Active", "value": value},
    }.get(way)

    if user is None:
        answer = scim.post("/Users", {"userName": "ann", "active": value})
    elif way == "PUT":
        body = {"userName": "ann", "active": value}
        answer = scim.put(f"/Users/{user['id']}", body)
    else:
        assert operation is not None
        answer = scim.patch(f"/Users/{user['id']}", operation)

    if answer.status in {200, 201}:
        assert answer.body["active"] is False
        assert scim.get("/Users", filter="active eq true").resources == []
    else:
        assert answer.status == 400
        assert scim.get("/Users").resources == ([user] if user else [])


def test_sci_21_group_cannot_be_in_itself(scim: ScimClient) -> None:
    group = scim.add_group()

    answer = scim.patch(
        f"/Groups/{group['id']}",
        {"op": "add", "path": "members", "value": [{"value": group["id"]}]},
    )

    assert answer.status == 400


def test_sci_21_groups_in_each_other_are_harmless(scim: ScimClient) -> None:
    one = scim.add_group("One")
    two = scim.add_group("Two", one["id"])

    answer = scim.patch(
        f"/Groups/{one['id']}",
        {"op": "add", "path": "members", "value": [{"value": two["id"]}]},
    )

    assert answer.status == 200
    assert answer.body["members"][0]["type"].lower() == "group"
    assert scim.get("/Groups").body["totalResults"] == 2


def test_sci_21_rings_and_chains_of_groups_are_not_expanded(scim: ScimClient) -> None:
    ids = [scim.add_group(f"G{n}")["id"] for n in range(30)]
    for n, group in enumerate(ids):
        member = [{"value": ids[(n + 1) % 30]}]
        scim.patch(
            f"/Groups/{group}", {"op": "add", "path": "members", "value": member}
        )
    ann = scim.add_user("ann")
    operation = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}

    scim.patch(f"/Groups/{ids[0]}", operation)

    groups = scim.get(f"/Users/{ann['id']}").body["groups"]
    assert [(g["value"], g["type"]) for g in groups] == [(ids[0], "direct")]
    assert all(len(g["members"]) <= 2 for g in scim.get("/Groups").resources)
    assert scim.delete(f"/Groups/{ids[1]}").status == 204
    assert scim.get("/Groups").body["totalResults"] == 29


def test_sci_23_delete_answers_204_and_then_404(scim: ScimClient) -> None:
    path = f"/Users/{scim.add_user()['id']}"

    assert scim.delete(path).status == 204
    assert scim.get(path).status == 404
    assert scim.put(path, {"userName": "ann"}).status == 404
    assert scim.patch(path, {"op": "remove", "path": "title"}).status == 404
    assert scim.delete(path).status == 404
    assert scim.get("/Users").resources == []


def test_sci_23_deleted_user_leaves_the_groups(scim: ScimClient) -> None:
    ann, bob = scim.add_user("ann")["id"], scim.add_user("bob")["id"]
    group = scim.add_group("G", ann, bob)

    scim.delete(f"/Users/{ann}")

    [left] = scim.get(f"/Groups/{group['id']}").body["members"]
    assert left["value"] == bob
    found = scim.get("/Groups", filter=f'members.value eq "{ann}"')
    assert found.body["totalResults"] == 0
    operation = {"op": "remove", "path": f'members[value eq "{ann}"]'}
    assert scim.patch(f"/Groups/{group['id']}", operation).status == 200


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        pytest.param({"method": "GET", "path": "/Users/1"}, "400", id="method"),
        pytest.param({"method": "POST", "path": "/Users"}, "400", id="no bulkId"),
        pytest.param(
            {"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}},
            "400",
            id="POST to a resource",
        ),
        pytest.param({"method": "DELETE", "path": "/Users"}, "400", id="collection"),
        pytest.param({"method": "PUT", "path": "/Users/1"}, "400", id="no data"),
        pytest.param({"method": "DELETE", "path": "/Nope/1"}, "404", id="endpoint"),
        pytest.param(
            {"method": "DELETE", "path": "https://other.test/Users/1"},
            "400",
            id="absolute",
        ),
        pytest.param({"method": "DELETE", "path": "/Users/../1"}, "400", id="dots"),
    ],
)
def test_sci_29_bad_operation_fails_alone(
    operation: dict[str, Any], status: str, scim: ScimClient
) -> None:
    answer = bulk(scim, operation, new_user("ann"))

    assert statuses(answer) == [status, "201"]


@pytest.mark.parametrize(
    ("body", "status", "scim_type"),
    [
        pytest.param({}, 400, "invalidSyntax", id="nothing"),
        pytest.param({"Operations": {}}, 400, "invalidSyntax", id="no list"),
        pytest.param({"Operations": [1]}, 400, "invalidSyntax", id="no object"),
        pytest.param(
            {"Operations": [new_user("a", "x"), new_user("b", "x")]},
            400,
            "invalidValue",
            id="bulkId twice",
        ),
        pytest.param(
            {"Operations": [], "failOnErrors": "1"}, 400, "invalidSyntax", id="limit"
        ),
        pytest.param(
            {"Operations": [{"method": "DELETE", "path": "/Users/1"}] * 1001},
            413,
            None,
            id="too many",
        ),
    ],
)
def test_sci_29_bad_request_is_refused_before_anything_is_done(
    body: dict[str, Any], status: int, scim_type: str | None, scim: ScimClient
) -> None:
    answer = scim.post("/Bulk", body)

    assert (answer.status, answer.body.get("scimType")) == (status, scim_type)
    assert scim.get("/Users").body["totalResults"] == 0


def test_sci_29_more_operations_than_announced_are_refused_before_the_first(
    scim: ScimClient,
) -> None:
    operations = [new_user("ann"), *[{"method": "DELETE", "path": "/Users/1"}] * 10_000]

    answer = bulk(scim, *operations)

    assert answer.status == 413
    assert Change.objects.count() == Resource.objects.count() == 0


def test_sci_29_circular_and_unknown_references_end(scim: ScimClient) -> None:
    operations = [new_group(f"G{n}", f"bulkId:G{(n + 1) % 50}") for n in range(50)]
    operations.append(new_group("Lost", "bulkId:nobody"))
    operations.append(new_group("Self", "bulkId:Self"))

    answer = bulk(scim, *operations)

    assert statuses(answer) == ["201"] * 50 + ["400"] * 2
    assert scim.get("/Groups").body["totalResults"] == 50
    assert GroupMember.objects.count() == 50


def test_sci_29_circle_whose_end_is_deleted_again_does_no_harm(
    scim: ScimClient,
) -> None:
    answer = bulk(
        scim,
        new_group("A", "bulkId:B"),
        new_group("B", "bulkId:A"),
        {"method": "DELETE", "path": "/Groups/bulkId:B"},
    )

    assert answer.status == 200
    assert statuses(answer) == ["201", "201", "204"]
    [left] = scim.get("/Groups").resources
    assert left["displayName"] == "A"
    assert "members" not in left


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_sci_29_operation_is_checked_like_a_single_request(
    method: str, scim: ScimClient
) -> None:
    user = scim.add_user("ann")
    data: Any = {"userName": "", "title": {"a": 1}}
    if method == "PATCH":
        data = {"Operations": [{"op": "replace", "path": "id", "value": NO_ID}]}
    path = "/Users" if method == "POST" else f"/Users/{user['id']}"

    single = scim.request(method, path, data)
    operation = {"method": method, "path": path, "bulkId": "x", "data": data}
    [outcome] = bulk(scim, operation).body["Operations"]

    assert outcome["status"] == str(single.status) == "400"
    assert outcome["response"] == single.body
    assert scim.get("/Users").resources == [user]
