"""What the database itself says about memberships."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from scim.models import GroupMember, Resource
from tests.conftest import ScimClient
from workspaces.clock import database_now


@pytest.mark.django_db
@pytest.mark.parametrize("foreign_end", ["group", "member"])
def test_ten_04_membership_across_directories_is_refused_by_the_database(
    foreign_end: str, scim: ScimClient, other_scim: ScimClient
) -> None:
    ends = {
        "group": scim.add_group("Sales")["id"],
        "member": scim.add_user("ann")["id"],
    }
    added = other_scim.add_group if foreign_end == "group" else other_scim.add_user
    ends[foreign_end] = added("theirs")["id"]
    group, member = (
        Resource.objects.get(public_id=ends[e]) for e in ("group", "member")
    )

    with pytest.raises(IntegrityError):
        join(group, member)


@transaction.atomic
def join(group: Resource, member: Resource) -> None:
    GroupMember.objects.create(
        directory=group.directory,
        group=group,
        member=member,
        created_at=database_now(),
    )
    # PostgreSQL checks foreign keys at the end of the transaction.
    connection.check_constraints()
