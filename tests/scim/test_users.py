"""`/Users`: create, read, replace, delete."""

from __future__ import annotations

from tests.conftest import ScimClient


def test_create_answers_201_with_location_and_etag(scim: ScimClient) -> None:
    answer = scim.post("/Users", {"userName": "ann@acme.test"})

    assert answer.status == 201
    assert answer.headers["Location"] == answer.body["meta"]["location"]
    assert answer.headers["ETag"] == 'W/"1"' == answer.body["meta"]["version"]
    assert answer.headers["Content-Type"] == "application/scim+json"
