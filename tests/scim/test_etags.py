"""Versions and preconditions. RFC 7644 section 3.14, RFC 9110 section 13."""

from __future__ import annotations

import pytest

from tests.conftest import Answer, ScimClient

CURRENT = ['W/"1"', '"1"', "*", '"0", W/"1"', 'w/"1"']
STALE = ['W/"2"', '"0"', '""', "1", "W/1", "nonsense", '"*"', 'W/"01"', '"W/1"']


def write(scim: ScimClient, method: str, user_id: str, **headers: str) -> Answer:
    """Change or delete the user."""
    path = f"/Users/{user_id}"
    if method == "PUT":
        return scim.put(path, {"userName": "ann", "title": "T"}, **headers)
    if method == "PATCH":
        operation = {"op": "add", "path": "title", "value": "T"}
        return scim.patch(path, operation, **headers)
    return scim.delete(path, **headers)


@pytest.fixture
def user_id(scim: ScimClient) -> str:
    return str(scim.add_user("ann")["id"])


@pytest.mark.parametrize("tag", CURRENT)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_write_with_the_current_version_is_done(
    method: str, tag: str, scim: ScimClient, user_id: str
) -> None:
    assert write(scim, method, user_id, if_match=tag).status in {200, 204}


@pytest.mark.parametrize("tag", STALE)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_write_with_another_version_is_412_and_not_done(
    method: str, tag: str, scim: ScimClient, user_id: str
) -> None:
    answer = write(scim, method, user_id, if_match=tag)

    assert (answer.status, answer.body["status"]) == (412, "412")
    assert "title" not in scim.get(f"/Users/{user_id}").body


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_write_if_none_match_is_refused_for_the_current_version(
    method: str, scim: ScimClient, user_id: str
) -> None:
    assert write(scim, method, user_id, if_none_match='W/"1"').status == 412
    assert write(scim, method, user_id, if_none_match="*").status == 412
    assert write(scim, method, user_id, if_none_match='W/"7"').status in {200, 204}


def test_write_answers_the_next_version(scim: ScimClient, user_id: str) -> None:
    answer = write(scim, "PATCH", user_id, if_match='W/"1"')

    assert answer.headers["ETag"] == 'W/"2"'
    assert write(scim, "PUT", user_id, if_match='W/"1"').status == 412


def test_read_carries_the_version(scim: ScimClient, user_id: str) -> None:
    answer = scim.get(f"/Users/{user_id}")

    assert answer.headers["ETag"] == answer.body["meta"]["version"] == 'W/"1"'


@pytest.mark.parametrize("tag", CURRENT)
def test_read_of_a_known_version_is_304_without_a_body(
    tag: str, scim: ScimClient, user_id: str
) -> None:
    answer = scim.request("GET", f"/Users/{user_id}", if_none_match=tag)

    assert (answer.status, answer.text) == (304, "")
    assert answer.headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize("tag", STALE)
def test_read_of_an_unknown_version_is_200(
    tag: str, scim: ScimClient, user_id: str
) -> None:
    assert scim.request("GET", f"/Users/{user_id}", if_none_match=tag).status == 200


def test_precondition_is_checked_before_the_change(
    scim: ScimClient, user_id: str
) -> None:
    operation = {"op": "add", "path": "nope", "value": "x"}

    answer = scim.patch(f"/Users/{user_id}", operation, if_match='W/"9"')

    assert answer.status == 412


def test_who_joins_or_leaves_a_group_is_not_304_but_may_be_written(
    scim: ScimClient, user_id: str
) -> None:
    path = f"/Users/{user_id}"
    alone = scim.get(path).headers["ETag"]
    group = scim.add_group("Sales", user_id)
    joined = scim.request("GET", path, if_none_match=alone)

    assert joined.status == 200
    assert joined.body["meta"]["version"] == joined.headers["ETag"] != alone
    assert scim.request("GET", path, if_none_match=joined.headers["ETag"]).status == 304

    scim.delete(f"/Groups/{group['id']}")

    assert scim.request("GET", path, if_none_match=joined.headers["ETag"]).status == 200
    assert write(scim, "PATCH", user_id, if_match=joined.headers["ETag"]).status == 200


def test_group_whose_member_was_deleted_is_not_304(
    scim: ScimClient, user_id: str
) -> None:
    path = f"/Groups/{scim.add_group('Sales', user_id)['id']}"
    tag = scim.get(path).headers["ETag"]

    scim.delete(f"/Users/{user_id}")

    assert scim.request("GET", path, if_none_match=tag).status == 200
