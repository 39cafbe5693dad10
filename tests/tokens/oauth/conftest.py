"""A client of a directory, and how it asks for an access token."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tokens.oauth import clients, grants
from tokens.oauth.clients import IssuedSecret
from workspaces.clock import database_now
from workspaces.models import Directory, User

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture(autouse=True)
def nobody_asked_yet() -> None:
    grants.reset_limits()


@pytest.fixture
def issued(directory: Directory, alice: User) -> IssuedSecret:
    """A client with its first secret."""
    return clients.add_with_secret(
        directory, name="entra-prod", actor=alice, now=database_now()
    )


@dataclass
class Answer:
    """What the token endpoint answered."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def access_token(self) -> str:
        """The value that was given."""
        return str(self.body["access_token"])


def ask(
    directory: Directory, *, basic: tuple[str, str] | None = None, **form: str
) -> Answer:
    """Ask the token endpoint, as a client does."""
    headers = {}
    if basic:
        encoded = base64.b64encode(":".join(basic).encode()).decode()
        headers["authorization"] = f"Basic {encoded}"
    return post(directory, {**GRANT, **form}, headers)


def post(directory: Directory, form: object, headers: dict[str, str]) -> Answer:
    """Send a form; text goes as it is."""
    text = form if isinstance(form, str) else urlencode(form)
    answer = Client().post(
        f"/scim/{directory.key}/oauth/token",
        text,
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )
    return Answer(answer.status_code, answer.json(), dict(answer.headers))
