"""A person looks after an integration: sync, a held one, pause, delete."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from integrations.models import Integration
from tests.factories import PASSWORD
from tests.integrations.conftest import outside, outside_process
from tests.integrations.outside import Outside
from tests.journeys.test_first_provisioning import (
    EMAIL,
    Visit,
    browser,
    fits,
    integration,
    own_url,
    visit,
    worker,
)

__all__ = [
    "browser",
    "integration",
    "outside",
    "outside_process",
    "own_url",
    "visit",
    "worker",
]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
GONE = ("tomas.novak@example.com", "walter.finch@example.com")


def enter(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")


def press_sync(page: Page) -> None:
    page.get_by_role("button", name="Sync", exact=True).click()
    expect(page.get_by_text("Log in", exact=False).first).to_be_visible()


def choose(page: Page, option: str) -> None:
    page.get_by_role("button", name="More options for Acme Demo").click()
    page.get_by_role("menuitem", name=option).click()


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_with_scripts(
    visit: Callable[..., Visit],
    worker: None,
    outside: Outside,
    integration: Integration,
    screen: str,
) -> None:
    here = visit(screen)
    page = here.page
    enter(page)
    page.goto(f"/integrations/{integration.directory.key}/overview/")

    press_sync(page)
    done = page.locator("#job").get_by_text("Sync finished. 7 users, 3 groups")
    expect(done).to_be_visible()
    expect(page.locator("#live")).to_contain_text("Sync finished")
    assert fits(page)

    for name in GONE:
        outside.remove_user(name)
    press_sync(page)
    held = page.locator("#job").get_by_text("2 of 7 users would be removed")
    expect(held).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=GONE[0])).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#job").get_by_text("2 removed.")).to_be_visible()

    page.get_by_role("link", name="Entitlements", exact=True).click()
    page.get_by_role("button", name="More options for Engineering").click()
    page.get_by_role("menuitem", name="Value").click()
    dialog = page.get_by_role("dialog", name="Value of Engineering")
    dialog.get_by_role("button", name="Copy Value string").click()
    expect(page.locator("#live")).to_have_text("Value string copied")
    dialog.get_by_role("link", name="Close").click()

    page.get_by_role("main").get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Security settings").click()
    page.get_by_label("Threshold").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("output")).to_have_text("25 %")
    page.get_by_role("button", name="Update").click()
    expect(page.get_by_text("The threshold is 25 %.")).to_be_visible()
    assert fits(page)

    choose(page, "Pause")
    expect(page.get_by_text("Acme Demo is paused.")).to_be_visible()
    choose(page, "Resume")
    expect(page.get_by_text("Acme Demo goes on.")).to_be_visible()

    page.goto("/integrations/")
    choose(page, "Delete")
    confirm = page.get_by_role("dialog", name="Delete integration")
    expect(confirm).to_contain_text("5 users")
    expect(confirm.get_by_role("link", name="Cancel")).to_be_focused()
    assert fits(page)
    page.keyboard.press("Escape")
    expect(confirm).to_have_count(0)
    opener = page.get_by_role("button", name="More options for Acme Demo")
    expect(opener).to_be_focused()
    choose(page, "Delete")
    page.get_by_label("Name of the integration").fill("Acme Demo")
    page.get_by_role("button", name="Delete integration").click()
    expect(page.get_by_text("Acme Demo is deleted")).to_be_visible()
    expect(page.get_by_role("link", name="Acme Demo")).to_have_count(0)
    assert here.complaints == []
    here.context.close()


def test_without_scripts(
    visit: Callable[..., Visit],
    worker: None,
    outside: Outside,
    integration: Integration,
) -> None:
    here = visit("desktop", scripts=False)
    page = here.page
    enter(page)
    page.goto(f"/integrations/{integration.directory.key}/overview/")

    page.get_by_role("button", name="Sync", exact=True).click()
    done = page.locator("#job").get_by_text("Sync finished. 7 users, 3 groups")
    for _ in range(40):
        if done.count():
            break
        page.wait_for_timeout(250)
        refresh = page.get_by_role("link", name="Refresh")
        if refresh.count():
            refresh.click()
    expect(done).to_be_visible()

    page.get_by_role("main").get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Danger zone").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Acme Demo is paused.")).to_be_visible()
    page.get_by_role("button", name="Resume").last.click()
    page.get_by_role("link", name="Delete integration").click()
    page.get_by_label("Name of the integration").fill("acme")
    page.get_by_role("button", name="Delete integration").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.get_by_label("Name of the integration").fill("Acme Demo")
    page.get_by_role("button", name="Delete integration").click()
    expect(page.get_by_text("Acme Demo is deleted")).to_be_visible()
    assert [c for c in here.complaints if "422" not in c] == []
    here.context.close()
