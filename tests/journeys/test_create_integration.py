"""From no integration to a connected app: by keyboard alone, by touch, without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from integrations.models import Integration, ServiceAccount
from tests import factories
from tests.factories import PASSWORD
from tests.integrations.outside import USERNAME, Outside
from tests.journeys.hands import Hands, Touch, hands_of
from tests.journeys.test_first_provisioning import (
    EMAIL,
    SCREENS,
    Visit,
    browser,
    fits,
    outside,
    outside_process,
    own_url,
    visit,
    worker,
)

__all__ = ["browser", "outside", "outside_process", "own_url", "visit", "worker"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def integration(outside: Outside, live_server: object) -> None:
    """No integration yet: a workspace, its owner and the catalog."""
    alice = factories.UserFactory(email=EMAIL, name="Alice")
    factories.WorkspaceFactory(name="Acme", slug="acme", owner=alice)
    factories.AppFactory()


def log_in(page: Page, hands: Hands) -> None:
    page.goto("/login/")
    hands.fill(page.get_by_label("Email"), EMAIL)
    hands.fill(page.get_by_label("Password"), PASSWORD)
    hands.press(page.get_by_role("button", name="Sign in", exact=True))
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")
    page.goto("/integrations/")
    expect(page.get_by_role("heading", name="Integrations", exact=True)).to_be_visible()
    hands.press(page.get_by_role("link", name="Create integration").first)


def add_service_account(page: Page, hands: Hands, outside: Outside) -> None:
    expect(page.get_by_text("No account is saved for Demo app")).to_be_visible()
    hands.press(page.get_by_role("link", name="Add service account"))
    hands.fill(page.get_by_label("Name", exact=True), "svc-scim")
    hands.fill(page.get_by_label("Username", exact=True), USERNAME)
    hands.fill(page.get_by_label("Password", exact=True), outside.password)
    hands.press(page.get_by_role("button", name="Add service account"))
    expect(page.get_by_role("radio", name="svc-scim")).to_be_checked()


@pytest.mark.parametrize("screen", SCREENS)
def test_with_scripts(
    visit: Callable[..., Visit], worker: None, outside: Outside, screen: str
) -> None:
    """S0-14 to S0-41, with the user schema on the way; the desktop by keyboard alone."""
    here = visit(screen)
    page = here.page
    hands = hands_of(page, screen)
    log_in(page, hands)
    expect(page.get_by_text("What you need at hand")).to_be_visible()
    assert fits(page)

    hands.fill(page.get_by_label("Name", exact=True), "Acme Demo")
    select = page.locator("input[role=combobox]")
    hands.fill(select, "dem")
    expect(page.get_by_role("option", name="Demo app")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(select).to_have_value("Demo app")
    expect(select).to_have_attribute("aria-expanded", "false")
    hands.fill(page.get_by_label("Address of the app"), outside.base_url)
    hands.press(page.get_by_role("button", name="Next"))

    add_service_account(page, hands, outside)
    assert fits(page)
    hands.press(page.get_by_role("button", name="Next"))
    expect(page.get_by_role("heading", name="Settings (Optional)")).to_be_visible()
    hands.press(page.get_by_role("button", name="Skip"))

    hands.press(page.get_by_role("link", name="User schema"))
    drawer = page.get_by_role("dialog", name="User schema")
    hands.press(drawer.get_by_role("button", name="Add custom field"))
    name = drawer.get_by_label("SCIM attribute")
    expect(name).to_be_focused()
    hands.fill(name, "costCenter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Close without saving?")).to_be_visible()
    hands.press(page.get_by_role("button", name="Back", exact=True))
    hands.press(drawer.get_by_role("button", name="Save"))
    expect(page.get_by_text("1 custom field: costCenter.")).to_be_visible()
    assert fits(page)

    hands.press(page.get_by_role("button", name="Test and save"))
    box = page.get_by_text("Acme Demo is connected. Next: generate a token").first
    expect(box).to_be_visible()
    made = Integration.objects.get()
    assert made.directory.user_schema["attributes"][0]["name"] == "costCenter"
    assert here.complaints == []
    here.context.close()


def test_without_scripts(
    visit: Callable[..., Visit], worker: None, outside: Outside
) -> None:
    """S0-38: a wrong password is told, mended and tried again."""
    here = visit("desktop", scripts=False)
    page = here.page
    log_in(page, Touch())
    page.get_by_label("Name", exact=True).fill("Acme Demo")
    page.get_by_role("combobox", name="Select app").select_option("Demo app")
    page.get_by_label("Address of the app").fill(outside.base_url)
    page.get_by_role("button", name="Next").click()
    add_service_account(page, Touch(), outside)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    outside.set_service_password("changed-in-the-app")

    page.get_by_role("button", name="Test and save").click()
    refresh_until(page, "The check failed")
    expect(page.get_by_text("At fault: The service account.")).to_be_visible()
    page.get_by_role("link", name="Replace password").click()
    page.get_by_label("New password").fill("changed-in-the-app")
    page.get_by_role("checkbox", name=outside.base_url).check()
    page.get_by_role("button", name="Replace password").click()
    page.get_by_role("button", name="Try again").click()

    refresh_until(page, "Acme Demo is connected.")
    assert ServiceAccount.objects.get().integrations.count() == 1
    assert here.complaints == []
    here.context.close()


def refresh_until(page: Page, words: str) -> None:
    for _ in range(60):
        if words in (page.locator("main").text_content() or ""):
            return
        page.wait_for_timeout(250)
        page.reload()
    expect(page.locator("main")).to_contain_text(words)
