"""An administrator finds the API inside the product, and makes a SCIM token there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.conftest import ScimClient
from tests.journeys.chromium import chromium
from tokens.models import ScimToken
from workspaces.models import Membership, User, Workspace

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def walk_to_help(page: Page) -> None:
    """S0-88: icon, menu, overview, tile."""
    page.goto("/integrations/")
    page.get_by_role("button", name="Administration").click()
    expect(page.get_by_text("Administrator Settings")).to_be_visible()
    page.get_by_role("menuitem", name="Admin Overview").click()
    tools = page.get_by_role("region", name="Tools")
    tools.get_by_role("link", name="Swagger Docs").click()
    expect(page.get_by_role("heading", name="Admin: Help")).to_be_visible()


def search(page: Page) -> None:
    """S0-89: in any case, by any part of the name."""
    topics = page.locator(".opblock-tag")
    for typed, found in (("user", "User"), ("org", "Org"), ("scim", "scimTokens")):
        page.get_by_placeholder("Filter by tag").fill(typed)
        expect(topics).to_have_count(1)
        expect(topics).to_contain_text(found)


def execute(page: Page, summary: str) -> None:
    """S0-90: open, fill in nothing, send."""
    page.get_by_text(summary, exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()


def answer_of(page: Page, summary: str, *parameters: int) -> Any:
    """Fill in the parameters of a call, execute it and return the response body."""
    call = page.locator(".opblock", has=page.get_by_text(summary, exact=True))
    call.get_by_text(summary, exact=True).click()
    call.get_by_role("button", name="Try it out").click()
    for field, value in zip(call.locator("input").all(), parameters, strict=True):
        field.fill(str(value))
    call.get_by_role("button", name="Execute").click()
    return body_in(call)


def body_in(call: Locator) -> Any:
    """Return what the response area of a call shows."""
    shown = call.locator(".live-responses-table .highlight-code").first
    return json.loads(shown.inner_text().removeprefix("Download"))


def user_id(page: Page, email: str) -> int:
    """S0-94: an administrator looks a user up in the organization, by Execute."""
    call = page.locator(
        ".opblock-get", has=page.locator("[data-path='/api/v1/members']")
    )
    call.locator(".opblock-summary-control").click()
    call.get_by_role("button", name="Try it out").click()
    call.get_by_placeholder("email").fill(email)
    call.get_by_role("button", name="Execute").click()
    (member,) = body_in(call)["data"]
    return int(member["userId"])


def delete(page: Page, token: int) -> None:
    """S0-105: delete a token, by Execute."""
    call = page.locator(
        ".opblock", has=page.get_by_text("delete a scim token", exact=True)
    )
    call.get_by_text("delete a scim token", exact=True).click()
    call.get_by_role("button", name="Try it out").click()
    call.locator("input").fill(str(token))
    call.get_by_role("button", name="Execute").click()
    status = call.locator(".live-responses-table tbody .response-col_status")
    expect(status.first).to_contain_text("204", timeout=15_000)


def see_it_expire(page: Page, token: ScimToken) -> None:
    """S0-103: the portal says when a token ends, and that it has ended."""
    in_two_years, row = token.expires_at, page.get_by_role("row", name=token.name)
    assert in_two_years is not None
    page.goto("/settings/idp/")
    year = str(in_two_years.year)
    expect(row.get_by_role("cell").nth(2)).to_contain_text(year)
    expect(row).to_contain_text("Active")
    ScimToken.objects.filter(pk=token.pk).update(expires_at=token.created_at)
    page.reload()
    expect(page.locator("tr", has_text=token.name)).to_contain_text("Expired")
    ScimToken.objects.filter(pk=token.pk).update(expires_at=in_two_years)


def test_s0_88_to_s0_91_with_scripts(
    alice: User,
    bob: User,
    workspace: Workspace,
    live_server: LiveServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S0-88, S0-89, S0-90, S0-91, S0-103; by Execute S0-92, S0-93, S0-94, S0-105."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.KEYWAY_PUBLIC_URL = live_server.url
    membership = Membership.objects.get(user=alice)
    with chromium() as browser:
        page = browser.new_page(base_url=live_server.url)
        page.context.add_cookies([_session_of(alice, live_server)])
        complaints: list[str] = []
        page.on("console", lambda m: complaints.append(m.text))
        page.on("pageerror", lambda e: complaints.append(str(e)))

        walk_to_help(page)
        search(page)
        execute(page, "add a scim token")
        # The example, as it is: 0 is refused with a word on what would be right.
        answer = page.locator(".live-responses-table tbody .response-col_description")
        expect(answer.first).to_contain_text("0 is the value of the example")
        body = page.locator("textarea.body-param__text")
        body.fill("{}")
        page.get_by_role("button", name="Click to Populate Example").click()
        filled = json.loads(body.input_value())
        assert filled["orgMembershipId"] == 0
        body.fill(json.dumps(filled | {"orgMembershipId": membership.pk}))
        page.get_by_role("button", name="Execute").click()
        expect(answer.first).to_contain_text("tokenExpiry")
        value = body_in(page.locator(".opblock.is-open"))["token"]

        page.get_by_placeholder("Filter by tag").fill("")
        me = answer_of(page, "who am I?")
        org = me["currentOrg"]["id"]
        place = answer_of(page, "load a user org membership", org, me["id"])
        (listed,) = answer_of(page, "list scim tokens")
        looked_up = user_id(page, bob.email)
        delete(page, listed["id"])

        made = ScimToken.objects.get()
        refused = ScimClient(made.directory, value).get("/Users").status
        ScimToken.objects.update(revoked_at=None)
        see_it_expire(page, made)

    assert (org, place["id"]) == (workspace.pk, membership.pk)
    assert listed["orgMembershipId"] == membership.pk
    assert "token" not in listed
    assert made.owner == membership
    assert value.startswith("kwd_")
    assert looked_up == bob.pk
    assert (made.revoked_at is not None, refused) == (True, 401)
    # The refusal of the example is what Chromium tells of.
    assert [text for text in complaints if "422" not in text] == []


def _session_of(user: User, live_server: LiveServer) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": live_server.url}
