"""Totals and pages by index come from counts kept in blocks of ids."""

from __future__ import annotations

import pytest

from scim import counts
from scim.models import Resource, ResourceCount
from tests.conftest import ScimClient


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "BLOCK", 3)


def names(scim: ScimClient, **query: int) -> list[str]:
    return [user["userName"] for user in scim.get("/Users", **query).resources]


@pytest.fixture
def people(scim: ScimClient, other_scim: ScimClient) -> list[str]:
    """Ten users whose ids are mixed with those of another tenant and of groups."""
    wanted = [f"user{number}" for number in range(10)]
    for number, name in enumerate(wanted):
        scim.add_user(name)
        other_scim.add_user(name)
        scim.add_group(f"group{number}")
    return wanted


@pytest.mark.parametrize("start", range(1, 12))
@pytest.mark.parametrize("count", [1, 4, 20])
def test_every_page_is_the_right_one(
    start: int, count: int, people: list[str], scim: ScimClient
) -> None:
    answer = scim.get("/Users", startIndex=start, count=count)

    assert answer.body["totalResults"] == 10
    found = [user["userName"] for user in answer.body["Resources"]]
    assert found == people[start - 1 : start - 1 + count]


def test_deleted_users_leave_no_hole(people: list[str], scim: ScimClient) -> None:
    for name in ("user0", "user4", "user5", "user9"):
        (user,) = scim.get("/Users", filter=f'userName eq "{name}"').resources
        scim.delete(f"/Users/{user['id']}")

    answer = scim.get("/Users", startIndex=3, count=3)

    assert answer.body["totalResults"] == 6
    assert names(scim, startIndex=3, count=3) == ["user3", "user6", "user7"]


def test_refused_create_is_not_counted(scim: ScimClient) -> None:
    scim.add_user("ann")
    scim.post("/Users", {"userName": "ann"})

    assert scim.get("/Users", count=0).body["totalResults"] == 1


def test_counts_agree_with_the_rows(people: list[str], scim: ScimClient) -> None:
    for resource_type in ("User", "Group"):
        counted = sum(
            ResourceCount.objects.filter(
                directory=scim.directory, resource_type=resource_type
            ).values_list("total", flat=True)
        )
        rows = Resource.objects.filter(
            directory=scim.directory, resource_type=resource_type
        )
        assert counted == rows.count() == 10
