"""Tokens in the admin: shown without their secrets, and revoked."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.confirming import sign_in_verified
from tests.conftest import ScimClient, scim_client
from tokens.models import ScimToken, TokenState
from workspaces.clock import database_now
from workspaces.models import Directory, User

LIST = "admin:tokens_scimtoken_changelist"


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    root = factories.UserFactory(email="root@keyway.test", is_superuser=True)
    sign_in_verified(client, root)
    return client


def revoke(admin: Client, *tokens: ScimToken) -> str:
    keys = [token.pk for token in tokens]
    chosen = {"action": "revoke", "_selected_action": keys, "confirmed": "Revoke"}
    answer = admin.post(reverse(LIST), chosen, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_list_says_what_a_token_is_worth(admin: Client, directory: Directory) -> None:
    token = factories.issue_token(directory).token

    page = admin.get(reverse(LIST)).content.decode()

    assert token.hint in page
    assert TokenState.ACTIVE.label in page
    assert token.digest not in page


def test_revoked_token_opens_nothing(admin: Client, directory: Directory) -> None:
    scim: ScimClient = scim_client(directory)
    token = ScimToken.objects.get(directory=directory)

    page = revoke(admin, token)

    assert f"({token.hint}) is revoked." in page
    token.refresh_from_db()
    assert token.state(database_now()) is TokenState.REVOKED
    assert scim.get("/Users").status == 401


def test_token_that_was_revoked_is_left_as_it_is(
    admin: Client, directory: Directory
) -> None:
    token = factories.issue_token(directory).token
    revoke(admin, token)

    assert f"({token.hint}): This token has been revoked" in revoke(admin, token)


def test_who_is_no_superuser_sees_no_tokens(
    client: Client, alice: User, directory: Directory
) -> None:
    client.force_login(alice)

    assert client.get(reverse(LIST)).status_code == 302
