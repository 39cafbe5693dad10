"""Bad input: the RFC's status and scimType, a SCIM body, and nothing written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError

from tests.conftest import Answer, ScimClient
from tests.scim.urns import ERROR, NO_ID, PATCH

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


BODIES = [
    pytest.param(b"", 400, "invalidValue", id="no body"),
    pytest.param(b" ", 400, "invalidSyntax", id="blank body"),
    pytest.param(b'{"userName":', 400, "invalidSyntax", id="truncated"),
    pytest.param(b"[]", 400, "invalidSyntax", id="list"),
    pytest.param(b'"ann"', 400, "invalidSyntax", id="string"),
    pytest.param(b"null", 400, "invalidSyntax", id="null"),
    pytest.param(b"userName=ann", 400, "invalidSyntax", id="form text"),
    pytest.param(b"<user/>", 400, "invalidSyntax", id="XML"),
    pytest.param(
        b'{"userName":"a","userName":"b"}', 400, "invalidSyntax", id="duplicate key"
    ),
    pytest.param(
        b'{"userName":"a","USERNAME":"b"}', 400, "invalidSyntax", id="key in two cases"
    ),
    pytest.param(
        b'{"userName":"a","x":' + b"[" * 30 + b"]" * 30 + b"}",
        400,
        "invalidSyntax",
        id="too deep",
    ),
    pytest.param(b'{"a":' * 50_000, 400, "invalidSyntax", id="50,000 levels"),
    pytest.param(b'{"userName":NaN}', 400, "invalidSyntax", id="NaN"),
    pytest.param(b'{"userName":"\xff"}', 400, "invalidSyntax", id="not UTF-8"),
    pytest.param(
        b'\xef\xbb\xbf{"userName":"a"}', 400, "invalidSyntax", id="byte order mark"
    ),
    pytest.param(b'{"userName":"a\\u0000"}', 400, "invalidValue", id="NUL"),
    pytest.param(b'{"userName":"\\ud800"}', 400, "invalidValue", id="surrogate"),
    pytest.param(b'{"userName":1e999}', 400, "invalidValue", id="huge number"),
    pytest.param(b"{}", 400, "invalidValue", id="no userName"),
    pytest.param(b'{"userName":5}', 400, "invalidValue", id="wrong type"),
    pytest.param(
        b'{"userName":"' + b"x" * 501 + b'"}', 400, "invalidValue", id="name too long"
    ),
    pytest.param(
        b'{"userName":"a","externalId":"' + b"x" * 501 + b'"}',
        400,
        "invalidValue",
        id="externalId too long",
    ),
    pytest.param(
        b'{"userName":"a","title":"' + b"x" * 65_537 + b'"}',
        400,
        "invalidValue",
        id="string too long",
    ),
    pytest.param(
        b'{"userName":"a","title":"' + b"x" * 1_048_576 + b'"}',
        413,
        None,
        id="body too long",
    ),
]


@pytest.mark.parametrize(("raw", "status", "scim_type"), BODIES)
def test_bad_body_of_a_create_is_refused_and_nothing_written(
    raw: bytes, status: int, scim_type: str | None, scim: ScimClient
) -> None:
    answer = scim.request("POST", "/Users", raw=raw)

    assert (answer.status, answer.body.get("scimType")) == (status, scim_type)
    assert_is_scim_error(answer)
    assert scim.get("/Users").body["totalResults"] == 0


@pytest.mark.parametrize(("raw", "status", "scim_type"), BODIES)
def test_bad_body_of_a_put_is_refused_and_nothing_written(
    raw: bytes, status: int, scim_type: str | None, scim: ScimClient
) -> None:
    user = scim.add_user()

    answer = scim.request("PUT", f"/Users/{user['id']}", raw=raw)

    assert (answer.status, answer.body.get("scimType")) == (status, scim_type)
    assert_is_scim_error(answer)
    assert scim.get("/Users").resources == [user]


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
        "text/plain",
        "text/html",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/scim",
        "application/json-patch+json",
        "application/scim+json; charset=utf-16",
        "application/json; charset=latin-1",
        "",
        "nonsense",
    ],
)
def test_wrong_media_type_is_415(content_type: str, scim: ScimClient) -> None:
    answer = scim.post("/Users", {"userName": "ann"}, content_type=content_type)

    assert answer.status == 415
    assert_is_scim_error(answer)
    assert scim.get("/Users").body["totalResults"] == 0


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


@pytest.mark.parametrize(
    "accept", ["*/*", "text/html", "application/xml", "", "image/png;q=0.1", "nonsense"]
)
def test_answer_is_scim_json_whatever_is_accepted(
    accept: str, scim: ScimClient
) -> None:  # SCI-27
    answer = scim.request("GET", "/Users", accept=accept)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/scim+json"


@pytest.mark.parametrize(
    "path",
    [
        f"/Users/{NO_ID}",
        f"/Groups/{NO_ID}",
        "/Users/1",
        "/Users/nope",
        "/Users/%00",
        "/Users/%0A",
        "/Users/%20",
        "/Users/..%2F..%2Fadmin",
        "/Users/%2e%2e",
        "/Users/%F0%9F%92%A9",
        "/Users/%ED%A0%80",
        "/Users/" + "x" * 900,
        "/Users/" + "x" * 5_000,
        "/users",
        "/USERS",
        "/Users.json",
        "/Nope",
        "/Users/x/y",
        "//Users",
        "/../v2/Users",
        "/v2/Users",
        "/Users%0A",
        "/Users%00",
    ],
)
def test_path_to_nothing_is_404(path: str, scim: ScimClient) -> None:  # SCI-25
    answer = scim.get(path)

    assert answer.status == 404
    assert_is_scim_error(answer)


@pytest.mark.parametrize("ending", ["%20", "%00", "%0A", ".json", "%2Fx", "/x"])
def test_id_has_no_alias(ending: str, scim: ScimClient) -> None:  # SCI-25
    user = scim.add_user()

    assert scim.get(f"/Users/{user['id']}{ending}").status == 404


def test_user_is_not_at_groups(scim: ScimClient) -> None:  # SCI-25
    user = scim.add_user()

    assert scim.get(f"/Groups/{user['id']}").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/Users"),
        ("PATCH", "/Users"),
        ("DELETE", "/Users"),
        ("DELETE", "/Groups"),
        ("POST", f"/Users/{NO_ID}"),
        ("GET", "/Users/.search"),
        ("DELETE", "/Users/.search"),
        ("GET", "/Bulk"),
        ("HEAD", "/Users"),
        ("OPTIONS", "/Users"),
        ("TRACE", "/Users"),
        ("CONNECT", "/Users"),
        ("PURGE", "/Users"),
        ("FOO", "/Users"),
    ],
)
def test_method_that_is_not_offered_is_405_with_allow(
    method: str, path: str, scim: ScimClient
) -> None:  # SCI-24
    user = scim.add_user()

    answer = scim.request(method, path, {} if method != "TRACE" else None)

    assert answer.status == 405
    assert answer.headers["Allow"]
    assert method not in answer.headers["Allow"].split(", ")
    assert scim.get("/Users").resources == [user]


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]
)
def test_method_cannot_be_overridden(header: str, scim: ScimClient) -> None:  # SCI-24
    user = scim.add_user()

    scim.request("GET", f"/Users/{user['id']}", **{header: "DELETE"})
    scim.request("GET", f"/Users/{user['id']}?_method=DELETE")

    assert scim.get("/Users").resources == [user]


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


def test_unexpected_failure_is_a_plain_500(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:  # SCI-36
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("s3cret detail of a lower layer")

    monkeypatch.setattr("scim.queries.search", fail)

    answer = scim.get("/Users")

    assert answer.status == 500
    assert "s3cret" not in answer.text
    assert_is_scim_error(answer)
    assert "scim_unexpected_error" in caplog.text


def test_busy_database_is_503_with_retry_after(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("scim.queries.search", fail)

    answer = scim.get("/Users")

    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "locked" not in answer.text
    assert_is_scim_error(answer)


@pytest.mark.parametrize("count", [2_000, 10_000])
def test_many_operations_are_refused_or_done_in_time(
    count: int, scim: ScimClient
) -> None:  # SCI-22
    user = scim.add_user()
    operations = [
        {"op": "add", "path": f'emails[type eq "t{n}"].value', "value": "v"}
        for n in range(count)
    ]

    answer = scim.request(
        "PATCH", f"/Users/{user['id']}", {"schemas": [PATCH], "Operations": operations}
    )

    assert answer.status in {400, 413}
    assert_is_scim_error(answer)
    assert scim.get("/Users").resources == [user]


def test_body_of_line_breaks_splits_no_header(scim: ScimClient) -> None:  # SCI-26
    answer = scim.post("/Users", {"userName": "ann\r\nX-Evil: 1"})

    assert answer.status == 400
    assert "X-Evil" not in answer.headers


def test_error_of_the_rfc_has_our_shape(scim: ScimClient) -> None:
    body = scim.get(f"/Users/{NO_ID}").body

    assert set(body) == {"schemas", "status", "detail"}
    assert json.dumps(body["status"]) == '"404"'
