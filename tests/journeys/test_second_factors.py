"""From a password to a passkey and an authenticator app, in a real browser.

The passkey is that of Chromium's virtual authenticator; the app computes its codes here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories
from tests.factories import PASSWORD
from tests.fakes.factors import STEP, code_at
from tests.journeys.chromium import chromium
from tests.journeys.test_members import SIZES, fits, visit
from workspaces import factors
from workspaces.clock import database_now
from workspaces.models import RecoveryCode, User, Workspace

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EMAIL = "alice@acme.test"


@pytest.fixture
def workspace(live_server: LiveServer, settings: object) -> Workspace:
    settings.KEYWAY_PUBLIC_URL = live_server.url  # type: ignore[attr-defined]
    alice = factories.UserFactory(email=EMAIL, name="Alice")
    made: Workspace = factories.WorkspaceFactory(name="Acme", slug="acme", owner=alice)
    return made


@pytest.fixture
def browser(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, where the test asks the database too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium() as started:
        yield started


def plug_in(context: BrowserContext, page: Page) -> None:
    """Give the page an authenticator that verifies the person."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def give_password(page: Page) -> None:
    page.goto("/members/")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


@pytest.mark.parametrize("screen", SIZES)
def test_passkey_is_added_and_lets_in(
    browser: Browser, live_server: LiveServer, workspace: Workspace, screen: str
) -> None:
    context, page, complaints = visit(browser, live_server, screen, scripts=True)
    plug_in(context, page)
    give_password(page)
    heading(page, "Members")
    if screen == "phone":
        page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Account of Alice").click()
    page.get_by_role("menuitem", name="Security").click()
    heading(page, "Security")
    assert fits(page)

    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#messages")).to_contain_text("Work laptop is added.")
    assert fits(page)

    page.get_by_role("button", name="More options for Work laptop").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Laptop")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_text("Laptop", exact=True)).to_be_visible()

    page.get_by_role("link", name="Generate recovery codes").click()
    page.get_by_role("button", name="Generate recovery codes").click()
    shown = page.locator("#recovery-codes").inner_text().split()
    assert len(shown) == 10
    assert fits(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    text = download.value.path().read_text()
    assert all(code in text for code in shown)
    page.get_by_role("link", name="I saved them").click()
    expect(page.get_by_text("10 of 10 left")).to_be_visible()

    page.context.clear_cookies()
    give_password(page)
    heading(page, "Second step")
    assert fits(page)
    page.get_by_role("button", name="Use a passkey").click()
    heading(page, "Members")

    page.context.clear_cookies()
    give_password(page)
    page.get_by_text("Try another way").click()
    page.get_by_role("link", name="Recovery code").click()
    page.get_by_label("Recovery code").fill(shown[0])
    page.get_by_role("button", name="Confirm").click()
    heading(page, "Members")
    assert RecoveryCode.objects.filter(used_at=None).count() == 9
    assert complaints == []
    context.close()


def test_app_is_set_up_before_anything_else_and_without_scripts(
    browser: Browser, live_server: LiveServer, workspace: Workspace
) -> None:
    Workspace.objects.update(require_two_steps=True)
    context, page, complaints = visit(browser, live_server, "desktop", scripts=False)
    give_password(page)
    heading(page, "Security")
    expect(page.get_by_text("Acme requires two steps to log in.")).to_have_count(2)
    page.goto("/members/")
    heading(page, "Security")

    page.get_by_role("button", name="Set up authenticator app").click()
    expect(
        page.get_by_role("img", name="QR code for your authenticator")
    ).to_be_visible()
    key = page.get_by_label("Key", exact=True).input_value().replace(" ", "")
    page.get_by_label("One-time password").fill("000000")
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    page.get_by_label("One-time password").fill(code_at(key, database_now() - STEP))
    page.get_by_label("Name").fill("Phone")
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator("#messages")).to_contain_text("Phone is set up.")
    page.get_by_role("link", name="go on where you were").click()
    heading(page, "Members")

    page.context.clear_cookies()
    give_password(page)
    heading(page, "Second step")
    code = code_at(key, database_now())
    page.get_by_label("One-time password").fill(code)
    page.get_by_role("button", name="Confirm").click()
    heading(page, "Members")

    page.context.clear_cookies()
    give_password(page)
    page.get_by_label("One-time password").fill(code)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("was used before")
    assert [f.kind for f in factors.usable(User.objects.get())] == ["totp"]
    # What the browser says of the two codes that were refused.
    assert len(complaints) == 2
    assert all("422" in complaint for complaint in complaints)
    context.close()
