"""The quick way of PATCH gives what the library gives, or stands aside."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import documents, simple_patch
from scim.protocol.schema import service_provider

USER = service_provider().resource_types["User"]
CURRENT: dict[str, Any] = {
    "schemas": [USER.urn],
    "userName": "ann@acme.test",
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "active": True,
    "emails": [{"value": "ann@acme.test", "type": "work"}],
}
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1)
set_text = st.builds(
    lambda op, path, value: {"op": op, "path": path, "value": value},
    st.sampled_from(["add", "replace"]),
    st.sampled_from(
        ["displayName", "TITLE", "name.familyName", "Name.middleName", "externalId"]
    ),
    texts,
)
set_active = st.builds(
    lambda value: {"op": "replace", "path": "active", "value": value},
    st.sampled_from([True, False, "True", "false"]),
)


@given(st.lists(set_text | set_active, min_size=1, max_size=4))
def test_it_gives_what_the_library_gives(operations: list[dict[str, Any]]) -> None:
    quick = simple_patch.apply(USER, CURRENT, operations)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(simple_patch, "apply", lambda *_: None)
        slow = documents.patch(USER, CURRENT, operations)

    assert quick == slow


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "title"},
        {"op": "replace", "path": "title"},
        {"op": "replace", "path": "title", "value": ""},
        {"op": "replace", "path": "title", "value": 1},
        {"op": "replace", "path": "nope", "value": "x"},
        {"op": "replace", "path": "id", "value": "x"},
        {"op": "replace", "path": "meta.version", "value": "x"},
        {"op": "replace", "path": "password", "value": "x"},
        {"op": "replace", "path": "emails", "value": "x"},
        {"op": "replace", "path": "emails.value", "value": "x"},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "x"},
        {"op": "replace", "path": "name", "value": {"givenName": "x"}},
        {"op": "replace", "path": "name.", "value": "x"},
        {"op": "replace", "path": "active", "value": "perhaps"},
        {"op": "replace", "path": "profileUrl", "value": "x"},
        {"op": "replace", "value": {"title": "x"}},
    ],
    ids=str,
)
def test_it_leaves_everything_else_to_the_library(operation: dict[str, Any]) -> None:
    assert simple_patch.apply(USER, CURRENT, [operation]) is None


def test_it_changes_nothing_of_what_it_is_given() -> None:
    before = {**CURRENT, "name": {**CURRENT["name"]}}

    simple_patch.apply(
        USER, CURRENT, [{"op": "add", "path": "name.familyName", "value": "Novak"}]
    )

    assert before == CURRENT
