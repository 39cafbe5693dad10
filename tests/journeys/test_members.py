"""From an invitation to a new member who opens the audit log, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.core import mail
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories
from tests.factories import PASSWORD
from tests.journeys.chromium import chromium
from workspaces.management.commands.worker import Worker
from workspaces.models import Membership, Role, Workspace

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
INA = "ina@acme.test"


@pytest.fixture
def workspace(live_server: LiveServer, settings: object) -> Workspace:
    settings.KEYWAY_PUBLIC_URL = live_server.url  # type: ignore[attr-defined]
    alice = factories.UserFactory(email="alice@acme.test", name="Alice")
    made: Workspace = factories.WorkspaceFactory(name="Acme", slug="acme", owner=alice)
    return made


@pytest.fixture
def browser(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, where the test asks the database too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium() as started:
        yield started


def visit(
    browser: Browser, live_server: LiveServer, screen: str, *, scripts: bool
) -> tuple[BrowserContext, Page, list[str]]:
    width, height = SIZES[screen]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        java_script_enabled=scripts,
        base_url=live_server.url,
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console",
        lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return context, page, complaints


def sign_in(page: Page, email: str) -> None:
    page.goto("/members/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Members", level=1)).to_be_visible()


def fits(page: Page) -> bool:
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def link_of_email() -> str:
    Worker(threads=1).drain()
    found = re.search(r"https?://\S+/invitations/\S+/", str(mail.outbox[-1].body))
    assert found
    return found[0]


@pytest.mark.parametrize("screen", SIZES)
def test_with_scripts(
    browser: Browser, live_server: LiveServer, workspace: Workspace, screen: str
) -> None:
    context, page, complaints = visit(browser, live_server, screen, scripts=True)
    sign_in(page, "alice@acme.test")
    assert fits(page)

    page.get_by_role("link", name="Invite member").click()
    dialog = page.get_by_role("dialog", name="Invite member")
    expect(dialog.get_by_label("Email")).to_be_focused()
    dialog.get_by_role("button", name="Send invitation").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Enter an email address.")
    page.get_by_role("dialog").get_by_label("Email").fill(INA)
    page.get_by_role("dialog").get_by_label("Auditor").check()
    assert fits(page)
    page.get_by_role("button", name="Send invitation").click()
    expect(page.locator("#messages")).to_contain_text(f"{INA} is invited.")

    page.get_by_role("button", name="More options for Alice").click()
    expect(page.get_by_text("The last Owner cannot leave")).to_be_visible()
    page.keyboard.press("Escape")

    other, guest, guest_complaints = visit(browser, live_server, screen, scripts=True)
    guest.goto(link_of_email())
    guest.get_by_label("Your name").fill("Ina")
    guest.get_by_label("New password").fill("nine green hedgehogs")
    guest.get_by_role("button", name="Join").click()
    expect(guest.locator("#messages")).to_contain_text("Your role is Auditor.")
    assert fits(guest)
    guest.goto("/audit/")
    guest.get_by_role("link", name="Member joined").click()
    expect(guest.get_by_role("dialog", name="Member joined")).to_contain_text(INA)
    guest.get_by_role("link", name="Close").click()
    expect(guest.get_by_role("dialog")).to_have_count(0)
    expect(guest.get_by_role("link", name="Member joined")).to_be_focused()

    page.reload()
    page.get_by_role("button", name="More options for Ina").click()
    page.get_by_role("menuitem", name="Change role").click()
    page.get_by_role("dialog").get_by_label("Member: no pages").check()
    page.get_by_role("dialog").get_by_role("button", name="Change role").click()
    expect(page.locator("#messages")).to_contain_text("Ina is now Member.")
    assert complaints == [
        # What the browser says of the form that was sent without an address.
        "Failed to load resource: the server responded with a status of 422 "
        "(Unprocessable Entity)"
    ]
    assert guest_complaints == []

    # The role that was taken away is gone with the next page.
    guest.reload()
    expect(
        guest.get_by_role("heading", name="You cannot open this page")
    ).to_be_visible()
    for each in (context, other):
        each.close()


def test_without_scripts(
    browser: Browser, live_server: LiveServer, workspace: Workspace
) -> None:
    context, page, complaints = visit(browser, live_server, "desktop", scripts=False)
    sign_in(page, "alice@acme.test")
    page.get_by_role("link", name="Invite member").click()
    expect(page.get_by_role("heading", name="Invite member", level=1)).to_be_visible()
    page.get_by_label("Email").fill(INA)
    page.get_by_role("button", name="Send invitation").click()
    expect(page.locator("#messages")).to_contain_text(f"{INA} is invited.")

    other, guest, _ = visit(browser, live_server, "desktop", scripts=False)
    guest.goto(link_of_email())
    guest.get_by_label("Your name").fill("Ina")
    guest.get_by_label("New password").fill("nine green hedgehogs")
    guest.get_by_role("button", name="Join").click()
    expect(guest.locator("#messages")).to_contain_text("Your role is Admin.")

    page.goto("/members/")
    page.get_by_role("button", name="More options for Ina").click()
    page.get_by_role("link", name="End membership").click()
    page.get_by_role("button", name="End membership").click()
    expect(page.locator("#messages")).to_contain_text("Ina is no member any more.")
    assert not Membership.objects.exclude(role=Role.OWNER).exists()
    assert complaints == []
    for each in (context, other):
        each.close()
