"""The integration's own user schema, as an extension of User."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.models import Resource
from scim.protocol.schema import service_provider
from scim.protocol.user_schema import (
    TYPES,
    InvalidUserSchema,
    parse,
    read,
    stored,
    urn_of,
)
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


def test_patch_before_the_job_keeps_the_values_that_still_fit(
    directory: Directory, people: dict[str, JSON], urn: str, scim: ScimClient
) -> None:
    directory.user_schema = {
        "attributes": [{"name": "level", "type": "boolean"}, {"name": "costCode"}]
    }
    directory.save()
    change = {"op": "add", "path": "emails", "value": [{"value": "a@x.test"}]}

    answer = scim.patch(f"/Users/{people['ann']['id']}", change)

    assert answer.body[urn] == {"costCode": "C7"}


def test_malformed_schema_serves_what_can_be_read(
    directory: Directory, scim: ScimClient
) -> None:
    directory.user_schema = {
        "attributes": [
            7,
            {"name": "a b"},
            {"name": "bad", "type": "complex"},
            {"name": "level", "type": "integer", "label": None},
            {"name": "good"},
            {"name": "Good", "type": "integer"},
            {"name": "modelDump"},
            {"name": "employeeId"},
            {"name": "employee_id"},
        ]
    }
    directory.save()
    urn = urn_of(directory.key)

    listed = scim.get(f"/Schemas/{urn}").body["attributes"]

    assert [a["name"] for a in listed] == ["good", "employeeId"]
    assert scim.add_user(**{urn: {"good": "1"}})[urn] == {"good": "1"}


@pytest.mark.parametrize(
    "stored", [[], "x", 7, True, {"attributes": "x"}, {"attributes": [{}]}, {"a": []}]
)
def test_schema_without_anything_to_read_is_none(
    stored: Any, directory: Directory, scim: ScimClient
) -> None:
    directory.user_schema = stored
    directory.save()

    assert scim.get(f"/Schemas/{urn_of(directory.key)}").status == 404
    assert scim.get("/Users").status == 200


def test_value_from_before_the_schema_said_number_breaks_no_filter(
    directory: Directory, people: dict[str, JSON], urn: str, scim: ScimClient
) -> None:
    directory.user_schema = {
        "attributes": [
            {"name": "costCode", "type": "integer", "multiValued": True},
            {"name": "nick", "type": "integer"},
            {"name": "tags"},
        ]
    }
    directory.save()

    for filter_ in ("nick gt 1", "costCode eq 1", 'tags eq "red"', "costCode pr"):
        assert scim.get("/Users", filter=f"{urn}:{filter_}").status == 200
    for name in ("nick", "costCode", "tags"):
        assert scim.get("/Users", sortBy=f"{urn}:{name}").status == 200
    assert scim.get("/Users", filter=f"{urn}:nick gt 1").resources == []


def test_reference_is_a_uri(directory: Directory, scim: ScimClient) -> None:
    attributes = [{"name": "home", "type": "reference"}]
    directory.user_schema = stored(parse({"attributes": attributes}))
    directory.save()
    urn = urn_of(directory.key)
    page = "https://x.test/Ann"

    user = scim.add_user("ann", **{urn: {"home": page}})
    refused = scim.post("/Users", {"userName": "bob", urn: {"home": "a b"}})
    found = [
        scim.get("/Users", filter=f'{urn}:home eq "{uri}"').body["totalResults"]
        for uri in (page, page.lower())
    ]

    assert user[urn] == {"home": page}
    assert (refused.status, refused.body["scimType"]) == (400, "invalidValue")
    assert found == [1, 0]
    (described,) = scim.get(f"/Schemas/{urn}").body["attributes"]
    assert described["referenceTypes"] == ["uri"]


def test_canonical_values_are_announced_and_no_limit(
    directory: Directory, scim: ScimClient
) -> None:
    attributes = [{"name": "site", "canonicalValues": ["Brno", "Oslo"]}]
    directory.user_schema = stored(parse({"attributes": attributes}))
    directory.save()
    urn = urn_of(directory.key)

    (described,) = scim.get(f"/Schemas/{urn}").body["attributes"]

    assert described["canonicalValues"] == ["Brno", "Oslo"]
    assert scim.add_user(**{urn: {"site": "Rome"}})[urn] == {"site": "Rome"}


class TestImmutable:
    @pytest.fixture
    def ann(self, directory: Directory, scim: ScimClient) -> str:
        attributes = [{"name": "badge", "mutability": "immutable"}, {"name": "nick"}]
        directory.user_schema = stored(parse({"attributes": attributes}))
        directory.save()
        own = {urn_of(directory.key): {"badge": "1"}}
        return f"/Users/{scim.add_user('ann', **own)['id']}"

    def test_is_announced(self, ann: str, scim: ScimClient) -> None:
        (schema,) = [s for s in scim.get("/Schemas").resources if "keyway" in s["id"]]

        assert schema["attributes"][0]["mutability"] == "immutable"

    @pytest.mark.parametrize("op", ["add", "replace", "remove"])
    def test_cannot_be_patched(self, op: str, ann: str, scim: ScimClient) -> None:
        path = f"{urn_of(scim.directory.key)}:badge"
        operation = {"op": op, "path": path}
        if op != "remove":
            operation["value"] = "2"

        answer = scim.patch(ann, operation)

        assert (answer.status, answer.body["scimType"]) == (400, "mutability")

    def test_cannot_be_put(self, ann: str, scim: ScimClient) -> None:
        urn = urn_of(scim.directory.key)

        refused = scim.put(ann, {"userName": "ann", urn: {"badge": "2"}})
        same = scim.put(ann, {"userName": "ann", urn: {"badge": "1", "nick": "A"}})

        assert (refused.status, refused.body["scimType"]) == (400, "mutability")
        assert same.status == 200


class TestParse:
    def test_keeps_all_that_was_said(self) -> None:
        given = {
            "attributes": [
                {
                    "name": "site",
                    "type": "string",
                    "label": "Site",
                    "multiValued": True,
                    "required": True,
                    "caseExact": True,
                    "mutability": "immutable",
                    "canonicalValues": ["Brno", "Oslo"],
                    "description": "Where they sit.",
                },
                {"name": "home", "type": "reference", "caseExact": False},
                {"name": "level", "type": "integer"},
            ]
        }

        assert stored(parse(given)) == given
        assert read(stored(parse(given))) == parse(given)

    def test_leaves_out_what_goes_without_saying(self) -> None:
        given = {
            "name": "home",
            "type": "reference",
            "multiValued": False,
            "required": False,
            "caseExact": True,
            "mutability": "readWrite",
            "uniqueness": "none",
            "canonicalValues": [],
            "label": "",
            "description": "",
        }

        assert stored(parse({"attributes": [given]})) == {
            "attributes": [{"name": "home", "type": "reference"}]
        }

    @pytest.mark.parametrize("nothing", [None, {}, {"attributes": []}])
    def test_nothing_is_nothing(self, nothing: Any) -> None:
        assert stored(parse(nothing)) == {}

    @pytest.mark.parametrize(
        ("described", "places"),
        [
            ([], ["attributes"]),
            ({"attributes": {}}, ["attributes"]),
            ({"attributes": [{"name": f"a{n}"} for n in range(101)]}, ["attributes"]),
            ({"attributes": ["level"]}, ["attributes[0]"]),
        ],
    )
    def test_refuses_what_is_no_list(self, described: Any, places: list[str]) -> None:
        with pytest.raises(InvalidUserSchema) as caught:
            parse(described)

        assert [p.place for p in caught.value.problems] == places

    @pytest.mark.parametrize(
        ("attribute", "wrong"),
        [
            ({}, ["name"]),
            ({"name": 7}, ["name"]),
            ({"name": "a b"}, ["name"]),
            ({"name": "1a"}, ["name"]),
            ({"name": "$ref"}, ["name"]),
            ({"name": "a.b"}, ["name"]),
            ({"name": "é"}, ["name"]),
            ({"name": "a\n"}, ["name"]),
            ({"name": "a" * 65}, ["name"]),
            ({"name": "ID"}, ["name"]),
            ({"name": "model_dump"}, ["name"]),
            ({"name": "USERNAME"}, ["name"]),
            ({"name": "emails"}, ["name"]),
            ({"name": "a", "type": "complex"}, ["type"]),
            ({"name": "a", "type": ["string"]}, ["type"]),
            ({"name": "a", "type": None}, ["type"]),
            ({"name": "a", "required": "yes"}, ["required"]),
            ({"name": "a", "multiValued": 1}, ["multiValued"]),
            ({"name": "a", "type": "integer", "caseExact": True}, ["caseExact"]),
            ({"name": "a", "mutability": "readOnly"}, ["mutability"]),
            ({"name": "a", "mutability": "writeOnly"}, ["mutability"]),
            ({"name": "a", "uniqueness": "server"}, ["uniqueness"]),
            ({"name": "a", "canonicalValues": "x"}, ["canonicalValues"]),
            ({"name": "a", "canonicalValues": [""]}, ["canonicalValues"]),
            ({"name": "a", "canonicalValues": [1]}, ["canonicalValues"]),
            ({"name": "a", "canonicalValues": ["x", "x"]}, ["canonicalValues"]),
            (
                {"name": "a", "type": "integer", "canonicalValues": ["1"]},
                ["canonicalValues"],
            ),
            ({"name": "a", "label": "x" * 101}, ["label"]),
            ({"name": "a", "description": "x" * 501}, ["description"]),
            ({"name": "a", "description": "one\ntwo"}, ["description"]),
            ({"name": "a", "description": "\ud800"}, ["description"]),
            ({"name": "a", "multivalued": True}, ["multivalued"]),
            ({"name": "", "type": "x", "required": 0}, ["name", "type", "required"]),
        ],
    )
    def test_names_every_part_that_is_wrong(
        self, attribute: JSON, wrong: list[str]
    ) -> None:
        with pytest.raises(InvalidUserSchema) as caught:
            parse({"attributes": [{"name": "fine"}, attribute]})

        assert [p.place for p in caught.value.problems] == [
            f"attributes[1].{name}" for name in wrong
        ]

    @pytest.mark.parametrize(
        "other", ["costcode", "COSTCODE", "cost_code", "cost-Code"]
    )
    def test_refuses_names_that_are_too_alike(self, other: str) -> None:
        with pytest.raises(InvalidUserSchema) as caught:
            parse({"attributes": [{"name": "costCode"}, {"name": other}]})

        (problem,) = caught.value.problems
        assert problem.place == "attributes[1].name"
        assert "attributes[0]" in problem.message

    def test_says_what_would_be_right(self) -> None:
        with pytest.raises(InvalidUserSchema) as caught:
            parse({"attributes": [{"name": "a", "type": "date"}]})

        assert str(caught.value) == (
            "attributes[0].type: This must be one of: string, boolean, integer, "
            "decimal, dateTime, reference."
        )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["attributes", "name", "type", "required", "canonicalValues"]
            ),
            inner | st.sampled_from(["a", "b", "string", "dateTime"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,9}", fullmatch=True)


class TestWhateverIsWritten:
    @given(schema=ANYTHING | st.fixed_dictionaries({"attributes": ANYTHING}))
    def test_is_read(self, schema: Any) -> None:
        found = read(schema)

        assert parse(stored(found)) == found

    @settings(max_examples=40, deadline=None)
    @given(
        described=st.lists(
            st.fixed_dictionaries(
                {"name": NAMES | st.sampled_from(["class", "schema", "json", "copy_"])},
                optional={
                    "type": st.sampled_from(TYPES),
                    "multiValued": st.booleans(),
                    "required": st.booleans(),
                    "mutability": st.sampled_from(["readWrite", "immutable"]),
                },
            ),
            min_size=1,
            max_size=8,
        )
    )
    def test_can_be_served(self, described: list[JSON]) -> None:
        attributes = read({"attributes": described}).attributes

        service_provider.cache_clear()
        served = service_provider(urn_of("k"), attributes).resource_types["User"]

        names = {a.name for a in served.extensions.get(urn_of("k"), {}).values()}
        assert names == {a.name for a in attributes}


def _filled(value: Any, urn: str) -> Any:
    if isinstance(value, dict):
        return {_filled(k, urn): _filled(v, urn) for k, v in value.items()}
    return value.replace("{urn}", urn) if isinstance(value, str) else value
