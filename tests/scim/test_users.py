"""`/Users`: create, read, replace, patch, delete."""

from __future__ import annotations

from typing import Any

import pytest

from scim.models import Change
from tests.conftest import ScimClient
from tests.scim.urns import ENTERPRISE, USER


def test_create_answers_201_with_location_and_etag(scim: ScimClient) -> None:
    answer = scim.post("/Users", {"userName": "ann@acme.test"})

    assert answer.status == 201
    assert answer.headers["Location"] == answer.body["meta"]["location"]
    assert answer.headers["ETag"] == 'W/"1"' == answer.body["meta"]["version"]
    assert answer.headers["Content-Type"] == "application/scim+json"


def test_created_user_reads_back_as_it_was_answered(scim: ScimClient) -> None:
    user = scim.add_user(
        name={"givenName": "Ann"}, emails=[{"value": "a@x.test"}], title="T"
    )

    assert scim.get(f"/Users/{user['id']}").body == user


def test_created_user_has_the_meta_of_the_rfc(scim: ScimClient) -> None:
    user = scim.add_user()

    assert user["schemas"] == [USER]
    assert user["meta"]["resourceType"] == "User"
    assert user["meta"]["created"] == user["meta"]["lastModified"]
    assert user["meta"]["location"] == f"{scim.directory.base_url}/Users/{user['id']}"


def test_user_without_active_is_active(scim: ScimClient) -> None:
    answer = scim.post("/Users", {"userName": "ann"})

    assert answer.body["active"] is True


def test_rename_to_another_spelling_of_the_own_name_works(scim: ScimClient) -> None:
    user = scim.add_user("ann")

    answer = scim.put(f"/Users/{user['id']}", {"userName": "ANN"})

    assert (answer.status, answer.body["userName"]) == (200, "ANN")


def test_error_of_a_taken_name_does_not_quote_it(scim: ScimClient) -> None:
    scim.add_user("ann.secret")

    answer = scim.post("/Users", {"userName": "Ann.Secret"})

    assert "secret" not in answer.text.lower()


@pytest.mark.parametrize("dialect_part", [{"userName": "ANN"}, {"externalId": "e-1"}])
def test_creating_an_inactive_user_again_brings_them_back(
    dialect_part: dict[str, str], scim: ScimClient
) -> None:
    user = scim.add_user("ann", externalId="e-1", active=False)
    body = {"userName": "ann.novak", "active": True, "title": "T", **dialect_part}

    answer = scim.post("/Users", body)

    assert answer.status == 201
    assert (answer.body["id"], answer.body["active"]) == (user["id"], True)
    assert answer.body["title"] == "T"
    assert scim.get("/Users").body["totalResults"] == 1
    assert Change.objects.latest("id").kind == Change.Kind.REACTIVATED


def test_reactivated_user_keeps_the_groups(scim: ScimClient) -> None:
    user = scim.add_user("ann", active=False)
    scim.add_group("G", user["id"])

    answer = scim.post("/Users", {"userName": "ann"})

    assert [g["display"] for g in answer.body["groups"]] == ["G"]


def test_creating_an_active_user_again_is_409(scim: ScimClient) -> None:
    scim.add_user("ann", externalId="e-1")

    assert scim.post("/Users", {"userName": "ann", "externalId": "e-1"}).status == 409


def test_creating_an_inactive_user_as_inactive_is_409(scim: ScimClient) -> None:
    scim.add_user("ann", active=False)

    assert scim.post("/Users", {"userName": "ann", "active": False}).status == 409


def test_put_replaces_what_it_leaves_out(scim: ScimClient) -> None:
    user = scim.add_user(title="T", nickName="A", emails=[{"value": "a@x.test"}])

    answer = scim.put(f"/Users/{user['id']}", {"userName": "bea", "title": "U"})

    assert answer.status == 200
    assert answer.body["userName"] == "bea"
    assert answer.body["title"] == "U"
    assert not {"nickName", "emails"} & answer.body.keys()


@pytest.mark.parametrize("active", [True, False])
def test_put_without_active_neither_deactivates_nor_brings_back(
    active: bool, scim: ScimClient
) -> None:
    user = scim.add_user("ann", active=active)

    answer = scim.put(f"/Users/{user['id']}", {"userName": "ann", "title": "T"})

    assert answer.body["active"] is active


