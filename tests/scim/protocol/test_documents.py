"""Validation, PUT and PATCH on plain documents. RFC 7644 sections 3.3 and 3.5."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol import documents, members
from scim.protocol.errors import (
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    ScimError,
)
from scim.protocol.members import MemberChange
from scim.protocol.schema import ResourceSchema, service_provider
from scim.protocol.tolerances import Normaliser
from tests.scim.rfc import BABS, JAMES
from tests.scim.urns import ENTERPRISE, GROUP, USER

Read = Callable[[str], dict[str, Any]]
NOT_STORED = ("id", "meta", "groups", "members", "password")


def create(schema: ResourceSchema, body: dict[str, Any]) -> dict[str, Any]:
    """Return what a POST would store."""
    return documents.validate_new(schema, Normaliser(schema).resource(body))


def patch(
    schema: ResourceSchema, current: dict[str, Any], *operations: dict[str, Any]
) -> dict[str, Any]:
    """Return what a PATCH would store."""
    normal = Normaliser(schema).operations({"Operations": list(operations)})
    return documents.patch(schema, current, normal)


def ann(**attributes: Any) -> dict[str, Any]:
    """Return a stored document."""
    return {"schemas": [USER], "userName": "ann", "active": True, **attributes}


WORK = {"value": "w@x.test", "type": "work", "primary": True}
HOME = {"value": "h@x.test", "type": "home"}


@pytest.mark.parametrize(
    "example",
    [
        "rfc7643-8.1-minimal_user",
        "rfc7643-8.2-full_user",
        "rfc7643-8.3-enterprise_user",
        "rfc7644-3.3-create_user",
    ],
)
def test_user_of_the_rfc_is_stored_as_sent(
    example: str, rfc: Read, user_schema: ResourceSchema
) -> None:
    sent = rfc(example)
    # Derived from whom the manager's value names.
    sent.get(ENTERPRISE, {}).get("manager", {}).pop("displayName", None)

    stored = create(user_schema, sent)

    assert stored == {k: v for k, v in sent.items() if k not in NOT_STORED}


def test_group_of_the_rfc_is_stored_without_its_members(
    rfc: Read, group_schema: ResourceSchema
) -> None:
    stored = create(group_schema, rfc("rfc7643-8.4-group"))

    assert stored == {"schemas": [GROUP], "displayName": "Tour Guides"}


def test_put_of_the_rfc_replaces_the_document(
    rfc: Read, user_schema: ResourceSchema
) -> None:
    body = Normaliser(user_schema).resource(rfc("rfc7644-3.5.1-replace_user"))

    stored = documents.validate_replacement(
        user_schema, body, ann(title="Tour Guide", nickName="Babs")
    )

    assert stored["userName"] == "bjensen"
    assert stored["name"]["middleName"] == "Jane"  # type: ignore[index,call-overload]
    assert not {"title", "nickName", "roles"} & stored.keys()


@pytest.mark.parametrize("active", [True, False])
def test_put_without_active_keeps_it(active: bool, user_schema: ResourceSchema) -> None:
    stored = documents.validate_replacement(
        user_schema, {"schemas": [USER], "userName": "ann"}, ann(active=active)
    )

    assert stored["active"] is active


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"userName": None}, id="userName null"),
        pytest.param({"userName": ""}, id="userName empty"),
        pytest.param({"userName": 5}, id="userName a number"),
        pytest.param({"userName": True}, id="userName a boolean"),
        pytest.param({"userName": {"value": "a"}}, id="userName an object"),
        pytest.param({"userName": ["a", "b"]}, id="userName a list of two"),
        pytest.param({"userName": "a", "active": "perhaps"}, id="active some text"),
        pytest.param({"userName": "a", "active": None}, id="active null"),
        pytest.param({"userName": "a", "active": ""}, id="active empty"),
        pytest.param({"userName": "a", "active": []}, id="active an empty list"),
        pytest.param({"userName": "a", "active": {}}, id="active an object"),
        pytest.param({"userName": "a", "active": 2}, id="active 2"),
        pytest.param({"userName": "a", "name": "Ann"}, id="name some text"),
        pytest.param({"userName": "a", "name": {"givenName": 5}}, id="givenName 5"),
        pytest.param({"userName": "a", "name": [1, 2]}, id="name a list"),
        pytest.param({"userName": "a", "emails": 5}, id="emails a number"),
        pytest.param({"userName": "a", "emails": [5]}, id="emails of numbers"),
        pytest.param({"userName": "a", "emails": {"0": {}}}, id="emails an object"),
        pytest.param(
            {"userName": "a", "emails": [{"value": ["x", "y"]}]},
            id="email value a list of two",
        ),
        pytest.param(
            {"userName": "a", "emails": [{"value": "x", "primary": "maybe"}]},
            id="primary some text",
        ),
        pytest.param(
            {"userName": "a", "emails": [WORK, {**HOME, "primary": True}]},
            id="two primary",
        ),
        pytest.param(
            {"userName": "a", "x509Certificates": [{"value": "AAA"}]},
            id="certificate not base64",
        ),
        pytest.param({"userName": "a", ENTERPRISE: "Sales"}, id="extension some text"),
        pytest.param({"userName": "a", ENTERPRISE: ["Sales"]}, id="extension a list"),
        pytest.param({"userName": "a", "schemas": "User"}, id="schemas some text"),
        pytest.param({"userName": "a", "schemas": [5]}, id="schemas of numbers"),
    ],
)
def test_body_that_does_not_fit_the_schema_is_refused(
    body: dict[str, Any], user_schema: ResourceSchema
) -> None:
    with pytest.raises((InvalidValue, InvalidSyntax)):
        create(user_schema, body)


@pytest.mark.parametrize(
    "sent",
    [
        {"id": "x"},
        {"ID": "x"},
        {"meta": {"version": "x", "created": "2001-01-01T00:00:00Z"}},
        {"Meta": {"location": "http://elsewhere.test/"}},
        {"groups": [{"value": "x"}]},
        {"GROUPS": [{"value": "x", "display": "Admins"}]},
    ],
    ids=lambda sent: next(iter(sent)),
)
def test_read_only_attribute_in_a_body_is_ignored(
    sent: dict[str, Any], user_schema: ResourceSchema
) -> None:  # SCI-18
    stored = create(user_schema, {"userName": "ann", **sent})

    assert stored == {"schemas": [USER], "userName": "ann"}


def test_attribute_of_no_schema_in_a_body_is_ignored(
    user_schema: ResourceSchema,
) -> None:  # TEN-08
    stored = create(
        user_schema,
        {"userName": "ann", "tenant": "x", "directory_id": 1, "is_superuser": True},
    )

    assert stored == {"schemas": [USER], "userName": "ann"}


def test_password_is_not_kept(user_schema: ResourceSchema) -> None:  # SCI-15
    stored = create(user_schema, {"userName": "ann", "password": "t1meMa$heen"})

    assert "t1meMa$heen" not in str(stored)


def test_names_are_stored_as_the_schema_spells_them(
    user_schema: ResourceSchema,
) -> None:
    stored = create(
        user_schema,
        {
            "USERNAME": "Ann",
            "Name": {"GIVENNAME": "Ann"},
            ENTERPRISE.lower(): {"DEPARTMENT": "D"},
        },
    )

    assert stored == {
        "schemas": [USER, ENTERPRISE],
        "userName": "Ann",
        "name": {"givenName": "Ann"},
        ENTERPRISE: {"department": "D"},
    }


@pytest.mark.parametrize(
    ("example", "current", "expected"),
    [
        pytest.param(
            "rfc7644-3.5.2.1-add_without_path",
            ann(emails=[WORK]),
            ann(
                emails=[WORK, {"value": "babs@jensen.org", "type": "home"}],
                nickName="Babs",
            ),
            id="add without path",
        ),
        pytest.param(
            "rfc7644-3.5.2.2-remove_by_complex_filter",
            ann(emails=[{"value": "b@example.com", "type": "work"}, HOME, WORK]),
            ann(emails=[HOME, WORK]),
            id="remove by complex filter",
        ),
        pytest.param(
            "rfc7644-3.5.2.3-replace_street_address",
            ann(
                addresses=[
                    {"type": "work", "streetAddress": "1 A", "locality": "H"},
                    {"type": "home", "streetAddress": "2 B"},
                ]
            ),
            ann(
                addresses=[
                    {
                        "type": "work",
                        "streetAddress": "1010 Broadway Ave",
                        "locality": "H",
                    },
                    {"type": "home", "streetAddress": "2 B"},
                ]
            ),
            id="replace one sub-attribute",
        ),
        pytest.param(
            "rfc7644-3.5.2.3-replace_without_path",
            ann(emails=[{"value": "old@x.test"}], nickName="Old", title="Guide"),
            ann(
                emails=[
                    {"value": "bjensen@example.com", "type": "work", "primary": True},
                    {"value": "babs@jensen.org", "type": "home"},
                ],
                nickName="Babs",
                title="Guide",
            ),
            id="replace without path",
        ),
    ],
)
def test_patch_of_the_rfc(
    example: str,
    current: dict[str, Any],
    expected: dict[str, Any],
    rfc: Read,
    user_schema: ResourceSchema,
) -> None:
    assert patch(user_schema, current, *rfc(example)["Operations"]) == expected


def test_patch_of_the_rfc_replaces_the_work_address(
    rfc: Read, user_schema: ResourceSchema
) -> None:
    example = rfc("rfc7644-3.5.2.3-replace_work_address")
    current = ann(
        addresses=[{"type": "work", "streetAddress": "1 A"}, {"type": "home"}]
    )

    patched = patch(user_schema, current, *example["Operations"])

    assert patched["addresses"] == [example["Operations"][0]["value"], {"type": "home"}]


@pytest.mark.parametrize(
    ("example", "changes"),
    [
        ("rfc7644-3.5.2.1-add_member", [MemberChange("add", (BABS,))]),
        ("rfc7644-3.5.2.2-remove_one_member", [MemberChange("remove", (BABS,))]),
        ("rfc7644-3.5.2.2-remove_all_members", [MemberChange("remove")]),
        (
            "rfc7644-3.5.2.2-remove_and_add_member",
            [MemberChange("remove", (BABS,)), MemberChange("add", (JAMES,))],
        ),
        (
            "rfc7644-3.5.2.2-replace_members",
            [MemberChange("remove"), MemberChange("add", (BABS, JAMES))],
        ),
        ("rfc7644-3.5.2.3-replace_members", [MemberChange("replace", (BABS, JAMES))]),
    ],
)
def test_member_patch_of_the_rfc(
    example: str, changes: list[MemberChange], rfc: Read, group_schema: ResourceSchema
) -> None:
    operations = Normaliser(group_schema).operations(rfc(example))

    assert members.split(group_schema, operations) == ([], changes)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        pytest.param(
            {"op": "add", "path": "title", "value": "T"}, {"title": "T"}, id="add"
        ),
        pytest.param(
            {"op": "add", "path": "nickName", "value": "New"},
            {"nickName": "New"},
            id="add where there is a value",
        ),
        pytest.param(
            {"op": "replace", "path": "title", "value": "T"},
            {"title": "T"},
            id="replace what is not there",
        ),
        pytest.param(
            {"op": "remove", "path": "nickName"}, {"nickName": None}, id="remove"
        ),
        pytest.param(
            {"op": "remove", "path": "title"}, {}, id="remove what is not there"
        ),
        pytest.param(
            {"op": "add", "path": "name.familyName", "value": "Lee"},
            {"name": {"givenName": "Ann", "familyName": "Lee"}},
            id="add a sub-attribute",
        ),
        pytest.param(
            {"op": "remove", "path": "name.givenName"},
            {"name": None},
            id="remove the only sub-attribute",
        ),
        pytest.param(
            {"op": "add", "path": "emails", "value": [HOME]},
            {"emails": [WORK, HOME]},
            id="add a value",
        ),
        pytest.param(
            {"op": "add", "path": "emails", "value": HOME},
            {"emails": [WORK, HOME]},
            id="add a value that is no list",
        ),
        pytest.param(
            {"op": "add", "path": "emails", "value": [WORK]},
            {"emails": [WORK]},
            id="add a value that is there",
        ),
        pytest.param(
            {"op": "add", "path": "emails", "value": [{**HOME, "primary": True}]},
            {
                "emails": [
                    {"value": "w@x.test", "type": "work", "primary": False},
                    {**HOME, "primary": True},
                ]
            },
            id="a new primary takes the old one's place",
        ),
        pytest.param(
            {"op": "replace", "path": "emails", "value": [HOME]},
            {"emails": [HOME]},
            id="replace all values",
        ),
        pytest.param(
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "n@x"},
            {"emails": [{**WORK, "value": "n@x"}]},
            id="replace within a value",
        ),
        pytest.param(
            {"op": "add", "path": 'emails[type eq "home"].value', "value": "h@x.test"},
            {"emails": [WORK, HOME]},
            id="add to a value that is not there",
        ),
        pytest.param(
            {"op": "remove", "path": 'emails[type eq "work"]'},
            {"emails": None},
            id="remove the only value",
        ),
        pytest.param(
            {"op": "add", "path": f"{ENTERPRISE}:department", "value": "D"},
            {ENTERPRISE: {"department": "D"}},
            id="add to an extension",
        ),
        pytest.param(
            {"op": "replace", "path": ENTERPRISE, "value": {"department": "D"}},
            {ENTERPRISE: {"department": "D"}},
            id="replace an extension",
        ),
        pytest.param(
            {"op": "add", "path": f"{USER}:title", "value": "T"},
            {"title": "T"},
            id="with the URN of the base schema",
        ),
        pytest.param(
            {"op": "add", "path": "TITLE", "value": "T"},
            {"title": "T"},
            id="in any case",
        ),
        pytest.param(
            {"op": "replace", "path": "active", "value": False},
            {"active": False},
            id="deactivate",
        ),
        pytest.param(
            {"op": "replace", "path": "active", "value": "False"},
            {"active": False},
            id="deactivate by text",
        ),
        pytest.param(
            {"op": "replace", "value": {"active": "false"}},
            {"active": False},
            id="deactivate by text without path",
        ),
        pytest.param(
            {"op": "replace", "path": "active", "value": 0},
            {"active": False},
            id="deactivate by 0",
        ),
        pytest.param(
            {"op": "replace", "path": "active", "value": [False]},
            {"active": False},
            id="deactivate by a list of one",
        ),
    ],
)
def test_patch_operation(
    operation: dict[str, Any],
    expected: dict[str, Any],
    user_schema: ResourceSchema,
) -> None:
    current = ann(nickName="Old", name={"givenName": "Ann"}, emails=[WORK])

    patched = patch(user_schema, current, operation)

    wanted = {k: v for k, v in {**current, **expected}.items() if v is not None}
    wanted["schemas"] = [USER, *([ENTERPRISE] if ENTERPRISE in wanted else [])]
    assert patched == wanted


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        pytest.param({"op": "remove"}, NoTarget, id="remove without path"),
        pytest.param({"op": "copy", "path": "title"}, InvalidSyntax, id="unknown op"),
        pytest.param({"path": "title", "value": "T"}, InvalidSyntax, id="no op"),
        pytest.param({"op": 5, "path": "title"}, InvalidSyntax, id="op a number"),
        pytest.param({"op": "add", "path": 5}, InvalidSyntax, id="path a number"),
        pytest.param({"op": "add", "value": "T"}, InvalidValue, id="text without path"),
        pytest.param({"op": "add", "value": ["T"]}, InvalidValue, id="list, no path"),
        pytest.param(
            {"op": "add", "path": "nope", "value": 1}, InvalidPath, id="unknown path"
        ),
        pytest.param(
            {"op": "add", "path": "emails[type eq", "value": 1},
            InvalidPath,
            id="malformed path",
        ),
        pytest.param(
            {"op": "replace", "path": "id", "value": "x"}, Mutability, id="id"
        ),
        pytest.param(
            {"op": "replace", "path": "ID", "value": "x"}, Mutability, id="ID"
        ),
        pytest.param(
            {"op": "replace", "path": f"{USER}:id", "value": "x"},
            Mutability,
            id="id with its URN",
        ),
        pytest.param({"op": "remove", "path": "id"}, Mutability, id="remove id"),
        pytest.param(
            {"op": "replace", "path": "meta.version", "value": "x"},
            Mutability,
            id="meta.version",
        ),
        pytest.param(
            {"op": "add", "path": "groups", "value": [{"value": "x"}]},
            Mutability,
            id="groups",
        ),
        pytest.param({"op": "remove", "path": "groups"}, Mutability, id="all groups"),
        pytest.param(
            {"op": "remove", "path": 'groups[value eq "x"]'}, Mutability, id="a group"
        ),
        pytest.param(
            {"op": "remove", "path": "userName"}, Mutability, id="remove userName"
        ),
        pytest.param(
            {"op": "replace", "path": "userName", "value": ""},
            InvalidValue,
            id="userName empty",
        ),
        pytest.param(
            {"op": "replace", "path": "userName", "value": None},
            InvalidValue,
            id="userName null",
        ),
        pytest.param(
            {"op": "replace", "path": "userName", "value": "a\u202eb"},
            InvalidValue,
            id="userName of direction characters",
        ),
        pytest.param(
            {"op": "replace", "path": "userName", "value": 5},
            InvalidValue,
            id="userName a number",
        ),
        pytest.param(
            {"op": "add", "path": "emails", "value": 5}, InvalidValue, id="emails 5"
        ),
        pytest.param(
            {"op": "replace", "path": "name", "value": "Ann"},
            InvalidValue,
            id="name some text",
        ),
    ],
)
def test_patch_that_cannot_be_done_is_refused(
    operation: dict[str, Any],
    error: type[ScimError],
    user_schema: ResourceSchema,
) -> None:
    with pytest.raises(error):
        patch(user_schema, ann(), operation)


@pytest.mark.parametrize(
    "value", [None, "", [], {}, "perhaps", 2, [True, False]], ids=repr
)
@pytest.mark.parametrize(
    "shape", [{"path": "active"}, {}], ids=["by path", "without path"]
)
@pytest.mark.parametrize("op", ["add", "replace"])
def test_unclear_active_is_refused(
    op: str, shape: dict[str, Any], value: Any, user_schema: ResourceSchema
) -> None:  # SCI-20: never accepted and still active
    sent = value if shape else {"active": value}

    with pytest.raises((InvalidValue, InvalidSyntax)):
        patch(user_schema, ann(), {"op": op, **shape, "value": sent})


def test_empty_list_of_operations_changes_nothing(user_schema: ResourceSchema) -> None:
    assert Normaliser(user_schema).operations({"Operations": []}) == []


@pytest.mark.parametrize("body", [{}, {"operation": []}, {"Operations": None}])
def test_operations_are_required(
    body: dict[str, Any], user_schema: ResourceSchema
) -> None:
    with pytest.raises((InvalidValue, InvalidSyntax)):
        Normaliser(user_schema).operations(body)


@pytest.mark.parametrize("operations", ["x", {}, [1], [[]], [None]])
def test_operations_of_another_shape_are_invalid_syntax(
    operations: Any, user_schema: ResourceSchema
) -> None:
    with pytest.raises(InvalidSyntax):
        Normaliser(user_schema).operations({"Operations": operations})


# Properties: SCI-18, SCI-19.

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=8)
    | st.sampled_from(["ann", "work", "w@x.test", "False", "n@x.test"])
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "value",
                    "type",
                    "primary",
                    "givenName",
                    "id",
                    "ID",
                    "meta",
                    "groups",
                    "userName",
                    "active",
                    "emails",
                    "title",
                    ENTERPRISE,
                    f"{ENTERPRISE}:manager",
                    f"{USER}:id",
                    "name.familyName",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)
_PATHS = st.sampled_from(
    [
        None,
        "id",
        "ID",
        "meta",
        "meta.version",
        "groups",
        'groups[value eq "x"]',
        "groups.value",
        f"{USER}:id",
        f"{USER}:groups",
        "schemas",
        "password",
        "userName",
        "active",
        "title",
        "name",
        "name.givenName",
        "emails",
        'emails[type eq "work"]',
        'emails[type eq "home"].value',
        "emails.value",
        ENTERPRISE,
        f"{ENTERPRISE}:manager",
        "manager",
        "nope",
        "emails[",
    ]
)
_OPERATIONS = st.lists(
    st.builds(
        lambda op, path, value: {
            "op": op,
            "value": value,
            **({"path": path} if path else {}),
        },
        st.sampled_from(["add", "Replace", "remove"]),
        _PATHS,
        _VALUES,
    ),
    max_size=4,
)


@settings(max_examples=400, deadline=None, database=None, derandomize=True)
@given(_OPERATIONS)
def test_patch_is_all_or_none_and_never_writes_what_is_read_only(
    operations: list[dict[str, Any]],
) -> None:
    schema = service_provider().resource_types["User"]
    current = ann(emails=[dict(WORK)], name={"givenName": "Ann"})
    before = copy.deepcopy(current)
    try:
        patched = patch(schema, current, *operations)
    except ScimError:
        pass
    else:
        assert not patched.keys() & set(NOT_STORED)
        assert patched["schemas"][0] == USER  # type: ignore[index]
        assert isinstance(patched["userName"], str)
        assert isinstance(patched.get("active", True), bool)
    assert current == before


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(_OPERATIONS)
def test_patched_document_is_one_that_can_be_created(
    operations: list[dict[str, Any]],
) -> None:
    schema = service_provider().resource_types["User"]
    try:
        patched = patch(schema, ann(emails=[dict(WORK)]), *operations)
    except ScimError:
        return

    assert create(schema, patched) == patched


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(
    st.dictionaries(
        st.sampled_from(
            ["userName", "active", "name", "emails", "title", "id", "meta", ENTERPRISE]
        ),
        _VALUES,
        max_size=5,
    )
)
def test_any_object_is_a_user_or_a_scim_error(body: dict[str, Any]) -> None:
    schema = service_provider().resource_types["User"]
    try:
        stored = create(schema, body)
    except ScimError:
        return

    assert create(schema, stored) == stored


def test_path_that_only_resembles_members_is_no_member(
    group_schema: ResourceSchema,
) -> None:
    operation = {"op": "add", "path": "membersOf", "value": "x"}

    assert members.split(group_schema, [operation]) == ([operation], [])
    with pytest.raises(InvalidPath):
        patch(group_schema, {"schemas": [GROUP], "displayName": "G"}, operation)


def test_role_to_remove_must_be_an_object(user_schema: ResourceSchema) -> None:
    with pytest.raises(InvalidValue):
        patch(
            user_schema,
            ann(roles=[{"value": "a"}]),
            {"op": "remove", "path": "roles", "value": 5},
        )
