"""Bad input: the RFC's status and scimType, a SCIM body, and nothing written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Answer, ScimClient
from tests.scim.urns import ERROR, NO_ID

LEAKS = (
    "Traceback",
    "django",
    "sqlite",
    "psycopg",
    "scim2",
    "pydantic",
    "SELECT",
    ".py",
)


def assert_is_scim_error(answer: Answer) -> None:
    """Check the shape of RFC 7644 section 3.12 and that nothing leaks: SCI-36."""
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.body["schemas"] == [ERROR]
    assert answer.body["status"] == str(answer.status)
    assert answer.body["detail"]
    assert not [leak for leak in LEAKS if leak in answer.text]


OPERATIONS = [
    pytest.param({"op": "add", "path": "nope", "value": 1}, "invalidPath", id="path"),
    pytest.param({"op": "add", "path": "a[", "value": 1}, "invalidPath", id="bracket"),
    pytest.param({"op": "x", "path": "title"}, "invalidSyntax", id="op"),
    pytest.param({"op": "remove"}, "noTarget", id="no path"),
    pytest.param({"op": "replace", "path": "id", "value": "x"}, "mutability", id="id"),
    pytest.param({"op": "remove", "path": "userName"}, "mutability", id="required"),
    pytest.param(
        {"op": "replace", "path": "title", "value": {"a": 1}}, "invalidValue", id="type"
    ),
    pytest.param({"op": "replace", "value": "T"}, "invalidValue", id="no object"),
    pytest.param(
        {"op": "add", "path": "[" * 65_000, "value": 1}, "invalidPath", id="bomb"
    ),
]


@pytest.mark.parametrize(("operation", "scim_type"), OPERATIONS)
def test_bad_patch_is_refused_and_nothing_written(
    operation: dict[str, Any], scim_type: str, scim: ScimClient
) -> None:
    user = scim.add_user()

    answer = scim.patch(f"/Users/{user['id']}", operation)

    assert (answer.status, answer.body["scimType"]) == (400, scim_type)
    assert_is_scim_error(answer)
    assert scim.get("/Users").resources == [user]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "APPLICATION/JSON",
    ],
)
def test_media_type_of_scim_or_json_is_read(
    content_type: str, scim: ScimClient
) -> None:
    body = {"userName": "ann"}

    assert scim.post("/Users", body, content_type=content_type).status == 201


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_me_is_501(method: str, scim: ScimClient) -> None:
    answer = scim.request(method, "/Me", {})

    assert answer.status == 501
    assert_is_scim_error(answer)


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("filter=nope", "invalidFilter"),
        ("filter=%00", "invalidValue"),
        ("filter=userName+eq+%22%00%22", "invalidValue"),
        ("sortBy=%00", "invalidValue"),
        ("sortBy=nope", "invalidPath"),
        ("attributes=id&excludedAttributes=id", "invalidValue"),
        ("&".join(f"a{n}=1" for n in range(300)), None),
    ],
    ids=["filter", "NUL", "NUL within", "NUL in sortBy", "sortBy", "both", "300"],
)
def test_bad_query_is_400(query: str, scim_type: str | None, scim: ScimClient) -> None:
    answer = scim.request("GET", f"/Users?{query}")

    assert answer.status == 400
    assert answer.body.get("scimType") == scim_type
    assert_is_scim_error(answer)


def test_unknown_query_parameter_is_ignored(scim: ScimClient) -> None:
    assert (
        scim.request("GET", "/Users?access=all&tenant=x&aadOptscim062020").status == 200
    )


def test_error_of_the_rfc_has_our_shape(scim: ScimClient) -> None:
    body = scim.get(f"/Users/{NO_ID}").body

    assert set(body) == {"schemas", "status", "detail"}
    assert json.dumps(body["status"]) == '"404"'
