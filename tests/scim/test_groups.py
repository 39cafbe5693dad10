"""`/Groups`: members in every shape that IdPs send, and `user.groups`."""

from __future__ import annotations

from typing import Any

import pytest

from scim import memberships, records
from scim.models import Change, GroupMember, Resource
from scim.protocol.tolerances import Tolerance
from tests.conftest import ScimClient
from tests.scim.urns import GROUP, NO_ID
from workspaces.models import Directory

ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


@pytest.fixture
def people(scim: ScimClient) -> dict[str, str]:
    """Ids of four users by name."""
    return {name: scim.add_user(name)["id"] for name in ("ann", "bob", "cid", "dan")}


def names(scim: ScimClient, group: dict[str, Any]) -> list[str]:
    """Return who is in the group, in order."""
    ids = dict(Resource.objects.values_list("public_id", "label"))
    body = scim.get(f"/Groups/{group['id']}").body
    return [ids[member["value"]] for member in body.get("members", [])]


def filled(value: Any, people: dict[str, str]) -> Any:
    """Put ids for names that start with `@`."""
    if isinstance(value, dict):
        return {k: filled(v, people) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(item, people) for item in value]
    if isinstance(value, str):
        for name, public_id in people.items():
            value = value.replace(f"@{name}", public_id)
    return value


