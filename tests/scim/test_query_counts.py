"""What requests cost the database, pinned.

Reads are pinned as a whole. Of writes, the statements on our own tables: what the
receivers of `resource_changed` add is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Answer, ScimClient
from tests.scim.counting import Statements, statements


@pytest.fixture
def cost(scim: ScimClient) -> Callable[[Callable[[], Answer]], Statements]:
    """Return what a request costs, once the use of the token is noted."""

    def of(request: Callable[[], Answer]) -> Statements:
        scim.get("/Schemas")
        with statements() as found:
            answer = request()
        assert answer.status < 400, answer.text
        return found

    return of


Cost = Callable[[Callable[[], Answer]], Statements]


def populate(scim: ScimClient, count: int) -> list[str]:
    """Store users, all in one group; return their ids."""
    ids = [scim.add_user(f"user{n}")["id"] for n in range(count)]
    scim.add_group("Everybody", *ids)
    return ids


def own(found: Statements) -> list[str]:
    """Return the statements on our tables that are not a receiver's."""
    return [sql for sql in found.on("scim_") if "integrations_" not in sql]


def writes(found: Statements) -> list[str]:
    """Return the statements that change our tables."""
    return [sql for sql in own(found) if not sql.startswith("SELECT")]


def test_get_of_a_user_is_authentication_and_one_or_two_reads(
    scim: ScimClient, cost: Cost
) -> None:
    [user] = populate(scim, 1)

    assert len(cost(lambda: scim.get(f"/Users/{user}"))) <= 3


@pytest.mark.parametrize("size", [10, 100])
def test_list_costs_the_same_at_any_size(
    size: int, scim: ScimClient, cost: Cost
) -> None:
    populate(scim, size)

    found = cost(lambda: scim.get("/Users", count=100))

    # Authentication, count, page, and the groups of all of them at once.
    assert len(found) <= 4


@pytest.mark.parametrize("size", [2, 40])
def test_list_of_groups_costs_the_same_at_any_size(
    size: int, scim: ScimClient, cost: Cost
) -> None:
    ids = populate(scim, 3)
    for n in range(size):
        scim.add_group(f"Group {n}", *ids)

    assert len(cost(lambda: scim.get("/Groups"))) <= 4


def test_list_without_groups_does_not_read_them(scim: ScimClient, cost: Cost) -> None:
    populate(scim, 2)

    found = cost(lambda: scim.get("/Users", excludedAttributes="groups"))

    assert found.on("scim_groupmember") == []
    assert len(found) <= 3


def test_group_without_members_does_not_read_them(scim: ScimClient, cost: Cost) -> None:
    populate(scim, 2)

    found = cost(lambda: scim.get("/Groups", excludedAttributes="members"))

    assert found.on("scim_groupmember") == []


def test_filter_is_one_statement_for_total_and_one_for_the_page(
    scim: ScimClient, cost: Cost
) -> None:
    populate(scim, 3)

    found = cost(lambda: scim.get("/Users", filter='userName eq "user1"'))

    assert len(found) <= 4


def test_count_0_reads_no_page(scim: ScimClient, cost: Cost) -> None:
    populate(scim, 3)

    assert len(cost(lambda: scim.get("/Users", count=0))) == 2


def test_deactivation_writes_one_resource_and_one_change(
    scim: ScimClient, cost: Cost
) -> None:
    [user, *_] = populate(scim, 3)
    operation: dict[str, Any] = {"op": "replace", "value": {"active": False}}

    found = cost(lambda: scim.patch(f"/Users/{user}", operation))

    assert len(writes(found)) == 2
    assert len(own(found)) <= 4


def test_patch_that_changes_nothing_writes_nothing(
    scim: ScimClient, cost: Cost
) -> None:
    [user] = populate(scim, 1)
    operation = {"op": "replace", "value": {"active": True}}

    assert writes(cost(lambda: scim.patch(f"/Users/{user}", operation))) == []


def member_cost(scim: ScimClient, cost: Cost, size: int) -> Statements:
    """Return what adding one member to a group of a size costs."""
    populate(scim, size)
    [group] = scim.get("/Groups", excludedAttributes="members").resources
    new = scim.add_user("new")["id"]
    operation = {"op": "add", "path": "members", "value": [{"value": new}]}
    path = f"/Groups/{group['id']}?excludedAttributes=members"
    return cost(lambda: scim.patch(path, operation))


@pytest.mark.parametrize("size", [1, 60])
def test_adding_a_member_costs_the_same_in_any_group(
    size: int, scim: ScimClient, cost: Cost
) -> None:
    found = member_cost(scim, cost, size)

    # The membership, the group's version, the change.
    assert len(writes(found)) == 3
    assert len(own(found)) <= 8


def test_create_writes_the_resource_the_change_and_the_count(
    scim: ScimClient, cost: Cost
) -> None:
    found = cost(lambda: scim.post("/Users", {"userName": "ann", "externalId": "e"}))

    assert len(writes(found)) == 3


def test_wrong_version_writes_nothing(scim: ScimClient) -> None:
    [user] = populate(scim, 1)

    with statements() as found:
        scim.delete(f"/Users/{user}", if_match='W/"9"')

    assert writes(found) == []
