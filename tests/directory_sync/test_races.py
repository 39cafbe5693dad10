"""Two workspaces at the same moment, with real connections."""

from __future__ import annotations

import pytest

from tests import factories
from tests.conftest import Answer, ScimClient, scim_client
from tests.scim.together import together
from workspaces import directory_sync, domains, invitations
from workspaces.clock import database_now
from workspaces.errors import AddressTaken
from workspaces.models import (
    DirectorySync,
    EmailDomain,
    Invitation,
    Membership,
    User,
    Workspace,
)

pytestmark = pytest.mark.django_db(transaction=True)
ANN = "ann@acme.test"


def idp_of(workspace: Workspace) -> ScimClient:
    now, owner = database_now(), Membership.objects.get(workspace=workspace).user
    directory_sync.turn_on(workspace, actor=owner, now=now)
    domains.add(workspace, ["acme.test"], actor=owner, now=now)
    return scim_client(directory_sync.directory_of(workspace))


def create_at_once(*, adopts: bool) -> list[Answer]:
    """Let two IdPs create the same new person, five times over."""
    idps = [idp_of(factories.WorkspaceFactory()) for _ in range(2)]
    DirectorySync.objects.update(adopts=adopts)
    EmailDomain.objects.update(proven_at=database_now())
    answers: list[Answer] = []
    for number in range(5):
        body = {"userName": f"{number}.{ANN}", "active": True}
        answers += together([lambda i=i, b=body: i.post("/Users", b) for i in idps])
    return answers


def test_one_person_with_two_memberships() -> None:
    """Where both take existing people over, whoever comes second takes over."""
    answers = create_at_once(adopts=True)

    assert [answer.status for answer in answers] == [201] * 10
    people = User.objects.filter(email_key__endswith=ANN)
    assert people.count() == 5
    assert all(person.memberships.count() == 2 for person in people)


def test_where_nobody_is_taken_over_the_second_gets_a_conflict() -> None:
    answers = create_at_once(adopts=False)

    assert sorted(answer.status for answer in answers) == [201] * 5 + [409] * 5
    people = User.objects.filter(email_key__endswith=ANN)
    assert people.count() == 5
    assert all(person.memberships.count() == 1 for person in people)


def test_two_invitations_to_one_address_make_one_person() -> None:
    owners = [factories.MembershipFactory(role="owner") for _ in range(2)]
    offers = [
        invitations.invite(ANN, role="admin", by=by, now=database_now())  # type: ignore[arg-type]
        for by in owners
    ]

    def accept(offer: Invitation) -> str:
        try:
            invitations.accept_as_new(
                offer, name="Ann", password="nine green hedgehogs", now=database_now()
            )
        except AddressTaken:
            return "taken"
        return "joined"

    outcomes = together([lambda o=offer: accept(o) for offer in offers])

    assert sorted(outcomes) == ["joined", "taken"]
    assert User.objects.get(email_key=ANN).check_password("nine green hedgehogs")
