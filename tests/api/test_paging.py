"""Lists that grow come by the page: tokens, OAuth clients and trusts of a directory."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Integration
from tests import factories
from tests.api.conftest import ApiClient
from tokens import services
from tokens.oauth import clients, endings, trusts
from tokens.oauth.models import REVOKED_LISTED
from workspaces.clock import database_now
from workspaces.models import Directory, User

KINDS = ("tokens", "clients", "trusts")


def three(kind: str, directory: Directory, actor: User) -> list[str]:
    """Make three of a kind, of which the last is live; return their ids."""
    now, keys = database_now(), []
    for number in range(3):
        if kind == "tokens":
            made: Any = factories.issue_token(directory).token
        elif kind == "clients":
            by = {"name": f"client {number}", "actor": actor, "now": now}
            made = clients.add_with_secret(directory, **by).secret.client
        else:
            terms = trusts.Terms("https://idp.test/", "aud", "", "https://idp.test/k")
            made = trusts.add(directory, terms, name="idp", actor=actor, now=now)
        keys.append(made.key)
        if number < 2:
            end = services.revoke if kind == "tokens" else endings.revoke
            end(made, actor=actor, now=now)
    return keys


@pytest.mark.parametrize("kind", KINDS)
def test_pages_by_cursor_newest_first_and_only_live_ones(
    api: ApiClient, integration: Integration, alice: User, kind: str
) -> None:
    key = integration.directory.key
    base = "integrations" if kind == "tokens" else "directories"
    path = f"/v1/{base}/{key}/{'' if kind == 'tokens' else 'oauth/'}{kind}"
    made = three(kind, integration.directory, alice)

    with CaptureQueriesContext(connection) as one:
        first = api.get(f"{path}?limit=1").body
    with CaptureQueriesContext(connection) as two:
        rest = api.get(f"{path}?limit=2&cursor={first['nextCursor']}").body
    live = api.get(f"{path}?live=true").body["data"]

    rows = [*first["data"], *rest["data"]]
    assert [row["id"] for row in rows] == made[::-1]
    assert [row["state"] for row in rows] == ["active", "revoked", "revoked"]
    assert rest["nextCursor"] is None
    assert [row["id"] for row in live] == made[-1:]
    assert len(two) <= len(one), "a page costs the same whatever is on it"
    assert api.get(f"{path}?live=yes").status == 400
    assert api.get(f"{path}?cursor=-1").status == 400


def test_secret_leaves_the_list_of_its_client_some_time_after_its_end(
    api: ApiClient, integration: Integration, alice: User
) -> None:
    now, directory = database_now(), integration.directory
    live = clients.add_with_secret(directory, name="a", actor=alice, now=now).secret
    for ended_at in (now - REVOKED_LISTED, now):
        spare = clients.new_secret(live.client, actor=alice, now=now).secret
        clients.revoke_secret(spare, actor=alice, now=ended_at)

    [row] = api.get(f"/v1/directories/{directory.key}/oauth/clients").body["data"]

    assert [each["id"] for each in row["secrets"]] == [spare.key, live.key]