def test_group_reads_back_as_it_was_answered(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"], people["bob"])

    assert scim.get(f"/Groups/{group['id']}").body == group


def test_member_names_the_resource_by_value_ref_and_type(
    scim: ScimClient, people: dict[str, str]
) -> None:
    [member] = scim.add_group("G", people["ann"])["members"]

    assert member["value"] == people["ann"]
    assert member["$ref"] == f"{scim.directory.base_url}/Users/{people['ann']}"
    assert member["type"].lower() == "user"


def test_member_shows_its_name_on_request(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    answer = scim.get(f"/Groups/{group['id']}", attributes="members.display")

    assert answer.body["members"] == [{"display": "ann"}]


MEMBERS = [
    pytest.param([{"value": "@ann"}], ["ann"], id="objects"),
    pytest.param(
        [{"value": "@ann", "display": "A", "$ref": None}], ["ann"], id="with display"
    ),
    pytest.param(
        [{"value": "@ann", "$ref": "../Users/@ann", "type": "User"}],
        ["ann"],
        id="with $ref and type",
    ),
    pytest.param(["@ann", "@bob"], ["ann", "bob"], id="ids"),
    pytest.param({"value": "@ann"}, ["ann"], id="one object"),
    pytest.param("@ann", ["ann"], id="one id"),
    pytest.param([{"value": "@ann"}, {"value": "@ann"}], ["ann"], id="twice"),
    pytest.param([], [], id="empty"),
    pytest.param(None, [], id="null"),
]


@pytest.mark.parametrize(("sent", "expected"), MEMBERS)
def test_post_with_members_stores_them(
    sent: Any, expected: list[str], scim: ScimClient, people: dict[str, str]
) -> None:
    answer = scim.post("/Groups", filled({"displayName": "G", "members": sent}, people))

    assert answer.status == 201
    assert names(scim, answer.body) == expected


@pytest.mark.parametrize(("sent", "expected"), MEMBERS)
def test_put_with_members_replaces_them(
    sent: Any, expected: list[str], scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["cid"], people["ann"])

    answer = scim.put(
        f"/Groups/{group['id']}", filled({"displayName": "G", "members": sent}, people)
    )

    assert answer.status == 200
    assert names(scim, answer.body) == expected


def test_put_without_members_keeps_them(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    answer = scim.put(f"/Groups/{group['id']}", {"displayName": "H"})

    assert answer.body["displayName"] == "H"
    assert names(scim, group) == ["ann"]


OPERATIONS = [
    pytest.param(
        {"op": "add", "path": "members", "value": [{"value": "@cid", "display": "C"}]},
        ["ann", "bob", "cid"],
        id="Okta adds",
    ),
    pytest.param(
        {"op": "Add", "path": "members", "value": [{"$ref": None, "value": "@cid"}]},
        ["ann", "bob", "cid"],
        id="Entra adds",
    ),
    pytest.param(
        {"op": "add", "value": {"members": [{"value": "@cid"}]}},
        ["ann", "bob", "cid"],
        id="add without path",
    ),
    pytest.param(
        {"op": "add", "path": f"{GROUP}:members", "value": [{"value": "@cid"}]},
        ["ann", "bob", "cid"],
        id="add with the URN",
    ),
    pytest.param(
        {"op": "add", "path": "MEMBERS", "value": {"value": "@cid"}},
        ["ann", "bob", "cid"],
        id="add in capitals, one object",
    ),
    pytest.param(
        {"op": "Add", "path": "members", "value": [{"value": "@ann"}]},
        ["ann", "bob"],
        id="add who is there",
    ),
    pytest.param(
        {"op": "add", "path": "members", "value": []}, ["ann", "bob"], id="add nobody"
    ),
    pytest.param(
        {"op": "remove", "path": 'members[value eq "@ann"]'}, ["bob"], id="Okta removes"
    ),
    pytest.param(
        {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "@ann"}]},
        ["bob"],
        id="Entra removes",
    ),
    pytest.param(
        {"op": "Remove", "value": {"members": [{"value": "@ann"}]}},
        ["bob"],
        id="Entra removes without path",
    ),
    pytest.param(
        {"op": "remove", "path": 'members[value eq "@ann" or value eq "@bob"]'},
        [],
        id="remove by or",
    ),
    pytest.param(
        {"op": "remove", "path": 'members[not (value eq "@ann")]'},
        ["ann"],
        id="remove by not",
    ),
    pytest.param(
        {"op": "remove", "path": 'members[type eq "User"]'}, [], id="remove by type"
    ),
    pytest.param(
        {"op": "remove", "path": 'members[display sw "AN"]'},
        ["bob"],
        id="remove by display",
    ),
    pytest.param(
        {"op": "remove", "path": 'members[value eq "@dan"]'},
        ["ann", "bob"],
        id="remove who is not there",
    ),
    pytest.param({"op": "remove", "path": "members"}, [], id="remove all"),
    pytest.param(
        {"op": "replace", "path": "members", "value": [{"value": "@cid"}]},
        ["cid"],
        id="replace",
    ),
    pytest.param(
        {"op": "replace", "value": {"members": [{"value": "@cid"}, "@ann"]}},
        ["ann", "cid"],
        id="replace without path",
    ),
    pytest.param(
        {"op": "replace", "path": "members", "value": []}, [], id="replace by nobody"
    ),
]


@pytest.mark.parametrize(("operation", "expected"), OPERATIONS)
def test_patch_of_members(
    operation: dict[str, Any],
    expected: list[str],
    scim: ScimClient,
    people: dict[str, str],
) -> None:
    group = scim.add_group("G", people["ann"], people["bob"])

    answer = scim.patch(f"/Groups/{group['id']}", filled(operation, people))

    assert answer.status == 200, answer.text
    assert names(scim, group) == expected


def test_removing_nobody_by_an_empty_list_removes_nobody(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    scim.patch(
        f"/Groups/{group['id']}", {"op": "remove", "path": "members", "value": []}
    )

    assert names(scim, group) == ["ann"]


def test_operations_on_members_apply_in_order(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    scim.patch(
        f"/Groups/{group['id']}",
        *filled(
            [
                {"op": "remove", "path": "members"},
                {"op": "add", "path": "members", "value": [{"value": "@bob"}]},
                {"op": "add", "path": "members", "value": [{"value": "@cid"}]},
                {"op": "remove", "path": 'members[value eq "@bob"]'},
                {"op": "replace", "path": "displayName", "value": "H"},
            ],
            people,
        ),
    )

    assert names(scim, group) == ["cid"]
    assert scim.get(f"/Groups/{group['id']}").body["displayName"] == "H"


def test_rename_with_id_as_okta_sends_it(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    answer = scim.patch(
        f"/Groups/{group['id']}",
        {"op": "replace", "value": {"id": group["id"], "displayName": "H"}},
    )

    assert (answer.status, answer.body["displayName"]) == (200, "H")
    assert names(scim, group) == ["ann"]


def test_extra_schema_of_entra_is_not_in_the_answer(scim: ScimClient) -> None:
    answer = scim.post("/Groups", {"schemas": [GROUP, ADSCIM], "displayName": "G"})

    assert answer.body["schemas"] == [GROUP]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "members", "value": [{"value": NO_ID}]},
        {"op": "add", "path": "members", "value": [{"display": "Ann"}]},
        {"op": "add", "path": "members", "value": [5]},
        {"op": "add", "path": "members"},
        {"op": "add", "path": "members", "value": [{"value": "\u0000"}]},
        {"op": "remove", "path": "members[nope eq 1]"},
        {"op": "remove", "path": "members[value eq]"},
    ],
)
def test_member_that_does_not_exist_is_refused_and_nothing_kept(
    operation: dict[str, Any], scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["bob"])

    answer = scim.patch(
        f"/Groups/{group['id']}",
        {"op": "replace", "path": "displayName", "value": "H"},
        filled(operation, people),
    )

    assert answer.status == 400
    assert scim.get(f"/Groups/{group['id']}").body == group


@pytest.mark.parametrize("way", ["POST", "add", "in bulk"])
def test_unknown_member_is_left_out_of_those_to_add(
    way: str, scim: ScimClient, people: dict[str, str]
) -> None:
    records._waiting.clear()
    sent = [{"value": people["ann"]}, {"value": NO_ID}]
    operation = {"op": "add", "path": "members", "value": sent}

    if way == "POST":
        group = scim.post("/Groups", {"displayName": "G", "members": sent}).body
    else:
        group = scim.add_group("G")
        path = f"/Groups/{group['id']}"
        if way == "add":
            group = scim.patch(path, operation).body
        else:
            data = {"Operations": [operation]}
            scim.post(
                "/Bulk",
                {"Operations": [{"method": "PATCH", "path": path, "data": data}]},
            )
            group = scim.get(path).body

    assert [m["value"] for m in group["members"]] == [people["ann"]]
    assert Tolerance.UNKNOWN_MEMBER in {
        t for record in records._waiting for t in record["tolerances"]
    }


def test_unknown_member_alone_changes_nothing(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    answer = scim.patch(
        f"/Groups/{group['id']}",
        {"op": "add", "path": "members", "value": [{"value": NO_ID}]},
    )

    assert (answer.status, answer.body) == (200, group)


@pytest.mark.parametrize("way", ["PUT", "replace"])
def test_unknown_member_takes_nobody_out(
    way: str, scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])
    path, sent = f"/Groups/{group['id']}", [{"value": NO_ID}]

    if way == "PUT":
        answer = scim.put(path, {"displayName": "G", "members": sent})
    else:
        answer = scim.patch(path, {"op": way, "path": "members", "value": sent})

    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert scim.get(path).body == group


@pytest.mark.parametrize(
    ("fixed", "client"),
    [
        ("okta", ""),
        ("entra", ""),
        ("google", ""),
        ("auto", "Okta SCIM Client 1.0.0"),
        ("auto", "Microsoft-Entra"),
    ],
)
def test_unknown_member_is_refused_for_idps_that_show_and_repeat_it(
    fixed: str, client: str, scim: ScimClient, people: dict[str, str]
) -> None:
    Directory.objects.filter(pk=scim.directory.pk).update(dialect=fixed)
    group = scim.add_group("G", people["ann"])
    sent = [{"value": people["bob"]}, {"value": NO_ID}]
    operation = {"op": "add", "path": "members", "value": sent}

    answers = [
        scim.patch(f"/Groups/{group['id']}", operation, user_agent=client),
        scim.post("/Groups", {"displayName": "H", "members": sent}, user_agent=client),
    ]

    for answer in answers:
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert scim.get("/Groups").resources == [group]


def test_taken_group_name_is_409(scim: ScimClient) -> None:
    scim.add_group("Engineering")

    answer = scim.post("/Groups", {"displayName": "ENGINEERING"})

    assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")


@pytest.mark.parametrize("body", [{}, {"displayName": ""}, {"displayName": None}])
def test_group_needs_a_name(body: dict[str, Any], scim: ScimClient) -> None:
    answer = scim.post("/Groups", body)

    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 501, id="too long"),
        pytest.param("İ" * 400, id="too long in lower case"),
    ],
)
def test_group_name_that_is_too_long_is_invalid_value(
    name: str, scim: ScimClient
) -> None:
    answer = scim.post("/Groups", {"displayName": name})

    assert (answer.status, answer.body.get("scimType")) == (400, "invalidValue")


