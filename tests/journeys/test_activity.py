"""An admin finds out at 02:00 what is broken: from the news to the app's own words."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from integrations.models import Integration
from tests.conftest import ScimClient, scim_client
from tests.integrations.conftest import outside, outside_process
from tests.integrations.outside import Outside
from tests.journeys.test_details import enter
from tests.journeys.test_first_provisioning import (
    Visit,
    browser,
    fits,
    integration,
    own_url,
    visit,
    worker,
)
from workspaces.models import Job

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
BELL = "bell@acme.test"


@pytest.fixture
def scim(integration: Integration) -> ScimClient:
    return scim_client(integration.directory)


def card(page: Page, name: str) -> str:
    return page.get_by_role("region", name=name, exact=True).inner_text()


def wait_for_jobs() -> None:
    """Wait until the worker has ended all that was asked for, its retries too."""
    give_up_at = monotonic() + 90
    while Job.objects.filter(state__in=Job.OPEN).exists():
        assert monotonic() < give_up_at, list(Job.objects.values("state", "error"))
        sleep(0.2)


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_with_scripts(
    visit: Callable[..., Visit],
    worker: None,
    outside: Outside,
    scim: ScimClient,
    screen: str,
) -> None:
    here = visit(screen)
    page = here.page
    enter(page)
    page.goto("/activity/?status=failed")
    expect(page.get_by_text("No match")).to_be_visible()

    user = scim.add_user(BELL, displayName="bell\u0007")
    expect(page.get_by_text("1 new event.")).to_be_visible()
    expect(page.locator("#live")).to_have_text("1 new event")
    assert fits(page)
    page.locator("#news").get_by_role("link", name="Show").click()
    assert urlsplit(page.url).query == "status=failed"
    entry = page.get_by_role("link", name=f"User invite failed: {BELL}")
    expect(entry).to_be_visible()

    entry.click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"Provisioning of {BELL}")
    expect(page.get_by_text("Whose side")).to_be_visible()
    assert "Create the account POST /api/users" in " ".join(
        card(page, "Calls to the app").split()
    )
    page.get_by_text("Bodies, secrets hidden").click()
    expect(page.get_by_text('"message": "display_name holds')).to_be_visible()
    assert outside.password not in page.content()
    assert fits(page)

    page.get_by_role("link", name=BELL).click()
    assert "Look for an account" in card(page, "Plan")
    expect(page.get_by_text("Calls to the app (3)")).to_be_visible()
    assert fits(page)

    scim.patch(
        f"/Users/{user['id']}",
        {"op": "replace", "path": "displayName", "value": "Bell"},
    )
    expect(page.locator("#news")).to_contain_text("new event")
    wait_for_jobs()
    page.reload()
    assert "Create the account" in card(page, "Plan")
    assert outside.user(BELL)["display_name"] == "Bell"
    assert here.complaints == []
    here.context.close()


def test_without_scripts(
    visit: Callable[..., Visit],
    worker: None,
    outside: Outside,
    scim: ScimClient,
) -> None:
    here = visit("phone", scripts=False)
    page = here.page
    enter(page)
    outside.fault("error", path="/api/users", times=1)
    scim.add_user(BELL)
    wait_for_jobs()
    page.goto("/activity/")
    page.get_by_role("link", name=f"User invited: {BELL}").click()
    expect(page.get_by_text("Attempt 2 of 2")).to_be_visible()
    page.get_by_role("link", name="Older attempt").click()
    expect(page.get_by_text("Attempt 1 of 2")).to_be_visible()
    page.get_by_text("Bodies, secrets hidden").click()
    expect(page.get_by_text("Traceback (most recent call last)")).to_be_visible()
    assert fits(page)
    assert here.complaints == []
    here.context.close()
