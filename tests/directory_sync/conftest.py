"""A workspace whose people come from the IdP."""

from __future__ import annotations

import pytest

from tests.conftest import ScimClient, scim_client
from workspaces import directory_sync, domains
from workspaces.clock import database_now
from workspaces.models import (
    Directory,
    DirectorySync,
    EmailDomain,
    Membership,
    User,
    Workspace,
)


@pytest.fixture
def sync(workspace: Workspace, alice: User) -> DirectorySync:
    """Turned on, for people of acme.test, which is proven."""
    now = database_now()
    made = directory_sync.turn_on(workspace, actor=alice, now=now)
    domains.add(workspace, ["acme.test"], actor=alice, now=now)
    EmailDomain.objects.update(proven_at=now)
    return made


@pytest.fixture
def own(sync: DirectorySync) -> Directory:
    return directory_sync.directory_of(sync.workspace)


@pytest.fixture
def idp(own: Directory) -> ScimClient:
    return scim_client(own)


def member(email: str) -> Membership:
    return Membership.objects.select_related("user", "role_team").get(
        user__email_key=email
    )
