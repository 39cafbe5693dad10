"""SCI-32: nobody lets in by Directory Sync what gives a role above their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from integrations.directory_sync import member_tokens, provisioning
from tests import factories
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from tests.directory_sync.conftest import member
from tokens import services
from tokens.models import IdpTrust, OAuthClient, ScimToken
from tokens.oauth import clients, trusts
from tokens.oauth.trusts import Terms
from workspaces import audit, teams
from workspaces.clock import database_now
from workspaces.errors import ReachesTooHigh
from workspaces.models import (
    AuditEvent,
    Directory,
    DirectorySync,
    Membership,
    Role,
    Team,
    User,
    Workspace,
)

ANN = "ann@acme.test"


@pytest.fixture
def admin(workspace: Workspace) -> Membership:
    return factories.MembershipFactory(workspace=workspace, role=Role.ADMIN)


@pytest.fixture
def team(idp: ScimClient, membership: Membership) -> None:
    """One that makes Super Admins."""
    group = idp.add_group("Engineering")
    made = Team.objects.get(resource_id=group["id"])
    teams.give_role(made, Role.SUPER_ADMIN, by=membership)


def generate(own: Directory, actor: User) -> Any:
    ScimToken.objects.all().delete()
    return services.generate_first(own, actor=actor, now=database_now())


def rotate(own: Directory, actor: User) -> Any:
    old = factories.issue_token(own).token
    overlap = services.Overlap.DAY
    now = database_now()
    return services.rotate(own, old, overlap=overlap, actor=actor, now=now)


def refresh(own: Directory, actor: User) -> Any:
    old = factories.issue_token(own).token
    return provisioning.refresh(own, old, actor=actor, now=database_now())


def of_member(own: Directory, actor: User) -> Any:
    return member_tokens.issue(
        actor.memberships.get(),
        name="mine",
        domain_names=["acme.test"],
        actor=actor,
        now=database_now(),
    )


def client_with_secret(own: Directory, actor: User) -> Any:
    return clients.add_with_secret(own, name="x", actor=actor, now=database_now())


def client_with_keys(own: Directory, actor: User) -> Any:
    keys = [{"kid": "one", "kty": "OKP"}]
    now = database_now()
    return clients.add_with_keys(own, name="x", keys=keys, actor=actor, now=now)


def second_secret(own: Directory, actor: User) -> Any:
    now = database_now()
    made = clients.add_with_secret(own, name="x", actor=None, now=now)
    return clients.new_secret(made.secret.client, actor=actor, now=now)


def other_keys(own: Directory, actor: User) -> Any:
    now = database_now()
    made = clients.add_with_keys(own, name="x", keys=[], actor=None, now=now)
    return clients.replace_keys(made, [], actor=actor, now=now)


def trust(own: Directory, actor: User) -> Any:
    terms = Terms("https://idp.test", "keyway", "", "https://idp.test/keys")
    return trusts.add(own, terms, name="x", actor=actor, now=database_now())


WAYS: list[Callable[[Directory, User], Any]] = [
    *(generate, rotate, refresh, of_member, client_with_secret, client_with_keys),
    *(second_secret, other_keys, trust),
]


@pytest.mark.parametrize("way", WAYS)
def test_sci_32_admin_lets_nothing_in_that_makes_super_admins(
    way: Callable[[Directory, User], Any],
    own: Directory,
    team: None,
    admin: Membership,
    membership: Membership,
) -> None:
    with pytest.raises(ReachesTooHigh, match="make a Super Admin"):
        way(own, admin.user)

    assert way(own, membership.user)


def test_sci_32_default_role_counts(
    own: Directory, admin: Membership, alice: User
) -> None:
    generate(own, admin.user)
    DirectorySync.objects.update(default_role=Role.SUPER_ADMIN)

    with pytest.raises(ReachesTooHigh):
        generate(own, admin.user)


def test_sci_32_so_does_an_owner_whose_link_could_be_sent_elsewhere(
    own: Directory, idp: ScimClient, admin: Membership
) -> None:
    """Once they have a way in, no mailbox adds a second one."""
    idp.add_user(ANN)
    Membership.objects.filter(user__email_key=ANN).update(role=Role.OWNER)

    with pytest.raises(ReachesTooHigh, match="Owner"):
        generate(own, admin.user)

    ann = member(ANN).user
    ann.set_password(factories.PASSWORD)
    ann.save(update_fields=["password"])
    assert generate(own, admin.user)


def test_sci_32_tokens_of_integrations_are_as_before(
    team: None, admin: Membership, directory: Directory
) -> None:
    now = database_now()

    assert services.generate_first(directory, actor=admin.user, now=now)


@pytest.mark.parametrize(
    "path", ["/settings/scim-users-provisioning/token/", "/tokens/{key}/generate/"]
)
def test_page_says_why_and_the_log_has_it(
    client: Client, own: Directory, team: None, admin: Membership, path: str
) -> None:
    ScimToken.objects.all().delete()
    client.force_login(admin.user)

    answer = client.post(path.format(key=own.key))

    assert answer.status_code == 403
    assert b"can make a Super Admin here" in answer.content
    assert AuditEvent.objects.filter(
        action=audit.SignIn.REFUSED, actor=admin.user
    ).exists()
    assert not ScimToken.objects.exists()


def test_api_says_why(
    workspace: Workspace, own: Directory, team: None, admin: Membership
) -> None:
    ScimToken.objects.all().delete()
    api = ApiClient(factories.issue_api_token(workspace, Role.ADMIN).plaintext)

    made = api.post("/v1/directory-sync/tokens")
    added = api.post(
        f"/v1/directories/{own.key}/oauth/clients", {"name": "x", "method": "secret"}
    )

    assert (made.status, added.status) == (403, 403)
    assert "can make a Super Admin here" in made.body["detail"]
    assert not OAuthClient.objects.exists()
    assert not IdpTrust.objects.exists()
    assert not ScimToken.objects.exists()
