"""The integration's own user schema, as an extension of User."""

from __future__ import annotations

from typing import Any

import pytest

from scim.models import Resource
from scim.protocol.user_schema import InvalidUserSchema, read, urn_of
from tests.conftest import JSON, ScimClient
from tests.scim.urns import ENTERPRISE, USER
from workspaces.models import Directory

ATTRIBUTES: list[JSON] = [
    {"name": "costCode", "label": "Cost code", "type": "string", "caseExact": True},
    {"name": "nick", "type": "string", "description": "What friends say."},
    {"name": "level", "type": "integer"},
    {"name": "rate", "type": "decimal"},
    {"name": "vip", "type": "boolean"},
    {"name": "since", "type": "dateTime"},
    {"name": "tags", "type": "string", "multiValued": True},
]


@pytest.fixture
def urn(directory: Directory) -> str:
    directory.user_schema = {"attributes": ATTRIBUTES}
    directory.save()
    return urn_of(directory.key)


@pytest.fixture
def people(urn: str, scim: ScimClient) -> dict[str, JSON]:
    values: dict[str, JSON] = {
        "ann": {"costCode": "C7", "level": 3, "tags": ["Red", "blue"], "vip": True},
        "bob": {"costCode": "c7", "level": 12, "since": "2024-05-01T10:00:00+02:00"},
        "cid": {"nick": "CC", "rate": 1.5, "since": "2026-01-01T00:00:00Z"},
        "dan": {},
    }
    return {
        name: scim.add_user(name, **({urn: own} if own else {}))
        for name, own in values.items()
    }


def test_extension_is_announced(urn: str, scim: ScimClient) -> None:
    types = {t["name"]: t for t in scim.get("/ResourceTypes").resources}
    schema = scim.get(f"/Schemas/{urn}").body

    assert types["User"]["schemaExtensions"] == [
        {"schema": ENTERPRISE, "required": False},
        {"schema": urn, "required": False},
    ]
    assert "schemaExtensions" not in types["Group"]
    described = {a["name"]: a for a in schema["attributes"]}
    assert set(described) == {a["name"] for a in ATTRIBUTES}
    assert described["costCode"]["caseExact"] is True
    assert described["costCode"]["description"] == "Cost code"
    assert described["tags"]["multiValued"] is True
    assert described["since"]["type"] == "dateTime"


def test_directory_without_one_announces_none(
    urn: str, scim: ScimClient, other_scim: ScimClient
) -> None:
    other = [s["id"] for s in other_scim.get("/Schemas").resources]

    assert urn not in other
    assert not any(name.startswith("urn:keyway:") for name in other)
    assert other_scim.get(f"/Schemas/{urn}").status == 404


def test_values_read_back(people: dict[str, JSON], urn: str, scim: ScimClient) -> None:
    body = scim.get(f"/Users/{people['ann']['id']}").body

    assert body["schemas"] == [USER, urn]
    assert body[urn] == {
        "costCode": "C7",
        "level": 3,
        "tags": ["Red", "blue"],
        "vip": True,
    }


@pytest.mark.parametrize(
    "own",
    [{"level": "three"}, {"vip": "perhaps"}, {"since": "yesterday"}, {"tags": [{}]}],
)
def test_value_of_another_type_is_refused(
    own: JSON, urn: str, scim: ScimClient
) -> None:
    answer = scim.post("/Users", {"userName": "ann", urn: own})

    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")


def test_required_attribute_is_required_of_who_has_the_extension(
    directory: Directory, urn: str, scim: ScimClient
) -> None:
    directory.user_schema = {
        "attributes": [*ATTRIBUTES, {"name": "badge", "required": True}]
    }
    directory.save()

    assert scim.post("/Users", {"userName": "a", urn: {"nick": "A"}}).status == 400
    assert scim.post("/Users", {"userName": "a", urn: {"badge": "1"}}).status == 201
    assert scim.post("/Users", {"userName": "b"}).status == 201


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ('{urn}:costCode eq "C7"', ["ann"]),
        ('{urn}:nick eq "cc"', ["cid"]),
        ("{urn}:level gt 3", ["bob"]),
        ("{urn}:level le 12", ["ann", "bob"]),
        ("{urn}:rate lt 2", ["cid"]),
        ("{urn}:vip eq true", ["ann"]),
        ('{urn}:since ge "2024-05-01T08:00:00Z"', ["bob", "cid"]),
        ('{urn}:tags eq "RED"', ["ann"]),
        ('{urn}:tags co "lu"', ["ann"]),
        ("{urn}:tags pr", ["ann"]),
        ("not ({urn}:level pr)", ["cid", "dan"]),
    ],
)
def test_filter(
    filter_: str, names: list[str], people: dict[str, JSON], urn: str, scim: ScimClient
) -> None:
    answer = scim.get("/Users", filter=filter_.format(urn=urn))

    assert sorted(u["userName"] for u in answer.resources) == names


