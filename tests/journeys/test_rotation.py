"""Replace a token without a gap: both work, the page sees the change, the old retires.

The portal runs, a person clicks, an IdP calls. Nothing is patched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from integrations.models import Integration
from scim import records
from tests import factories
from tests.journeys.chromium import chromium
from tests.journeys.test_first_provisioning import (
    EMAIL,
    Visit,
    clipboard,
    fits,
    log_in,
    own_url,
    visit,
)
from tokens.models import ScimToken
from workspaces.clock import database_now

__all__ = ["own_url", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def integration(live_server: LiveServer, settings: Settings) -> Integration:
    settings.KEYWAY_PUBLIC_URL = live_server.url
    # What other tests left to be written belongs to directories that are gone.
    records._waiting.clear()
    alice = factories.UserFactory(email=EMAIL, name="Alice")
    workspace = factories.WorkspaceFactory(name="Acme", slug="acme", owner=alice)
    return factories.IntegrationFactory(workspace=workspace, name="Acme Demo")


@pytest.fixture
def browser(
    integration: Integration, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, where the test asks the database too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium() as started:
        yield started


def open_integration(page: Page, integration: Integration) -> None:
    page.goto(f"/integrations/{integration.directory.key}/settings/connected-services/")
    expect(page.get_by_role("heading", name="SCIM Gateway")).to_be_visible()


def call(url: str, token: str) -> int:
    """Do as Okta's test does."""
    headers = {
        "Authorization": f"Bearer {token}",
        "User-Agent": "Okta SCIM Client 1.0.0",
    }
    with httpx2.Client(headers=headers, trust_env=False) as idp:
        status: int = idp.get(f"{url}/Users?startIndex=1&count=2").status_code
    records.flush()
    return status


def generate_first(page: Page) -> str:
    page.get_by_role("button", name="Generate token").click()
    dialog = page.get_by_role("dialog", name="Generate token")
    dialog.get_by_role("button", name="Copy Token", exact=True).click()
    expect(page.locator("#live")).to_have_text("Token copied")
    token = clipboard(page)
    dialog.get_by_label("Name").fill("okta-prod")
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="okta-prod")).to_be_visible()
    return token


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_with_scripts(
    visit: Callable[..., Visit], integration: Integration, screen: str
) -> None:
    here = visit(screen)
    page, url = here.page, integration.directory.base_url
    log_in(page)
    open_integration(page, integration)
    old = generate_first(page)
    expect(page.locator("#live-line")).to_contain_text("Waiting for the first request")
    assert call(url, old) == 200
    expect(page.locator("#live-line")).to_contain_text("test passed")
    expect(page.locator("#live-line")).to_contain_text("Okta called")

    options = page.get_by_role("button", name="More options for SCIM Gateway")
    options.click()
    page.get_by_role("menuitem", name="Generate new token").click()
    dialog = page.get_by_role("dialog", name="New token")
    expect(dialog.get_by_label("Immediately")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(options).to_be_focused()
    options.click()
    page.get_by_role("menuitem", name="Generate new token").click()
    dialog.get_by_label("In 24 hours").check()
    assert fits(page)
    dialog.get_by_role("button", name="Generate new token").click()

    shown = page.get_by_role("dialog", name="Generate token")
    expect(shown).to_contain_text("Old token stops")
    page.mouse.click(2, 2)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_contain_text("Close without copying?")
    page.get_by_role("button", name="Back").click()
    shown.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_contain_text("Close without copying?")
    page.get_by_role("button", name="Back").click()
    shown.get_by_role("button", name="Copy Token", exact=True).click()
    expect(page.locator("#live")).to_have_text("Token copied")
    new = clipboard(page)
    assert new != old
    assert fits(page)
    shown.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.reload()
    assert new not in page.content()

    rotation = page.locator("#rotation")
    expect(rotation).to_contain_text("The new token has not been used yet")
    assert call(url, old) == 200
    assert call(url, new) == 200
    ScimToken.objects.filter(name="okta-prod").update(
        last_used_at=database_now() - timedelta(hours=2)
    )
    retire = rotation.get_by_role("button", name="Retire old token now")
    expect(retire).to_be_visible()
    assert fits(page)
    retire.click()
    expect(page.get_by_text("okta-prod is retired.")).to_be_visible()
    assert call(url, old) == 401
    assert call(url, new) == 200
    assert here.complaints == []
    here.context.close()


def test_without_scripts(visit: Callable[..., Visit], integration: Integration) -> None:
    here = visit("desktop", scripts=False)
    page, url = here.page, integration.directory.base_url
    old = factories.issue_token(integration.directory, name="okta-prod").plaintext
    log_in(page)
    open_integration(page, integration)

    page.get_by_role("button", name="More options for SCIM Gateway").click()
    page.get_by_role("link", name="Generate new token").first.click()
    expect(page.get_by_role("heading", name="New token")).to_be_visible()
    page.get_by_label("In 1 hour").check()
    page.get_by_role("button", name="Generate new token").click()
    expect(page.get_by_role("heading", name="Generate token")).to_be_visible()
    new = page.get_by_label("Token", exact=True).input_value()
    page.get_by_role("button", name="Done").click()

    expect(page.get_by_role("heading", name="SCIM Gateway")).to_be_visible()
    expect(page.locator("#rotation")).to_contain_text("has not been used yet")
    assert call(url, old) == call(url, new) == 200
    page.get_by_role("link", name="Refresh").first.click()
    expect(page.locator("#rotation")).to_contain_text("Both tokens are in use")
    page.get_by_role("link", name="Okta", exact=True).click()
    expect(page.get_by_role("heading", name="In Okta")).to_be_visible()
    expect(page.locator("#live-line")).to_contain_text("test passed")
    assert here.complaints == []
    here.context.close()