def test_groups_of_a_user_follow_from_the_members(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    [value] = scim.get(f"/Users/{people['ann']}").body["groups"]

    assert value == {
        "value": group["id"],
        "$ref": f"{scim.directory.base_url}/Groups/{group['id']}",
        "display": "G",
        "type": "direct",
    }
    assert "groups" not in scim.get(f"/Users/{people['bob']}").body


def test_renamed_group_shows_its_new_name_at_the_user(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    scim.put(f"/Groups/{group['id']}", {"displayName": "H"})

    [value] = scim.get(f"/Users/{people['ann']}").body["groups"]
    assert value["display"] == "H"


def test_deleted_group_leaves_its_members(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    assert scim.delete(f"/Groups/{group['id']}").status == 204

    assert "groups" not in scim.get(f"/Users/{people['ann']}").body
    assert GroupMember.objects.count() == 0


def test_deactivated_user_stays_in_the_groups(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    scim.patch(f"/Users/{people['ann']}", {"op": "replace", "value": {"active": False}})

    assert names(scim, group) == ["ann"]


def test_change_of_members_counts_the_version_up(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G")

    answer = scim.patch(
        f"/Groups/{group['id']}",
        filled({"op": "add", "path": "members", "value": ["@ann"]}, people),
    )

    assert answer.headers["ETag"].startswith('W/"2-')
    assert Change.objects.latest("id").attributes == ["members"]


def test_adding_who_is_there_keeps_the_version(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    answer = scim.patch(
        f"/Groups/{group['id']}",
        filled({"op": "add", "path": "members", "value": ["@ann"]}, people),
    )

    assert answer.headers["ETag"] == group["meta"]["version"]


def test_removing_and_adding_the_same_member_changes_nothing(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    answer = scim.patch(
        f"/Groups/{group['id']}",
        *filled(
            [
                {"op": "remove", "path": 'members[value eq "@ann"]'},
                {"op": "add", "path": "members", "value": ["@ann"]},
            ],
            people,
        ),
    )

    assert names(scim, group) == ["ann"]
    assert answer.headers["ETag"] == group["meta"]["version"]


def test_excluded_members_are_not_in_the_answer(
    scim: ScimClient, people: dict[str, str]
) -> None:
    group = scim.add_group("G", people["ann"])

    one = scim.get(f"/Groups/{group['id']}", excludedAttributes="members")
    listed = scim.get("/Groups", excludedAttributes="members")

    assert "members" not in one.body
    assert "members" not in listed.resources[0]


def test_large_group_is_replaced_as_a_whole(scim: ScimClient) -> None:
    now = Resource.objects.create
    ids = [
        now(
            directory=scim.directory,
            resource_type="User",
            document='{"schemas":[],"userName":"x"}',
            comparable={},
            label=str(n),
            user_name_key=f"user{n}",
            active=True,
            created_at="2026-01-01T00:00:00Z",
            modified_at="2026-01-01T00:00:00Z",
        ).public_id
        for n in range(1_200)
    ]
    group = scim.add_group("G", *ids)

    answer = scim.put(
        f"/Groups/{group['id']}", {"displayName": "G", "members": ids[600:]}
    )

    assert answer.status == 200
    assert [m["value"] for m in answer.body["members"]] == ids[600:]


def test_patch_of_a_large_group_answers_204(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memberships, "LARGE_GROUP", 2)
    users = [scim.add_user(f"user{n}")["id"] for n in range(3)]
    group = scim.add_group("Large", *users)
    path = f"/Groups/{group['id']}"
    rename = {"op": "replace", "path": "displayName", "value": "Larger"}

    answer = scim.patch(path, rename)
    asked = scim.patch(f"{path}?attributes=displayName", rename)

    assert (answer.status, answer.text, answer.headers["ETag"]) == (204, "", 'W/"2"')
    assert (asked.status, asked.body["displayName"]) == (200, "Larger")
