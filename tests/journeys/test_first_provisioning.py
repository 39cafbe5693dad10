"""From an empty browser to the first person in the outside app, nothing patched.

The demo app, the portal and a worker run; a person clicks; an IdP calls.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from integrations.models import Integration
from tests import factories
from tests.factories import PASSWORD
from tests.integrations.conftest import outside, outside_process
from tests.integrations.outside import USERNAME, Outside
from tests.journeys.chromium import chromium
from tests.journeys.hands import hands_of
from tests.real_apps.servers import REPOSITORY
from tokens import credential

__all__ = ["outside", "outside_process"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL = "alice@acme.test"
ANN = "ann.lee@acme.test"
SCREENS = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}


@pytest.fixture(autouse=True)
def own_url(settings: Settings, live_server: LiveServer) -> None:
    settings.KEYWAY_PUBLIC_URL = live_server.url


@pytest.fixture
def integration(outside: Outside, live_server: LiveServer) -> Integration:
    alice = factories.UserFactory(email=EMAIL, name="Alice")
    workspace = factories.WorkspaceFactory(name="Acme", slug="acme", owner=alice)
    account = factories.ServiceAccountFactory(
        workspace=workspace, username=USERNAME, secret=outside.password
    )
    return factories.IntegrationFactory(
        workspace=workspace,
        service_account=account,
        base_url=outside.base_url,
        name="Acme Demo",
    )


@pytest.fixture
def worker(integration: Integration, tmp_path: Path) -> Iterator[None]:
    """A worker as a process of its own, on the database of the test."""
    values = connection.settings_dict
    url = f"sqlite:///{values['NAME']}"
    if connection.vendor == "postgresql":
        url = (
            f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}"
            f":{values['PORT']}/{values['NAME']}"
        )
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker", "--threads", "1"],
            cwd=REPOSITORY,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)
            # Shown beside a failure only.
            print((tmp_path / "worker.log").read_text())  # noqa: T201
    assert process.returncode == 0


@pytest.fixture
def browser(
    integration: Integration, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, where the test asks the database too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium() as started:
        yield started


@dataclass
class Visit:
    """A page of somebody, and all that the browser complained of."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Callable[..., Visit]:
    def start(screen: str, *, scripts: bool = True) -> Visit:
        context = browser.new_context(
            viewport=SCREENS[screen],  # type: ignore[arg-type]
            java_script_enabled=scripts,
            base_url=live_server.url,
            permissions=["clipboard-read", "clipboard-write"],
        )
        visit = Visit(context, context.new_page())
        page = visit.page
        page.on(
            "console",
            lambda message: visit.complaints.append(f"{message.type}: {message.text}"),
        )
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on(
            "requestfailed",
            lambda request: (
                visit.complaints.append(f"failed: {request.url}")
                # What was under way when the page was left is no failure.
                if request.failure != "net::ERR_ABORTED"
                else None
            ),
        )
        page.on(
            "response",
            lambda answer: (
                visit.complaints.append(f"{answer.status} {answer.url}")
                if answer.status >= 400
                else None
            ),
        )
        return visit

    return start


def log_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Integrations")).to_be_visible()


def open_integration(page: Page) -> None:
    page.get_by_role("link", name="Acme Demo").click()
    expect(page.get_by_role("heading", name="Acme Demo")).to_be_visible()
    expect(page.get_by_role("heading", name="SCIM Gateway")).to_be_visible()
    settings = page.get_by_role("main").get_by_role("link", name="Settings", exact=True)
    expect(settings).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name="Connected services")).to_be_visible()


def clipboard(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def provision_ann(url: str, token: str) -> None:
    """Do as an IdP does, with what was copied."""
    with httpx2.Client(
        headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ) as idp:
        made = idp.post(
            f"{url}/Users",
            json={"userName": ANN, "displayName": "Ann Lee", "active": True},
            headers={"Content-Type": "application/scim+json"},
        )
    assert made.status_code == 201, made.text


def fits(page: Page) -> bool:
    """Say whether nothing sticks out to the right."""
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


@pytest.mark.parametrize("screen", SCREENS)
def test_with_scripts(
    visit: Callable[..., Visit],
    worker: None,
    outside: Outside,
    integration: Integration,
    screen: str,
) -> None:
    """S0-43, S0-49 and S0-52: what is copied is exact, and the dialog stays open.

    The desktop is worked by keyboard alone.
    """
    here = visit(screen)
    page = here.page
    hands = hands_of(page, screen)
    log_in(page)
    assert fits(page)
    open_integration(page)
    assert fits(page)

    hands.press(page.get_by_role("button", name="Copy SCIM Gateway URL"))
    expect(page.locator("#live")).to_have_text("SCIM Gateway URL copied")
    url = clipboard(page)
    assert url == integration.directory.base_url

    hands.press(page.get_by_role("button", name="Generate token"))
    dialog = page.get_by_role("dialog", name="Generate token")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("only once")
    if screen == "phone":
        page.mouse.click(2, 2)
    page.keyboard.press("Escape")
    back = dialog.or_(page.get_by_role("dialog"))
    expect(back.first).to_be_visible()
    if page.get_by_role("button", name="Back").is_visible():
        hands.press(page.get_by_role("button", name="Back"))
    hands.press(dialog.get_by_role("button", name="Copy Token", exact=True))
    expect(page.locator("#live")).to_have_text("Token copied")
    token = clipboard(page)
    assert token == dialog.get_by_label("Token", exact=True).input_value()
    assert credential.parse(token) is not None
    assert fits(page)

    hands.press(dialog.get_by_role("button", name="Done"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Generate token")).to_have_count(0)
    page.reload()
    assert token not in page.content()
    page.go_back()
    page.wait_for_load_state()
    assert token not in page.content()

    provision_ann(url, token)
    page.goto(f"/integrations/{integration.directory.key}/users/")
    row = page.get_by_role("row").filter(has_text=ANN)
    expect(row).to_contain_text("Onboarded")
    assert ANN in outside.users()
    assert fits(page)

    hands.press(page.get_by_role("button", name="Sync"))
    expect(page.locator("#job")).to_contain_text("Sync finished")
    page.goto(f"/integrations/{integration.directory.key}/users/")
    expect(page.get_by_role("row").filter(has_text="mei.tanaka")).to_be_visible()
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
    log_in(page)
    open_integration(page)
    url = page.get_by_label("SCIM Gateway URL", exact=True).input_value()
    assert url == integration.directory.base_url

    page.get_by_role("button", name="Generate token").click()
    expect(page.get_by_role("heading", name="Generate token")).to_be_visible()
    token = page.get_by_label("Token", exact=True).input_value()
    assert credential.parse(token) is not None
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("heading", name="SCIM Gateway")).to_be_visible()
    assert token not in page.content()

    provision_ann(url, token)
    page.get_by_role("link", name="Users", exact=True).click()
    row = page.get_by_role("row").filter(has_text=ANN)
    expect(row).to_be_visible()
    for _ in range(40):
        if "Onboarded" in (row.text_content() or ""):
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(row).to_contain_text("Onboarded")
    assert ANN in outside.users()

    page.get_by_role("button", name="Sync").click()
    expect(page.locator("#job")).not_to_be_empty()
    for _ in range(40):
        if "Sync finished" in (page.locator("#job").text_content() or ""):
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(page.locator("#job")).to_contain_text("Sync finished")
    page.get_by_role("link", name="Show the users").click()
    expect(page.get_by_role("row").filter(has_text="mei.tanaka")).to_be_visible()
    assert here.complaints == []
    here.context.close()