def test_sort(people: dict[str, JSON], urn: str, scim: ScimClient) -> None:
    users = scim.get("/Users", sortBy=f"{urn}:level").resources

    assert [u["userName"] for u in users][:2] == ["ann", "bob"]


def test_projection(people: dict[str, JSON], urn: str, scim: ScimClient) -> None:
    path = f"/Users/{people['ann']['id']}"

    only = scim.get(path, attributes=f"{urn}:level").body
    without = scim.get(path, excludedAttributes=urn).body

    assert only[urn] == {"level": 3}
    assert "userName" not in only
    assert urn not in without


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "replace", "path": "{urn}:level", "value": 4}, {"level": 4}),
        ({"op": "Replace", "path": "{urn}:vip", "value": "False"}, {"vip": False}),
        (
            {"op": "add", "path": "{urn}:tags", "value": ["x"]},
            {"tags": ["Red", "blue", "x"]},
        ),
        ({"op": "remove", "path": "{urn}:tags"}, {"tags": None}),
        ({"op": "add", "path": "costCode", "value": "C8"}, {"costCode": "C8"}),
        ({"op": "add", "value": {"{urn}:nick": "A"}}, {"nick": "A"}),
        ({"op": "add", "value": {"{urn}": {"nick": "A"}}}, {"nick": "A"}),
    ],
)
def test_patch(
    operation: JSON,
    expected: JSON,
    people: dict[str, JSON],
    urn: str,
    scim: ScimClient,
) -> None:
    answer = scim.patch(f"/Users/{people['ann']['id']}", _filled(operation, urn))

    assert answer.status == 200, answer.text
    own = answer.body[urn]
    assert {name: own.get(name) for name in expected} == expected


def test_put_replaces_the_values(
    people: dict[str, JSON], urn: str, scim: ScimClient
) -> None:
    path = f"/Users/{people['ann']['id']}"

    body = scim.put(path, {"userName": "ann", urn: {"level": 1}}).body

    assert body[urn] == {"level": 1}


@pytest.mark.parametrize(
    "new", [{}, {"attributes": [{"name": "level", "type": "dateTime"}]}]
)
def test_user_outlives_a_change_of_the_schema(
    new: JSON, directory: Directory, people: dict[str, JSON], scim: ScimClient
) -> None:
    directory.user_schema = new
    directory.save()
    path = f"/Users/{people['ann']['id']}"

    assert scim.get(path).status == 200
    for change in (
        {"op": "replace", "path": "active", "value": False},
        {"op": "add", "path": "emails", "value": [{"value": "a@x.test"}]},
    ):
        assert scim.patch(path, change).status == 200
    assert scim.put(path, {"userName": "ann"}).status == 200
    assert Resource.objects.get(public_id=people["ann"]["id"]).active is False


@pytest.mark.parametrize(
    "described",
    [
        [],
        {"attributes": {}},
        {"attributes": ["level"]},
        {"attributes": [{"type": "string"}]},
        {"attributes": [{"name": "a b"}]},
        {"attributes": [{"name": "id"}]},
        {"attributes": [{"name": "a", "type": "complex"}]},
        {"attributes": [{"name": "a", "required": "yes"}]},
        {"attributes": [{"name": "a"}, {"name": "A"}]},
        {"attributes": [{"name": f"a{n}"} for n in range(101)]},
    ],
)
def test_what_is_no_user_schema_is_refused(described: Any) -> None:
    with pytest.raises(InvalidUserSchema):
        read(described)


def _filled(value: Any, urn: str) -> Any:
    if isinstance(value, dict):
        return {_filled(k, urn): _filled(v, urn) for k, v in value.items()}
    return value.replace("{urn}", urn) if isinstance(value, str) else value
