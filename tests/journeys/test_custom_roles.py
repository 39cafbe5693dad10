"""An administrator makes custom roles, and a person gets the stronger in the app."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx2
import pytest
from playwright.sync_api import Page, expect

from integrations import services
from integrations.models import AppEntitlement, Integration
from tests import factories
from tests.factories import PASSWORD
from tests.integrations.conftest import outside, outside_process
from tests.integrations.outside import Outside
from tests.journeys.test_first_provisioning import (
    ANN,
    EMAIL,
    SCREENS,
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


def enter(page: Page, integration: Integration) -> None:
    page.goto("/login/")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Dashboard", exact=True)).to_be_visible()
    page.goto(f"/integrations/{integration.directory.key}/settings/general/")
    page.get_by_role("navigation", name="Settings").get_by_role(
        "link", name="User schema"
    ).click()
    expect(page.get_by_role("heading", name="User schema")).to_be_visible()


def eventually(claim: Callable[[], bool]) -> None:
    for _ in range(240):
        if claim():
            return
        time.sleep(0.25)
    pytest.fail("It did not come true in time.")


def provision(integration: Integration, live_server_url: str) -> None:
    """Let the IdP make a user with two roles that exclude each other."""
    token = factories.issue_token(integration.directory).plaintext
    answer = httpx2.post(
        f"{live_server_url}/scim/{integration.directory.key}/v2/Users",
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/scim+json",
        },
        json={
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": ANN,
            "roles": [{"value": "seller"}, {"value": "lead"}],
        },
    )
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("screen", SCREENS)
def test_e0_11_roles_reach_the_app(
    visit: Callable[..., Visit],
    worker: None,
    outside: Outside,
    integration: Integration,
    live_server: object,
    screen: str,
) -> None:
    """E0-5: the stronger of two roles that exclude each other, by keyboard."""
    services.request_sync(integration, actor=None, now=database_now())
    eventually(lambda: AppEntitlement.objects.count() == 3)
    here = visit(screen)
    page = here.page
    enter(page, integration)

    page.get_by_role("button", name="Add custom role").press("Enter")
    page.wait_for_load_state()
    value = page.get_by_label("Value", exact=True)
    expect(value).to_be_focused()
    page.keyboard.type("lead")
    expect(value).to_have_value("lead")
    page.get_by_label("Stands for").fill("group: Engineering\ngroup: Support")
    page.get_by_role("button", name="Add custom role").press("Enter")
    page.wait_for_load_state()
    second = page.get_by_label("Value", exact=True).nth(1)
    expect(second).to_be_focused()
    page.keyboard.type("seller")
    expect(second).to_have_value("seller")
    page.get_by_label("Stands for").nth(1).fill("group: Sales")
    page.get_by_label("Incompatible roles").nth(1).fill("lead")
    assert fits(page)
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("The user schema is saved.")).to_be_visible()

    provision(integration, str(live_server))
    eventually(lambda: ANN in outside.members("Support"))
    assert ANN in outside.members("Engineering")
    assert ANN not in outside.members("Sales")

    page.reload()
    page.get_by_label("Preview with").select_option(ANN)
    page.get_by_role("button", name="Preview").press("Enter")
    expect(page.get_by_text("lead is stronger")).to_be_visible()
    expect(page.get_by_text("Left out")).to_be_visible()
    assert fits(page)
    assert here.complaints == []
    here.context.close()


def test_without_scripts(visit: Callable[..., Visit], integration: Integration) -> None:
    here = visit("phone", scripts=False)
    page = here.page
    enter(page, integration)

    page.get_by_role("button", name="Add custom role").click()
    page.get_by_label("Value", exact=True).fill("lead")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The user schema is saved.")).to_be_visible()
    page.locator("summary", has_text="lead").click()
    page.get_by_role("button", name="Delete role lead").click()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("The user schema is saved.")).to_be_visible()
    expect(page.get_by_text("No custom roles.")).to_be_visible()
    assert fits(page)
    assert here.complaints == []
    here.context.close()
