"""Writers who meet: real threads, real connections. SCI-05, SCI-06."""

from __future__ import annotations

from collections import Counter

import pytest

from scim.api import base
from scim.models import GroupMember, Resource
from tests.conftest import Answer, ScimClient
from tests.scim.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def client_of(scim: ScimClient) -> ScimClient:
    """Return a client for one thread."""
    return ScimClient(scim.directory, scim.token)


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def test_of_eight_creates_of_one_group_name_one_succeeds(scim: ScimClient) -> None:
    answers = together(
        [lambda: client_of(scim).post("/Groups", {"displayName": "G"})] * 8
    )

    assert statuses(answers) == {201: 1, 409: 7}


def test_parallel_patches_of_different_attributes_lose_nothing(
    scim: ScimClient,
) -> None:
    user = scim.add_user("ann")
    names = ["title", "nickName", "displayName", "userType", "locale", "timezone"]

    def write(name: str) -> Answer:
        operation = {"op": "add", "path": name, "value": "x"}
        return client_of(scim).patch(f"/Users/{user['id']}", operation)

    answers = together([lambda name=name: write(name) for name in names])

    body = scim.get(f"/Users/{user['id']}").body
    assert statuses(answers) == {200: 6}
    assert {name: body.get(name) for name in names} == dict.fromkeys(names, "x")
    assert body["meta"]["version"] == 'W/"7"'


def test_parallel_adds_of_one_member_store_it_once(scim: ScimClient) -> None:
    user = scim.add_user()["id"]
    group = scim.add_group()
    operation = {"op": "add", "path": "members", "value": [{"value": user}]}

    answers = together(
        [lambda: client_of(scim).patch(f"/Groups/{group['id']}", operation)] * 6
    )

    assert statuses(answers) == {200: 6}
    assert GroupMember.objects.count() == 1


def test_of_four_returns_of_an_inactive_user_one_succeeds(scim: ScimClient) -> None:
    scim.add_user("ann", active=False, externalId="e-1")
    body = {"userName": "ann", "externalId": "e-1"}

    answers = together([lambda: client_of(scim).post("/Users", body)] * 4)

    assert statuses(answers) == {201: 1, 409: 3}


def test_delete_while_others_write_ends_in_404_or_done(scim: ScimClient) -> None:
    user = scim.add_user("ann")
    group = scim.add_group("G", user["id"])
    path = f"/Users/{user['id']}"
    operation = {"op": "add", "path": "title", "value": "T"}
    rename = {"op": "replace", "path": "displayName", "value": "H"}

    answers = together(
        [
            lambda: client_of(scim).delete(path),
            lambda: client_of(scim).patch(path, operation),
            lambda: client_of(scim).delete(path),
            lambda: client_of(scim).patch(f"/Groups/{group['id']}", rename),
        ]
    )

    assert sorted([answers[0].status, answers[2].status]) == [204, 404]
    assert answers[1].status in {200, 404}
    assert answers[3].status == 200
    assert scim.get(path).status == 404


def test_deleted_before_the_answer_is_written(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write succeeded, so that its answer says so."""
    group = scim.add_group()
    operation = {"op": "replace", "path": "displayName", "value": "Crew"}
    monkeypatch.setattr(base, "fault", lambda point: Resource.objects.all().delete())

    answer = scim.patch(f"/Groups/{group['id']}", operation)

    assert (answer.status, answer.body["displayName"]) == (200, "Crew")
