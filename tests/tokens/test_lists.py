"""How much of a directory's tokens, OAuth clients and trusts a page lists at once."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.models import Integration
from tests import factories
from tokens import panel, services
from tokens.models import IdpTrust, OAuthClient, ScimToken
from tokens.oauth import clients, endings, trusts
from tokens.oauth import panel as oauth_panel
from workspaces.clock import database_now
from workspaces.models import Directory, User

TERMS = trusts.Terms("https://idp.test/", "aud", "", "https://idp.test/keys")


def ended_tokens(directory: Directory, count: int) -> None:
    now = database_now()
    made = [factories.issue_token(directory, name=f"old {n}") for n in range(count)]
    for issued in made[:-1]:
        services.revoke(issued.token, actor=None, now=now)
    # A token can end without anybody's doing too.
    ScimToken.objects.filter(pk=made[-1].token.pk).update(expires_at=now)


def ended_openers(directory: Directory, actor: User, count: int) -> None:
    now = database_now()
    for number in range(count):
        by = {"name": f"former {number}", "actor": actor, "now": now}
        client = clients.add_with_secret(directory, **by).secret.client
        endings.revoke(client, actor=actor, now=now)
        trust = trusts.add(directory, TERMS, **by)
        endings.revoke(trust, actor=actor, now=now)


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_panel_lists_what_works_and_the_newest_that_ended(
    client: Client, integration: Integration, alice: User, monkeypatch
) -> None:
    """The page costs the same however many tokens a directory has had."""
    monkeypatch.setattr(oauth_panel, "MOST", 3)
    directory = integration.directory
    connected = f"/integrations/{directory.key}/settings/connected-services/"
    factories.issue_token(directory, name="in-use")
    live = clients.add_with_secret(
        directory, name="live-client", actor=alice, now=database_now()
    )
    client.force_login(alice)
    ended_tokens(directory, panel.MOST_ENDED)
    ended_openers(directory, alice, 2)
    page(client, connected)

    with CaptureQueriesContext(connection) as few:
        text = page(client, connected)
    assert "Show 10 inactive" in text
    assert "All tokens" not in text
    assert "All OAuth clients" not in text
    ended_tokens(directory, 15)
    ended_openers(directory, alice, 4)
    with CaptureQueriesContext(connection) as many:
        text = page(client, connected)

    assert "Show the newest 10 inactive" in text
    assert "in-use" in text
    assert live.secret.client.name in text
    assert "old 14" in text
    assert "old 4" not in text, "of the first ten nothing is left"
    assert f'href="/tokens/{directory.key}/all/"' in text
    assert f'href="/tokens/oauth/{directory.key}/clients/"' in text
    assert f'href="/tokens/oauth/{directory.key}/trust/"' in text
    assert len(many) == len(few)


@pytest.mark.parametrize("kind", [ScimToken, OAuthClient, IdpTrust])
def test_list_has_all_of_them_by_the_page(
    client: Client, integration: Integration, alice: User, monkeypatch, kind: type
) -> None:
    monkeypatch.setattr("workspaces.pages.PAGE_SIZE", 3)
    directory = integration.directory
    address = {
        ScimToken: f"/tokens/{directory.key}/all/",
        OAuthClient: f"/tokens/oauth/{directory.key}/clients/",
        IdpTrust: f"/tokens/oauth/{directory.key}/trust/",
    }[kind]
    ended_tokens(directory, 4)
    ended_openers(directory, alice, 4)
    client.force_login(alice)
    page(client, address)

    with CaptureQueriesContext(connection) as three:
        first = page(client, address)
    with CaptureQueriesContext(connection) as one:
        second = page(client, f"{address}?page=2")

    assert "1–3 of 4" in first  # noqa: RUF001
    assert "4–4 of 4" in second  # noqa: RUF001
    oldest = "old 0" if kind is ScimToken else "former 0"
    assert (oldest in first, oldest in second) == (False, True)
    assert len(three) == len(one)


def test_who_may_not_manage_tokens_is_not_led_there(integration: Integration) -> None:
    directory, now = integration.directory, database_now()
    ended_tokens(directory, panel.MOST_ENDED + 1)
    tokens = panel.listed(directory, now)

    shown = panel.panel(directory, tokens, can_manage=False, now=now)

    assert len(shown["inactive"]) == panel.MOST_ENDED
    assert shown["all_url"] is None
