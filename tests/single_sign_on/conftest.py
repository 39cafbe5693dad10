"""A workspace whose members sign in at a provider on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from django.test import Client

from integrations.single_sign_on.discovery import discover
from tests.fakes.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Provider,
    identity_provider,
)
from workspaces import sign_in_providers
from workspaces.clock import database_now
from workspaces.models import EmailDomain, SignInProvider, User, Workspace


@pytest.fixture
def idp() -> Iterator[Provider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def provider(idp: Provider, workspace: Workspace, alice: User) -> SignInProvider:
    """Set up for Acme, which has proven its domain."""
    now = database_now()
    EmailDomain.objects.create(
        workspace=workspace, name="acme.test", created_at=now, proven_at=now
    )
    return set_up(workspace, idp, actor=alice)


def set_up(
    workspace: Workspace, idp: Provider, *, actor: User, **changes: Any
) -> SignInProvider:
    values = {
        "name": "Acme ID",
        "issuer": idp.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "trusts_second_step": False,
        "metadata": discover(idp.issuer).as_json(),
        **changes,
    }
    return sign_in_providers.save(
        workspace,
        sign_in_providers.Settings(**values),
        actor=actor,
        now=database_now(),
    )


@dataclass
class Door:
    """A browser that signs in at Acme's provider."""

    client: Client
    workspace: Workspace
    idp: Provider

    @property
    def path(self) -> str:
        return f"/login/sso/{self.workspace.public_id}/"

    def begin(self, query: str = "") -> str:
        """Return the provider's address that the page leads to."""
        page = self.client.get(f"{self.path}{query}").content.decode()
        return unescape(re.search(r'content="0; url=([^"]+)"', page)[1])

    def come_back(self, answer: dict[str, str]) -> Any:
        return self.client.get(f"{self.path}callback/", answer)

    def sign_in(self, query: str = "", **claims: Any) -> Any:
        return self.come_back(self.idp.authorize(self.begin(query), **claims))

    @property
    def is_signed_in(self) -> bool:
        return "_auth_user_id" in self.client.session

    def told(self) -> str:
        """Return what the log-in page says after a refusal."""
        return self.client.get("/login/").content.decode()


@pytest.fixture
def door(client: Client, provider: SignInProvider, idp: Provider) -> Door:
    return Door(client, provider.workspace, idp)
