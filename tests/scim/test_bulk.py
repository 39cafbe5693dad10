"""`/Bulk`: RFC 7644 section 3.7."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Answer, ScimClient

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def bulk(scim: ScimClient, *operations: Any, **more: Any) -> Answer:
    return scim.post("/Bulk", {"schemas": [REQUEST], "Operations": operations, **more})


def new_user(name: str, bulk_id: str | None = None) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": "/Users",
        "bulkId": bulk_id or name,
        "data": {"userName": name},
    }


def new_group(name: str, *members: str) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": "/Groups",
        "bulkId": name,
        "data": {"displayName": name, "members": [{"value": m} for m in members]},
    }


def statuses(answer: Answer) -> list[str]:
    return [operation["status"] for operation in answer.body["Operations"]]


def members(scim: ScimClient, name: str) -> list[str]:
    (group,) = scim.get("/Groups", filter=f'displayName eq "{name}"').resources
    return [member["value"] for member in group.get("members", [])]


def id_of(scim: ScimClient, endpoint: str, where: str) -> str:
    (found,) = scim.get(endpoint, filter=where).resources
    return found["id"]


def test_every_method_is_carried_out(scim: ScimClient) -> None:
    ann, bob, eve = (scim.add_user(name) for name in ("ann", "bob", "eve"))

    answer = bulk(
        scim,
        new_user("new"),
        {"method": "PUT", "path": f"/Users/{ann['id']}", "data": {"userName": "ann2"}},
        {
            "method": "PATCH",
            "path": f"/Users/{bob['id']}",
            "data": {
                "Operations": [{"op": "replace", "path": "active", "value": False}]
            },
        },
        {"method": "DELETE", "path": f"/Users/{eve['id']}"},
    )

    assert answer.status == 200
    assert statuses(answer) == ["201", "200", "200", "204"]
    names = [user["userName"] for user in scim.get("/Users").resources]
    assert names == ["ann2", "bob", "new"]


def test_outcome_names_location_version_and_bulk_id(scim: ScimClient) -> None:
    (outcome,) = bulk(scim, new_user("ann", "qwerty")).body["Operations"]

    user_id = id_of(scim, "/Users", 'userName eq "ann"')
    assert outcome == {
        "method": "POST",
        "bulkId": "qwerty",
        "location": f"{scim.directory.base_url}/Users/{user_id}",
        "version": 'W/"1"',
        "status": "201",
    }


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["after", "before"])
def test_group_refers_to_a_user_of_the_same_request(
    order: list[int], scim: ScimClient
) -> None:
    operations = [new_user("ann"), new_group("Eng", "bulkId:ann")]

    answer = bulk(scim, *[operations[place] for place in order])

    assert statuses(answer) == ["201", "201"]
    assert [o["bulkId"] for o in answer.body["Operations"]] == [
        operations[place]["bulkId"] for place in order
    ]
    assert members(scim, "Eng") == [id_of(scim, "/Users", 'userName eq "ann"')]


def test_groups_may_refer_to_each_other_in_a_circle(scim: ScimClient) -> None:
    answer = bulk(scim, new_group("A", "bulkId:B"), new_group("B", "bulkId:A"))

    assert statuses(answer) == ["201", "201"]
    assert members(scim, "A") == [id_of(scim, "/Groups", 'displayName eq "B"')]
    assert members(scim, "B") == [id_of(scim, "/Groups", 'displayName eq "A"')]


def test_path_may_refer_to_what_was_created(scim: ScimClient) -> None:
    change = {"Operations": [{"op": "add", "path": "title", "value": "Boss"}]}

    answer = bulk(
        scim,
        new_user("ann"),
        {"method": "PATCH", "path": "/Users/bulkId:ann", "data": change},
    )

    assert statuses(answer) == ["201", "200"]
    assert scim.get("/Users", filter='title eq "boss"').body["totalResults"] == 1


def test_failed_operation_tells_why_and_the_others_go_on(scim: ScimClient) -> None:
    scim.add_user("ann")

    answer = bulk(scim, new_user("ann"), new_user("bob"))

    assert statuses(answer) == ["409", "201"]
    failed = answer.body["Operations"][0]
    assert failed["response"]["scimType"] == "uniqueness"
    assert "location" not in failed


def test_reference_to_what_failed_is_an_error(scim: ScimClient) -> None:
    scim.add_user("ann")

    answer = bulk(scim, new_user("ann"), new_group("Eng", "bulkId:ann"))

    assert statuses(answer) == ["409", "400"]
    assert scim.get("/Groups").body["totalResults"] == 0


def test_it_stops_after_as_many_errors_as_allowed(scim: ScimClient) -> None:
    scim.add_user("ann")
    operations = [
        new_user("ann", "1"),
        new_user("bob"),
        new_user("ann", "2"),
        new_user("eve"),
    ]

    answer = bulk(scim, *operations, failOnErrors=2)

    assert statuses(answer) == ["409", "201", "409"]


def test_version_of_an_operation_is_a_precondition(scim: ScimClient) -> None:
    ann = scim.add_user("ann")

    answer = bulk(
        scim,
        {"method": "DELETE", "path": f"/Users/{ann['id']}", "version": 'W/"9"'},
    )

    assert statuses(answer) == ["412"]
    assert scim.get(f"/Users/{ann['id']}").status == 200


def test_limits_are_announced(scim: ScimClient, settings: Any) -> None:
    announced = scim.get("/ServiceProviderConfig").body["bulk"]

    assert announced == {
        "supported": True,
        "maxOperations": 1000,
        "maxPayloadSize": settings.KEYWAY_SCIM_MAX_BODY_BYTES,
    }
