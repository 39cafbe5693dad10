"""Two people at one button: real threads, real connections."""

from __future__ import annotations

import pytest

from tests import factories
from tests.conftest import ScimClient
from tests.scim.together import together
from tokens import owner_notices, services
from tokens.audit import Action
from tokens.errors import TokenExists, TokenNotActive, TokenReplaced
from tokens.models import ScimToken
from workspaces import belongings
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, Role, User, Workspace

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_who_generate_the_first_token_one_succeeds(
    directory: Directory, alice: User, bob: User
) -> None:  # TOK-10
    def generate(actor: User) -> str | None:
        try:
            issued = services.generate_first(directory, actor=actor, now=database_now())
        except TokenExists:
            return None
        return issued.plaintext

    values = together([lambda: generate(alice), lambda: generate(bob)])

    [value] = [value for value in values if value]
    assert ScimToken.objects.of_directory(directory).count() == 1
    assert ScimClient(directory, value).get("/Users").status == 200


def test_of_two_who_revoke_a_token_one_succeeds(
    directory: Directory, alice: User, bob: User
) -> None:
    token = services.generate_first(directory, actor=alice, now=database_now()).token

    def revoke(actor: User) -> bool:
        try:
            services.revoke(token, actor=actor, now=database_now())
        except TokenNotActive:
            return False
        return True

    assert sorted(together([lambda: revoke(alice), lambda: revoke(bob)])) == [
        False,
        True,
    ]


def test_of_two_who_replace_a_token_one_succeeds(
    directory: Directory, alice: User, bob: User
) -> None:
    old = services.generate_first(directory, actor=alice, now=database_now()).token

    def rotate(actor: User) -> str | None:
        try:
            issued = services.rotate(
                directory,
                old,
                overlap=services.Overlap.NOW,
                actor=actor,
                now=database_now(),
            )
        except TokenReplaced:
            return None
        return issued.plaintext

    values = together([lambda: rotate(alice), lambda: rotate(bob)])

    [value] = [value for value in values if value]
    assert ScimToken.objects.of_directory(directory).count() == 2
    assert ScimClient(directory, value).get("/Users").status == 200


def test_rotation_and_revocation_together_leave_no_half(
    directory: Directory, alice: User, bob: User
) -> None:
    old = services.generate_first(directory, actor=alice, now=database_now()).token

    def rotate() -> bool:
        try:
            services.rotate(
                directory,
                old,
                overlap=services.Overlap.DAY,
                actor=alice,
                now=database_now(),
            )
        except TokenNotActive:
            return False
        return True

    def revoke() -> bool:
        services.revoke(old, actor=bob, now=database_now())
        return True

    [has_rotated, _] = together([rotate, revoke])

    old.refresh_from_db()
    assert old.revoked_at is not None
    assert (old.replaced_by is not None) == has_rotated


def test_of_two_who_hand_a_token_over_one_does(
    directory: Directory, workspace: Workspace
) -> None:
    """A deactivation and a team's role that goes, at once."""
    admin = factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)
    issued = factories.issue_token(directory, owner=admin)

    together(
        [lambda: belongings.release(admin, None, hands_over=True) for _ in range(2)]
    )

    assert ScimClient(directory, issued.plaintext).get("/Users").status == 200
    assert AuditEvent.objects.filter(action=Action.HANDED_OVER).count() == 1
    assert Job.objects.filter(kind=owner_notices.JOB).count() == 1
