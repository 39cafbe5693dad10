"""`attributes` and `excludedAttributes`. RFC 7644 section 3.9."""

from __future__ import annotations

import pytest

from scim.protocol import projection
from scim.protocol.errors import InvalidValue
from scim.protocol.schema import ResourceSchema
from tests.scim.urns import ENTERPRISE, USER

MINIMUM = {"schemas": [USER], "id": "1"}
DOCUMENT = {
    **MINIMUM,
    "userName": "ann",
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "emails": [{"value": "a@x.test", "type": "work"}, {"value": "b@x.test"}],
    "groups": [{"value": "g", "display": "G"}],
    ENTERPRISE: {"department": "Sales", "manager": {"value": "m"}},
    "meta": {"resourceType": "User", "version": 'W/"1"'},
}


def less(*names: str) -> dict[str, object]:
    """Return the document without some attributes."""
    return {k: v for k, v in DOCUMENT.items() if k not in names}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param("userName", {"userName": "ann"}, id="one"),
        pytest.param("USERNAME", {"userName": "ann"}, id="any case"),
        pytest.param(f"{USER}:userName", {"userName": "ann"}, id="with its URN"),
        pytest.param("id", {}, id="id alone"),
        pytest.param("password", {}, id="password"),
        pytest.param("nope", {}, id="unknown"),
        pytest.param("name.nope,emails.nope", {}, id="unknown sub-attributes"),
        pytest.param(
            "userName.nope", {"userName": "ann"}, id="part of what has no parts"
        ),
        pytest.param(
            " userName , active ,", {"userName": "ann"}, id="blanks and commas"
        ),
        pytest.param(
            "name.givenName", {"name": {"givenName": "Ann"}}, id="sub-attribute"
        ),
        pytest.param(
            "name.givenName,name.familyName",
            {"name": DOCUMENT["name"]},
            id="two sub-attributes",
        ),
        pytest.param(
            "name,name.givenName", {"name": DOCUMENT["name"]}, id="whole and part"
        ),
        pytest.param(
            "name.givenName,name", {"name": DOCUMENT["name"]}, id="part and whole"
        ),
        pytest.param(
            "emails.type", {"emails": [{"type": "work"}]}, id="of several values"
        ),
        pytest.param("meta", {"meta": DOCUMENT["meta"]}, id="meta"),
        pytest.param("meta.version", {"meta": {"version": 'W/"1"'}}, id="part of meta"),
        pytest.param(
            ENTERPRISE, {ENTERPRISE: DOCUMENT[ENTERPRISE]}, id="whole extension"
        ),
        pytest.param(
            f"{ENTERPRISE}:department",
            {ENTERPRISE: {"department": "Sales"}},
            id="of an extension",
        ),
        pytest.param(
            f"{ENTERPRISE}:manager.value",
            {ENTERPRISE: {"manager": {"value": "m"}}},
            id="sub-attribute of an extension",
        ),
    ],
)
def test_attributes_are_all_that_is_returned(
    attributes: str, expected: dict[str, object], user_schema: ResourceSchema
) -> None:
    wanted = projection.parse(attributes, None)

    assert wanted.apply(user_schema, DOCUMENT) == {**MINIMUM, **expected}


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [
        pytest.param("groups", less("groups"), id="one"),
        pytest.param("GROUPS", less("groups"), id="any case"),
        pytest.param("groups,meta", less("groups", "meta"), id="two"),
        pytest.param("id,schemas", DOCUMENT, id="what is always returned"),
        pytest.param("nope", DOCUMENT, id="unknown"),
        pytest.param(f"{USER}:groups", less("groups"), id="with its URN"),
        pytest.param(ENTERPRISE, less(ENTERPRISE), id="extension"),
        pytest.param(
            f"{ENTERPRISE}:department",
            {**DOCUMENT, ENTERPRISE: {"manager": {"value": "m"}}},
            id="of an extension",
        ),
        pytest.param(
            "name.givenName",
            {**DOCUMENT, "name": {"familyName": "Lee"}},
            id="sub-attribute",
        ),
        pytest.param("name,name.givenName", less("name"), id="whole and part"),
        pytest.param("name.givenName,name", less("name"), id="part and whole"),
    ],
)
def test_excluded_attributes_are_spared(
    excluded: str, expected: dict[str, object], user_schema: ResourceSchema
) -> None:
    wanted = projection.parse(None, excluded)

    assert wanted.apply(user_schema, DOCUMENT) == expected


def test_nothing_asked_is_the_whole(user_schema: ResourceSchema) -> None:
    wanted = projection.parse("", None)

    assert not wanted
    assert wanted.apply(user_schema, DOCUMENT) == DOCUMENT


def test_both_at_once_are_refused() -> None:
    with pytest.raises(InvalidValue):
        projection.parse("userName", "groups")


@pytest.mark.parametrize(
    ("attributes", "excluded", "wanted"),
    [
        pytest.param(None, None, True, id="nothing asked"),
        pytest.param("userName", None, False, id="others asked"),
        pytest.param("groups", None, True, id="asked"),
        pytest.param("groups.value", None, True, id="a part asked"),
        pytest.param(None, "groups", False, id="excluded"),
        pytest.param(None, "groups.display", True, id="a part excluded"),
        pytest.param(None, "groups.display,groups", False, id="part and whole"),
    ],
)
def test_wants_says_whether_groups_must_be_read(
    attributes: str | None,
    excluded: str | None,
    wanted: bool,
    user_schema: ResourceSchema,
) -> None:
    asked = projection.parse(attributes, excluded)

    assert asked.wants(user_schema, "groups") is wanted


def test_projection_leaves_the_document_as_it_was(user_schema: ResourceSchema) -> None:
    before = str(DOCUMENT)

    projection.parse(None, "name.givenName").apply(user_schema, DOCUMENT)

    assert str(DOCUMENT) == before