def test_put_of_a_whole_answer_changes_nothing(scim: ScimClient) -> None:
    user = scim.add_user(title="T", **{ENTERPRISE: {"department": "D"}})
    scim.add_group("G", user["id"])
    whole = scim.get(f"/Users/{user['id']}").body

    answer = scim.put(f"/Users/{user['id']}", {**whole, "password": "x"})

    assert answer.body == whole


def test_patch_answers_200_with_the_resource(scim: ScimClient) -> None:
    user = scim.add_user()

    answer = scim.patch(
        f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": "T"}
    )

    assert answer.status == 200
    assert answer.body["title"] == "T"
    assert answer.headers["ETag"] == 'W/"2"' == answer.body["meta"]["version"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "value": {"active": False}},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "Replace", "path": f"{USER}:active", "value": "false"},
        {"op": "Add", "value": {"active": "False"}},
    ],
    ids=["Okta", "Entra", "by the RFC", "with URN", "add"],
)
def test_deactivation_of_every_idp_deactivates(
    operation: dict[str, Any], scim: ScimClient
) -> None:
    user = scim.add_user()

    assert scim.patch(f"/Users/{user['id']}", operation).body["active"] is False
    assert scim.get("/Users", filter="active eq false").body["totalResults"] == 1


def test_removing_active_of_an_inactive_user_does_not_bring_them_back(
    scim: ScimClient,
) -> None:
    user = scim.add_user(active=False)

    scim.patch(f"/Users/{user['id']}", {"op": "remove", "path": "active"})

    assert scim.get("/Users", filter="active eq true").resources == []


def test_patch_of_nothing_changes_no_version(scim: ScimClient) -> None:
    user = scim.add_user()

    answer = scim.patch(f"/Users/{user['id']}")

    assert (answer.status, answer.body) == (200, user)


def test_patch_to_the_same_value_changes_no_version(scim: ScimClient) -> None:
    user = scim.add_user(title="T")

    answer = scim.patch(
        f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": "T"}
    )

    assert answer.body == user


def test_deleted_users_name_is_free_again(scim: ScimClient) -> None:
    user = scim.add_user("ann")
    scim.delete(f"/Users/{user['id']}")

    assert scim.add_user("ann")["id"] != user["id"]


@pytest.mark.parametrize(
    "answer_to", ["create", "read", "list", "put", "patch"], ids=str
)
def test_projection_holds_for_every_answer(answer_to: str, scim: ScimClient) -> None:
    user = scim.add_user(title="T", displayName="A")
    path = f"/Users/{user['id']}"
    asked = "attributes=userName,title"

    answer = {
        "create": lambda: scim.post(f"/Users?{asked}", {"userName": "b", "title": "T"}),
        "read": lambda: scim.get(f"{path}?{asked}"),
        "list": lambda: scim.get(f"/Users?{asked}"),
        "put": lambda: scim.put(f"{path}?{asked}", {"userName": "a", "title": "T"}),
        "patch": lambda: scim.patch(
            f"{path}?{asked}", {"op": "add", "path": "nickName", "value": "N"}
        ),
    }[answer_to]()

    body = answer.body["Resources"][0] if answer_to == "list" else answer.body
    assert set(body) == {"schemas", "id", "userName", "title"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_bad_projection_of_a_write_leaves_nothing_written(
    method: str, scim: ScimClient
) -> None:
    user = scim.add_user()
    path = "/Users" if method == "POST" else f"/Users/{user['id']}"
    query = "?attributes=id&excludedAttributes=groups"
    body: dict[str, Any] = {"userName": "eve"}
    if method == "PATCH":
        body = {"Operations": [{"op": "add", "path": "title", "value": "T"}]}

    answer = scim.request(method, path + query, body)

    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert scim.get("/Users").resources == [user]


def test_change_names_attributes_token_and_request(scim: ScimClient) -> None:
    user = scim.add_user(title="T")

    answer = scim.patch(
        f"/Users/{user['id']}",
        {"op": "replace", "value": {"title": "secret", "nickName": "N"}},
    )

    change = Change.objects.latest("id")
    assert change.attributes == ["nickName", "title"]
    assert (change.kind, change.version) == (Change.Kind.PATCHED, 2)
    assert change.token_key == scim.token[4:16]
    assert change.request_id == answer.headers["X-Request-Id"]
    assert "secret" not in str(vars(change))
