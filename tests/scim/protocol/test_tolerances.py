"""What we accept beyond the RFC: each tolerance has tests that bear its name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scim.protocol import documents
from scim.protocol.errors import InvalidValue, Mutability, ScimError
from scim.protocol.members import MemberChange, from_body, split
from scim.protocol.schema import ResourceSchema, service_provider
from scim.protocol.tolerances import Normaliser, Tolerance
from scim.protocol.user_schema import parse, urn_of
from tests.scim.urns import ENTERPRISE, GROUP, USER

ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
MANAGER = f"{ENTERPRISE}:manager"
SOMEBODY = "26118915-6090-4610-87e4-49d8ca9f808d"


def body_of(
    schema: ResourceSchema, body: dict[str, Any]
) -> tuple[dict[str, Any], set[Tolerance]]:
    """Return what a POST would store, and the tolerances it took."""
    normaliser = Normaliser(schema)
    stored = documents.validate_new(schema, normaliser.resource(body))
    return stored, normaliser.used


def patched(
    schema: ResourceSchema, *operations: dict[str, Any], **attributes: Any
) -> tuple[dict[str, Any], set[Tolerance]]:
    """Return what a PATCH would store, and the tolerances it took."""
    normaliser = Normaliser(schema)
    normal = normaliser.operations({"Operations": list(operations)})
    current = {"schemas": [USER], "userName": "ann", "active": True, **attributes}
    if not normal:
        return current, normaliser.used
    return documents.patch(schema, current, normal), normaliser.used


@pytest.mark.parametrize("tolerance", list(Tolerance))
def test_every_tolerance_has_a_test_that_bears_its_name(tolerance: Tolerance) -> None:
    assert any(name.startswith(f"test_{tolerance}_") for name in globals())


def test_request_of_the_rfc_takes_no_tolerance(user_schema: ResourceSchema) -> None:
    _, in_body = body_of(
        user_schema,
        {
            "schemas": [USER, ENTERPRISE],
            "userName": "ann",
            "emails": [{"value": "a@x.test"}],
            ENTERPRISE: {"manager": {"value": SOMEBODY}},
        },
    )
    _, in_patch = patched(
        user_schema,
        {"op": "add", "path": "title", "value": "T"},
        {"op": "replace", "path": f"{MANAGER}.value", "value": SOMEBODY},
        {"op": "remove", "path": "title"},
        {"op": "replace", "value": {"title": "T", "emails": [{"value": "a@x.test"}]}},
    )

    assert in_body == in_patch == set()


@pytest.mark.parametrize(
    "schemas",
    [
        pytest.param({}, id="left out"),
        pytest.param({"schemas": []}, id="empty"),
        pytest.param({"schemas": [ENTERPRISE]}, id="the extension alone"),
    ],
)
def test_schemas_missing_are_filled_in(
    schemas: dict[str, Any], user_schema: ResourceSchema
) -> None:
    stored, used = body_of(user_schema, {**schemas, "userName": "ann"})

    assert stored["schemas"] == [USER]
    assert Tolerance.SCHEMAS_MISSING in used


def test_unknown_schema_is_dropped(group_schema: ResourceSchema) -> None:
    stored, used = body_of(
        group_schema, {"schemas": [GROUP, ADSCIM], "displayName": "G"}
    )

    assert stored["schemas"] == [GROUP]
    assert used == {Tolerance.UNKNOWN_SCHEMA}


@pytest.mark.parametrize(
    ("value", "manager"),
    [
        pytest.param(SOMEBODY, {"value": SOMEBODY}, id="text"),
        pytest.param([{"value": SOMEBODY}], {"value": SOMEBODY}, id="list of one"),
        pytest.param([SOMEBODY], {"value": SOMEBODY}, id="list of text"),
        pytest.param({"value": ""}, None, id="value empty"),
        pytest.param({"value": None}, None, id="value null"),
        pytest.param({}, None, id="empty object"),
    ],
)
@pytest.mark.parametrize("way", ["body", "path", "key", "nested"])
def test_manager_shape_is_brought_into_the_rfcs(
    way: str, value: Any, manager: Any, user_schema: ResourceSchema
) -> None:
    if way == "body":
        stored, used = body_of(
            user_schema,
            {"schemas": [USER], "userName": "ann", ENTERPRISE: {"manager": value}},
        )
    else:
        operation = {
            "path": {"op": "add", "path": MANAGER, "value": value},
            "key": {"op": "Replace", "value": {MANAGER: value}},
            "nested": {"op": "add", "value": {ENTERPRISE: {"manager": value}}},
        }[way]
        stored, used = patched(
            user_schema, operation, **{ENTERPRISE: {"manager": {"value": "old"}}}
        )

    assert stored.get(ENTERPRISE, {}).get("manager") == manager
    assert Tolerance.MANAGER_SHAPE in used


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param({"op": "Remove", "path": MANAGER}, id="remove"),
        pytest.param({"op": "Remove", "path": MANAGER, "value": ""}, id="remove empty"),
        pytest.param({"op": "Replace", "path": MANAGER, "value": ""}, id="empty"),
        pytest.param({"op": "Replace", "path": MANAGER, "value": None}, id="null"),
        pytest.param({"op": "Add", "path": MANAGER, "value": ""}, id="add empty"),
        pytest.param({"op": "Replace", "path": MANAGER, "value": []}, id="empty list"),
        pytest.param({"op": "Replace", "path": "manager", "value": ""}, id="bare path"),
    ],
)
def test_manager_shape_of_every_unset_removes_the_manager(
    operation: dict[str, Any], user_schema: ResourceSchema
) -> None:
    stored, _ = patched(
        user_schema,
        operation,
        **{ENTERPRISE: {"department": "D", "manager": {"value": SOMEBODY}}},
    )

    assert stored[ENTERPRISE] == {"department": "D"}


@pytest.mark.parametrize("empty", ["", None], ids=["text", "null"])
def test_empty_is_unset_in_a_body(empty: Any, user_schema: ResourceSchema) -> None:
    stored, used = body_of(
        user_schema,
        {
            "schemas": [USER],
            "userName": "ann",
            "title": empty,
            "name": {"givenName": empty, "familyName": "Lee"},
            "addresses": None,
            ENTERPRISE: {"department": empty, "manager": None},
        },
    )

    assert stored == {
        "schemas": [USER],
        "userName": "ann",
        "name": {"familyName": "Lee"},
    }
    assert used <= {Tolerance.EMPTY_IS_UNSET}
    assert (Tolerance.EMPTY_IS_UNSET in used) or empty is None


@pytest.mark.parametrize(
    ("op", "empty"),
    [("Add", ""), ("Add", None), ("Replace", ""), ("Replace", None), ("Replace", [])],
)
@pytest.mark.parametrize("path", ["title", "emails", f"{ENTERPRISE}:department"])
def test_empty_is_unset_in_a_patch(
    path: str, empty: Any, op: str, user_schema: ResourceSchema
) -> None:
    stored, _ = patched(
        user_schema,
        {"op": op, "path": path, "value": empty},
        title="T",
        emails=[{"value": "a@x.test"}],
        **{ENTERPRISE: {"department": "D"}},
    )

    assert path not in stored
    assert len(stored) == 5


@pytest.mark.parametrize("op", ["Add", "Remove"])
def test_empty_list_to_add_or_remove_changes_nothing(
    op: str, user_schema: ResourceSchema
) -> None:
    emails = [{"value": "a@x.test"}]

    stored, _ = patched(
        user_schema, {"op": op, "path": "emails", "value": []}, emails=emails
    )

    assert stored["emails"] == emails


def test_empty_is_unset_does_not_unset_what_is_required(
    user_schema: ResourceSchema,
) -> None:
    with pytest.raises(InvalidValue):
        body_of(user_schema, {"userName": ""})


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        pytest.param("title", [{"value": "T"}], {"title": "T"}, id="object"),
        pytest.param("title", ["T"], {"title": "T"}, id="text"),
        pytest.param("active", [{"value": "False"}], {"active": False}, id="active"),
        pytest.param(
            "userName", [{"value": "bob"}], {"userName": "bob"}, id="userName"
        ),
        pytest.param(
            "name",
            [{"givenName": "Ann"}],
            {"name": {"givenName": "Ann"}},
            id="complex",
        ),
    ],
)
def test_single_value_in_list_is_taken_out(
    path: str, value: Any, expected: dict[str, Any], user_schema: ResourceSchema
) -> None:
    stored, used = patched(user_schema, {"op": "Replace", "path": path, "value": value})

    assert expected.items() <= stored.items()
    assert Tolerance.SINGLE_VALUE_IN_LIST in used


def test_single_value_in_list_of_two_is_refused(user_schema: ResourceSchema) -> None:
    with pytest.raises(InvalidValue):
        patched(user_schema, {"op": "replace", "path": "title", "value": ["A", "B"]})


@pytest.mark.parametrize("op", ["Add", "Replace"])
def test_paths_in_value_are_followed(op: str, user_schema: ResourceSchema) -> None:
    stored, used = patched(
        user_schema,
        {
            "op": op,
            "value": {
                "name.givenName": "Ann",
                "name.familyName": "Lee",
                "title": "T",
                f"{ENTERPRISE}:employeeNumber": "7",
                f"{USER}:nickName": "A",
                'emails[type eq "work"].value': "a@x.test",
                "active": "True",
            },
        },
    )

    assert stored["name"] == {"givenName": "Ann", "familyName": "Lee"}
    assert stored[ENTERPRISE] == {"employeeNumber": "7"}
    assert stored["emails"] == [{"type": "work", "value": "a@x.test"}]
    assert (stored["title"], stored["nickName"], stored["active"]) == ("T", "A", True)
    assert used == {
        Tolerance.PATHS_IN_VALUE,
        Tolerance.OP_IN_ANY_CASE,
        Tolerance.BOOLEAN_AS_TEXT,
    }


@pytest.mark.parametrize("name", ["id", "ID", "meta", "Meta", "groups", "schemas"])
def test_read_only_in_value_is_ignored(name: str, user_schema: ResourceSchema) -> None:
    stored, used = patched(
        user_schema, {"op": "replace", "value": {name: "x", "title": "T"}}
    )

    assert stored == {
        "schemas": [USER],
        "userName": "ann",
        "active": True,
        "title": "T",
    }
    assert used == {Tolerance.READ_ONLY_IN_VALUE}


def test_read_only_in_value_does_not_cover_a_path(user_schema: ResourceSchema) -> None:
    with pytest.raises(Mutability):
        patched(user_schema, {"op": "replace", "path": "id", "value": "x"})


@pytest.mark.parametrize("name", ["nope", "name.nope", f"{ENTERPRISE}:nope", "urn:x:y"])
def test_unknown_attribute_in_a_value_is_ignored(
    name: str, user_schema: ResourceSchema
) -> None:
    stored, used = patched(
        user_schema, {"op": "add", "value": {name: "x", "title": "T"}}
    )

    assert stored["title"] == "T"
    assert Tolerance.UNKNOWN_ATTRIBUTE in used


def test_unknown_attribute_at_a_path_is_refused(user_schema: ResourceSchema) -> None:
    with pytest.raises(ScimError) as error:
        patched(user_schema, {"op": "add", "path": "nope", "value": "x"})

    assert error.value.scim_type == "invalidPath"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"members": [{"value": SOMEBODY}]}, id="list of objects"),
        pytest.param({"members": [{"value": SOMEBODY, "$ref": None}]}, id="with $ref"),
        pytest.param({"members": {"value": SOMEBODY}}, id="object"),
        pytest.param({"Members": [SOMEBODY]}, id="list of ids"),
    ],
)
def test_remove_without_path_takes_the_attribute_from_the_value(
    value: dict[str, Any], group_schema: ResourceSchema
) -> None:
    normaliser = Normaliser(group_schema)

    operations = normaliser.operations(
        {"Operations": [{"op": "Remove", "value": value}]}
    )

    assert split(group_schema, operations) == (
        [],
        [MemberChange("remove", (SOMEBODY,))],
    )
    assert normaliser.used == {
        Tolerance.REMOVE_WITHOUT_PATH,
        Tolerance.OP_IN_ANY_CASE,
    }


@pytest.mark.parametrize(
    ("operation", "extension"),
    [
        pytest.param(
            {"op": "Add", "path": "manager", "value": SOMEBODY},
            {"manager": {"value": SOMEBODY}},
            id="manager",
        ),
        pytest.param(
            {"op": "Add", "path": "manager.value", "value": SOMEBODY},
            {"manager": {"value": SOMEBODY}},
            id="manager.value",
        ),
        pytest.param(
            {"op": "Add", "path": "Department", "value": "D"},
            {"department": "D"},
            id="department",
        ),
        pytest.param(
            {"op": "Replace", "value": {"department": "D"}},
            {"department": "D"},
            id="without path",
        ),
    ],
)
def test_unqualified_extension_attribute_finds_its_urn(
    operation: dict[str, Any], extension: dict[str, Any], user_schema: ResourceSchema
) -> None:
    stored, used = patched(user_schema, operation)

    assert stored[ENTERPRISE] == extension
    assert Tolerance.UNQUALIFIED_EXTENSION in used


@pytest.mark.parametrize("op", ["Add", "ADD", "add", "aDD"])
def test_op_is_read_in_any_case(op: str, user_schema: ResourceSchema) -> None:
    stored, _ = patched(user_schema, {"op": op, "path": "title", "value": "T"})

    assert stored["title"] == "T"


@pytest.mark.parametrize(
    ("path", "stored_as"),
    [
        ('emails[type eq "work"].value', {"type": "work", "value": "x"}),
        ('phoneNumbers[type eq "mobile"].value', {"type": "mobile", "value": "x"}),
        ('addresses[type eq "work"].country', {"type": "work", "country": "x"}),
        ('roles[primary eq "True"].value', {"primary": True, "value": "x"}),
    ],
)
@pytest.mark.parametrize("op", ["Add", "Replace"])
def test_value_that_a_filter_misses_is_made_from_the_filter(
    op: str, path: str, stored_as: dict[str, Any], user_schema: ResourceSchema
) -> None:
    stored, _ = patched(user_schema, {"op": op, "path": path, "value": "x"})

    assert stored[path.partition("[")[0]] == [stored_as]


def test_several_operations_build_one_value(user_schema: ResourceSchema) -> None:
    stored, _ = patched(
        user_schema,
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "CZ"},
        {"op": "Add", "path": 'addresses[type eq "work"].locality', "value": "Brno"},
        {"op": "Add", "path": 'addresses[type eq "work"].postalCode', "value": "60200"},
    )

    assert stored["addresses"] == [
        {"type": "work", "country": "CZ", "locality": "Brno", "postalCode": "60200"}
    ]


@pytest.mark.parametrize(
    ("members", "ids"),
    [
        pytest.param([], (), id="empty"),
        pytest.param(None, (), id="null"),
        pytest.param([{"value": "a"}], ("a",), id="objects"),
        pytest.param([{"VALUE": "a"}], ("a",), id="other case"),
        pytest.param(["a", "b"], ("a", "b"), id="ids"),
        pytest.param({"value": "a"}, ("a",), id="one object"),
        pytest.param([{"value": "a"}, {"value": "a"}], ("a",), id="twice"),
        pytest.param([{"value": "a", "display": "A", "$ref": None}], ("a",), id="more"),
    ],
)
def test_members_of_a_body_are_read(members: Any, ids: tuple[str, ...]) -> None:
    assert from_body({"displayName": "G", "Members": members}) == MemberChange(
        "replace", ids
    )


def test_body_without_members_says_nothing_of_them() -> None:
    assert from_body({"displayName": "G"}) is None


@pytest.mark.parametrize(
    "member", [5, True, {}, {"value": ""}, {"value": 5}, {"display": "A"}, ["a"]]
)
def test_member_without_an_id_is_refused(member: Any) -> None:
    with pytest.raises(InvalidValue):
        from_body({"members": [member]})


def test_more_than_10_000_members_in_one_request_are_refused() -> None:
    with pytest.raises(InvalidValue):
        from_body({"members": [str(n) for n in range(10_001)]})


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "members.value", "value": "a"},
        {"op": "replace", "path": 'members[value eq "a"].value', "value": "b"},
        {"op": "add", "path": 'members[value eq "a"]', "value": {"value": "b"}},
        {"op": "remove", "path": 'members[value eq "a"].display'},
    ],
)
def test_parts_of_a_member_cannot_be_changed(
    operation: dict[str, Any], group_schema: ResourceSchema
) -> None:
    operations = Normaliser(group_schema).operations({"Operations": [operation]})

    with pytest.raises(Mutability):
        split(group_schema, operations)


@pytest.mark.parametrize("op", ["Add", "Replace", "ADD"])
def test_op_in_any_case_does_the_same(op: str, user_schema: ResourceSchema) -> None:
    stored, used = patched(user_schema, {"op": op, "path": "title", "value": "T"})

    assert stored["title"] == "T"
    assert used == {Tolerance.OP_IN_ANY_CASE}


@pytest.mark.parametrize(("text", "meaning"), [("True", True), ("False", False)])
def test_boolean_as_text_is_read(
    text: str, meaning: bool, user_schema: ResourceSchema
) -> None:
    in_body, used_in_body = body_of(user_schema, {"userName": "ann", "active": text})
    in_patch, used_in_patch = patched(
        user_schema,
        {"op": "replace", "path": "active", "value": text},
        {"op": "add", "path": "roles", "value": [{"value": "r", "primary": text}]},
    )

    assert in_body["active"] is in_patch["active"] is meaning
    assert in_patch["roles"] == [{"value": "r", "primary": meaning}]
    assert Tolerance.BOOLEAN_AS_TEXT in used_in_body
    assert used_in_patch == {Tolerance.BOOLEAN_AS_TEXT}


ADMIN = json.dumps({"id": "18d14569", "value": "admin", "displayName": "Admin"})


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([{"value": ADMIN}], id="JSON text"),
        pytest.param({"value": ADMIN}, id="one object"),
        pytest.param(ADMIN, id="text alone"),
        pytest.param([{"value": "admin", "displayName": "Admin"}], id="displayName"),
        pytest.param([{"value": ADMIN, "displayName": "Old"}], id="both"),
    ],
)
@pytest.mark.parametrize("name", ["roles", "entitlements"])
def test_role_shape_is_read(name: str, value: Any, user_schema: ResourceSchema) -> None:
    expected = [{"value": "admin", "display": "Admin"}]

    in_patch, used = patched(user_schema, {"op": "add", "path": name, "value": value})
    assert in_patch[name] == expected
    assert used == {Tolerance.ROLE_SHAPE}

    in_body, used = body_of(user_schema, {"userName": "ann", name: value})
    assert in_body[name] == expected
    assert Tolerance.ROLE_SHAPE in used


def test_role_shape_without_a_value_is_named_by_its_id(
    user_schema: ResourceSchema,
) -> None:
    text = json.dumps({"id": "18d14569", "displayName": "Admin"})

    stored, _ = patched(
        user_schema, {"op": "add", "path": "roles", "value": [{"value": text}]}
    )

    assert stored["roles"] == [{"value": "18d14569", "display": "Admin"}]


@pytest.mark.parametrize(
    "text", ["{", "{}", "[]", '{"value": 1}', "{" * 5000, '{"a":' * 900]
)
def test_role_shape_that_is_no_role_stays_text(
    text: str, user_schema: ResourceSchema
) -> None:
    stored, _ = patched(
        user_schema, {"op": "add", "path": "roles", "value": [{"value": text}]}
    )

    assert stored["roles"] == [{"value": text}]


def test_role_shape_is_read_at_a_path(user_schema: ResourceSchema) -> None:
    stored, used = patched(
        user_schema,
        {"op": "add", "path": 'roles[primary eq "True"].value', "value": ADMIN},
        {"op": "add", "path": 'roles[primary eq "True"].displayName', "value": "A"},
    )

    assert stored["roles"] == [{"primary": True, "value": "admin", "display": "A"}]
    assert used == {Tolerance.ROLE_SHAPE}


def test_role_shape_is_removed_by_its_value(user_schema: ResourceSchema) -> None:
    stored, _ = patched(
        user_schema,
        {"op": "remove", "path": "roles", "value": [{"value": ADMIN}]},
        roles=[{"value": "admin", "display": "Admins"}, {"value": "reader"}],
    )

    assert stored["roles"] == [{"value": "reader"}]


OWN = urn_of("k")


@pytest.fixture(scope="module")
def own_schema() -> ResourceSchema:
    """User with a schema of its own, one of whose names is the enterprise's too."""
    names = ("costCode", "tags", "department")
    attributes = parse(
        {"attributes": [{"name": n, "multiValued": n == "tags"} for n in names]}
    ).attributes
    return service_provider(OWN, attributes).resource_types["User"]


