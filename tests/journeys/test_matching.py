"""After a sync a person says whose accounts these are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from integrations.models import Integration, Provisioning
from integrations.provisioning import pausing
from tests.conftest import scim_client
from tests.integrations.conftest import outside, outside_process
from tests.integrations.outside import Outside
from tests.journeys.test_details import enter, press_sync
from tests.journeys.test_first_provisioning import (
    Visit,
    browser,
    fits,
    integration,
    own_url,
    visit,
    worker,
)
from workspaces.clock import database_now

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
TOMAS, WALTER = "tomas.novak@example.com", "walter.finch@example.com"
MEI = "mei.tanaka@example.com"


def choose(page: Page, account: str, option: str) -> None:
    page.get_by_role("button", name=f"More options for {account}").click()
    page.get_by_role("menuitem", name=option).click()


def prepare(page: Page, integration: Integration) -> None:
    """Sync, then let the IdP make Bo, who waits because the integration is paused."""
    page.goto(f"/integrations/{integration.directory.key}/overview/")
    press_sync(page)
    done = page.locator("#job").get_by_text("Sync finished. 7 users")
    expect(done).to_be_visible()
    pausing.pause(integration, actor=None, now=database_now())
    scim_client(integration.directory).add_user("bo@acme.test", displayName="Bo")


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_e0_21_with_scripts(
    visit: Callable[..., Visit],
    worker: None,
    outside: Outside,
    integration: Integration,
    screen: str,
) -> None:
    here = visit(screen)
    page = here.page
    enter(page)
    prepare(page, integration)

    page.get_by_role("link", name="Show the unmatched").click()
    expect(page.get_by_text("7 unmatched")).to_be_visible()
    assert fits(page)

    choose(page, WALTER, "Exempt")
    dialog = page.get_by_role("dialog", name="Exempt")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_label("Reason").fill("Robot of the backup")
    dialog.get_by_role("button", name="Exempt").click()
    expect(page.get_by_text(f"{WALTER} is exempt.")).to_be_visible()
    expect(page.get_by_text("6 unmatched · 1 exempt")).to_be_visible()

    choose(page, TOMAS, "Match")
    user = page.locator("input[role=combobox]")
    expect(user).to_be_visible()
    user.fill("bo")
    option = page.get_by_role("option", name="Bo")
    expect(option).to_be_visible()
    expect(page.locator("#live")).to_have_text("1 user")
    user.press("ArrowDown")
    user.press("Enter")
    expect(user).to_have_value("bo@acme.test (Bo)")
    assert fits(page)
    page.get_by_role("button", name="Match", exact=True).click()
    expect(page.get_by_text(f"{TOMAS} is the account of bo@acme.test")).to_be_visible()
    pausing.resume(integration, actor=None, now=database_now())
    page.reload()
    expect(page.get_by_text("Onboarded")).to_be_visible()
    assert "bo@acme.test" in outside.users()
    assert TOMAS not in outside.users()

    page.get_by_role("link", name="Users", exact=True).click()
    choose(page, MEI, "Remove from the app")
    dialog = page.get_by_role("dialog", name="Remove from the app")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    assert fits(page)
    dialog.get_by_label("User name in the app").fill(MEI)
    dialog.get_by_role("button", name="Remove from the app").click()
    expect(page.get_by_text(f"{MEI} is removed from")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=MEI)).to_have_count(0)
    assert MEI not in outside.users()
    assert here.complaints == []
    here.context.close()


def test_e0_21_without_scripts(
    visit: Callable[..., Visit],
    worker: None,
    outside: Outside,
    integration: Integration,
) -> None:
    here = visit("desktop", scripts=True)
    enter(here.page)
    prepare(here.page, integration)
    here.context.close()
    here = visit("desktop", scripts=False)
    page = here.page
    enter(page)
    tomas = Provisioning.objects.get(user_name=TOMAS).resource_id_public
    page.goto(f"/integrations/{integration.directory.key}/users/{tomas}/")

    page.get_by_role("link", name="Match").click()
    page.get_by_role("button", name="Match", exact=True).click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.get_by_role("searchbox", name="Search users").fill("bo@")
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator("select[name=user]").select_option("bo@acme.test (Bo)")
    page.get_by_role("button", name="Match", exact=True).click()

    expect(page.get_by_text(f"{TOMAS} is the account of bo@acme.test")).to_be_visible()
    assert [c for c in here.complaints if "422" not in c] == []
    here.context.close()


def test_running_sync_is_cancelled(
    visit: Callable[..., Visit],
    integration: Integration,
) -> None:
    here = visit("desktop")
    page = here.page
    enter(page)
    page.goto(f"/integrations/{integration.directory.key}/overview/")
    press_sync(page)

    page.get_by_role("button", name="Cancel the sync").click()

    expect(page.get_by_text("Cancelled by Alice. Nothing was changed.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel the sync")).to_have_count(0)
    assert fits(page)
    assert here.complaints == []
    here.context.close()