@pytest.mark.parametrize(
    "body",
    [
        {ENTERPRISE: {"costCode": "C7"}},
        {ENTERPRISE.upper(): {"COSTCODE": "C7"}},
        {"costCode": "C7"},
        {ENTERPRISE: {"costCode": "C7"}, OWN: {}},
        {ENTERPRISE: {"costCode": "old"}, OWN.upper(): {"costcode": "C7"}},
        {ENTERPRISE: {"costCode": [{"value": "C7"}]}},
    ],
)
def test_own_attribute_elsewhere_in_a_body_is_put_in_its_place(
    body: dict[str, Any], own_schema: ResourceSchema
) -> None:
    stored, used = body_of(own_schema, {"userName": "ann", **body})

    assert stored[OWN] == {"costCode": "C7"}
    assert ENTERPRISE not in stored
    assert Tolerance.OWN_ATTRIBUTE_ELSEWHERE in used


def test_own_attribute_elsewhere_leaves_the_others_where_they_are(
    own_schema: ResourceSchema,
) -> None:
    stored, _ = body_of(
        own_schema,
        {
            "userName": "ann",
            ENTERPRISE: {"department": "R&D", "costCode": "C7"},
            OWN: {"tags": ["x"]},
        },
    )

    assert stored[ENTERPRISE] == {"department": "R&D"}
    assert stored[OWN] == {"tags": ["x"], "costCode": "C7"}


def test_own_attribute_elsewhere_is_none_that_the_enterprise_schema_has(
    own_schema: ResourceSchema,
) -> None:
    body = {"schemas": [USER, ENTERPRISE], "userName": "a", "department": "Top"}

    stored, used = body_of(own_schema, {**body, ENTERPRISE: {"department": "R&D"}})

    assert stored[ENTERPRISE] == {"department": "R&D"}
    assert OWN not in stored
    assert used == set()


def test_own_attribute_elsewhere_needs_an_own_schema(
    user_schema: ResourceSchema,
) -> None:
    stored, used = body_of(
        user_schema, {"schemas": [USER], "userName": "a", ENTERPRISE: {"costCode": "1"}}
    )

    assert ENTERPRISE not in stored
    assert used == set()


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": f"{ENTERPRISE}:costCode", "value": "C8"},
        {"op": "replace", "path": f"{ENTERPRISE}:costCode", "value": "C8"},
        {"op": "replace", "path": f"{ENTERPRISE.upper()}:COSTCODE", "value": "C8"},
        {"op": "replace", "path": ENTERPRISE, "value": {"costCode": "C8"}},
        {"op": "replace", "value": {ENTERPRISE: {"costCode": "C8"}}},
        {"op": "replace", "value": {f"{ENTERPRISE}:costCode": "C8"}},
    ],
)
def test_own_attribute_elsewhere_is_patched(
    operation: dict[str, Any], own_schema: ResourceSchema
) -> None:
    stored, used = patched(own_schema, operation, **{OWN: {"costCode": "C7"}})

    assert stored[OWN] == {"costCode": "C8"}
    assert ENTERPRISE not in stored
    assert Tolerance.OWN_ATTRIBUTE_ELSEWHERE in used


def test_own_attribute_elsewhere_is_removed(own_schema: ResourceSchema) -> None:
    stored, _ = patched(
        own_schema,
        {"op": "remove", "path": f'{ENTERPRISE}:tags[value eq "x"]'},
        {"op": "remove", "path": f"{ENTERPRISE}:costCode"},
        **{OWN: {"costCode": "C7", "tags": ["y"]}},
    )

    assert stored[OWN] == {"tags": ["y"]}


def test_empty_operations_change_nothing(user_schema: ResourceSchema) -> None:
    stored, used = patched(user_schema, title="T")

    assert stored["title"] == "T"
    assert used == {Tolerance.EMPTY_OPERATIONS}


def test_unknown_member_is_left_out_for_clients_of_no_known_kind() -> None:
    # What is left out is for the store to find: see tests/scim/test_groups.py.
    group = service_provider().resource_types["Group"]

    assert Normaliser(group, leaves_unknown_members_out=True).used == set()
    assert not Normaliser(group).leaves_unknown_members_out
