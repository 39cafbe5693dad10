"""From no provisioning to people who come in from the IdP, and a refreshed token.

The portal runs, a person clicks, an IdP calls, DNS answers on loopback.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from scim import records
from tests import factories
from tests.confirming import new_code, with_authenticator
from tests.fakes.dns_server import FakeDns, dns_server
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
from workspaces.management.commands.worker import Worker
from workspaces.models import EmailDomain, Invitation, Membership, Workspace

__all__ = ["own_url", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGE = "/settings/scim-users-provisioning/"
ANN = "ann@acme.test"

TITLE = "Confirm your identity to continue"


@pytest.fixture
def workspace(live_server: LiveServer, settings: Settings) -> Workspace:
    settings.KEYWAY_PUBLIC_URL = live_server.url
    # What other tests left to be written belongs to directories that are gone.
    records._waiting.clear()
    alice = factories.UserFactory(email=EMAIL, name="Alice")
    made: Workspace = factories.WorkspaceFactory(name="Acme", slug="acme", owner=alice)
    return made


@pytest.fixture
def browser(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, where the test asks the database too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium() as started:
        yield started


@pytest.fixture
def server(settings: Settings) -> Iterator[FakeDns]:
    with dns_server() as running:
        settings.KEYWAY_DNS_SERVERS = [("127.0.0.1", running.port)]
        yield running


def call(url: str, token: str, **body: object) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"}
    with httpx2.Client(headers=headers) as idp:
        return idp.post(f"{url}/Users", json=body) if body else idp.get(f"{url}/Users")


def reload(page: Page) -> None:
    # A reload would break off what the page still loads, and the browser would say so.
    page.wait_for_load_state("load")
    page.reload()


def picture(page: Page, name: str) -> None:
    page.wait_for_load_state("load")
    folder = os.environ.get("KEYWAY_JOURNEY_SCREENS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_with_scripts(
    visit: Callable[..., Visit], workspace: Workspace, server: FakeDns, screen: str
) -> None:
    """S0-74, S0-75, S0-87, S0-109, S0-110, S0-112, S0-113, S0-114, S0-115, S0-116,
    S0-117, S0-118, S0-119, S0-120, S0-121, S0-122, S0-123, S0-124 and S0-125."""
    seen = visit(screen)
    page = seen.page
    log_in(page)
    if screen == "phone":
        page.get_by_role("button", name="Menu").click()
    page.get_by_role("navigation", name="Main").get_by_role(
        "link", name="Settings"
    ).click()
    expect(
        page.get_by_role("heading", name="Workspace Configuration", level=1)
    ).to_be_visible()
    expect(
        page.get_by_role("heading", name="Directory Sync", exact=True)
    ).to_be_visible()
    assert fits(page)
    picture(page, f"idp-off-{screen}")

    # The path to the page, and no Refresh before provisioning is enabled.
    tabs = page.get_by_role("navigation", name="Workspace Configuration")
    tabs.get_by_role("link", name="SCIM Users Provisioning").click()
    expect(
        page.get_by_role("heading", name="SCIM Users Provisioning", level=1)
    ).to_be_visible()
    trail = page.get_by_role("navigation", name="Breadcrumb")
    expect(trail).to_contain_text("Settings")
    expect(trail).to_contain_text("Workspace Configuration")
    expect(page.get_by_role("link", name="Refresh")).to_have_count(0)
    picture(page, f"off-{screen}")

    # What is no domain is named.
    page.get_by_role("textbox", name="Email domains").fill("acme.test, ann@acme.test")
    page.get_by_role("button", name="Add Domain").click()
    expect(page.get_by_role("alert")).to_contain_text("“ann@acme.test” has an @")
    expect(page.get_by_role("textbox", name="Email domains")).to_have_value(
        "acme.test, ann@acme.test"
    )
    picture(page, f"error-{screen}")

    # Several domains; the first token appears with them, and selecting it copies it.
    page.get_by_role("textbox", name="Email domains").fill("acme.test, , acme.example")
    page.get_by_role("button", name="Add Domain").click()
    field = page.get_by_role("textbox", name="Token")
    token = field.input_value()
    assert token.startswith("kwd_")
    expect(
        page.get_by_text("Put this token into your IdP immediately.")
    ).to_be_visible()
    expect(page.get_by_text("not shown again after a reload")).to_be_visible()
    picture(page, f"token-{screen}")
    field.click()
    expect(page.get_by_role("status").filter(has_text="Token copied")).to_have_count(1)
    assert clipboard(page) == token
    url = page.get_by_role("textbox", name="SCIM URL").input_value()
    assert fits(page)

    # Gone after a reload: the page says that one exists.
    reload(page)
    assert page.url.endswith(PAGE)
    assert token not in page.content()
    expect(page.get_by_text("A token exists.")).to_be_visible()
    expect(page.get_by_label("Send Email Invites")).to_be_checked()

    # The domain is proven by its record; before that nobody comes in.
    refused = call(url, token, userName=ANN)
    assert refused.status_code == 400
    assert "acme.test is not proven yet" in refused.json()["detail"]
    item = page.get_by_role("listitem").filter(has_text="_keyway-challenge.acme.test")
    item.get_by_role("button", name="Check now").click()
    expect(item.get_by_text("Looking the record up")).to_be_visible()
    Worker(threads=1).drain()
    expect(item.get_by_text("DNS has no TXT record")).to_be_visible()
    picture(page, f"domains-{screen}")
    name = "_keyway-challenge.acme.test"
    server.records[name] = [EmailDomain.objects.get(name="acme.test").record_value]
    item.get_by_role("button", name="Check now").click()
    expect(item.get_by_text("Looking the record up")).to_be_visible()
    Worker(threads=1).drain()
    expect(page.get_by_text("Proven", exact=True)).to_be_visible()

    created = call(url, token, userName=ANN, displayName="Ann Lee")
    assert created.status_code == 201
    other = call(url, token, userName="eve@elsewhere.test")
    assert "elsewhere.test is not listed" in other.json()["detail"]
    assert Membership.objects.filter(user__email=ANN, is_active=True).exists()
    assert Invitation.objects.filter(email=ANN).count() == 1

    # Refresh: leaving the warning changes nothing, Continue does at once.
    reload(page)
    page.get_by_role("link", name="Refresh").click()
    dialog = page.get_by_role("dialog", name="Refresh")
    expect(dialog).to_contain_text("The present token stops at once.")
    expect(dialog).to_contain_text("lost or compromised")
    expect(dialog).to_contain_text("cannot be undone")
    picture(page, f"refresh-{screen}")
    dialog.get_by_role("link", name="Cancel").click()
    assert call(url, token).status_code == 200
    page.get_by_role("link", name="Refresh").click()
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()
    expect(page.get_by_text("You have no second factor yet")).to_be_visible()
    app = with_authenticator(workspace.memberships.get(user__email=EMAIL).user)
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Refresh").click()
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
    page.get_by_label("One-time password").fill(new_code(app))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Refresh")).to_be_visible()
    assert call(url, token).status_code == 200
    page.get_by_role("button", name="Continue").click()
    field = page.get_by_role("textbox", name="Token")
    fresh = field.input_value()
    assert fresh != token
    assert (call(url, token).status_code, call(url, fresh).status_code) == (401, 200)
    picture(page, f"refreshed-{screen}")
    field.click()
    expect(page.get_by_role("status").filter(has_text="Token copied")).to_have_count(1)
    assert clipboard(page) == fresh
    reload(page)
    assert fresh not in page.content()
    assert call(url, fresh).status_code == 200

    # Teams and the IdP on the other tab.
    records.flush()
    page.get_by_role("link", name="IDP Settings").click()
    expect(page.get_by_role("textbox", name="SCIM URL")).to_have_value(url)
    expect(page.get_by_text("1 active member")).to_be_visible()
    assert fits(page)
    picture(page, f"idp-on-{screen}")
    # The form with an address in it, what asks for a confirmation, and nothing else.
    assert [c for c in seen.complaints if "422" not in c and "403" not in c] == []


def test_without_scripts(visit: Callable[..., Visit], workspace: Workspace) -> None:
    """S0-111, S0-112, S0-115, S0-120, S0-121 and S0-122."""
    seen = visit("desktop", scripts=False)
    page = seen.page
    log_in(page)
    page.goto(PAGE)
    page.get_by_role("textbox", name="Email domains").fill("acme.test")
    page.get_by_role("button", name="Add Domain").click()
    token = page.get_by_role("textbox", name="Token").input_value()
    url = page.get_by_role("textbox", name="SCIM URL").input_value()

    # A reload sends the form again, which shows nothing again.
    reload(page)
    assert token not in page.content()
    expect(page.get_by_text("A token exists.")).to_be_visible()

    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("heading", name="Refresh", level=1)).to_be_visible()
    app = with_authenticator(workspace.memberships.get().user)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
    page.get_by_label("One-time password").fill(new_code(app))
    page.get_by_role("button", name="Confirm").first.click()
    expect(page.get_by_role("heading", name="Refresh", level=1)).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    fresh = page.get_by_role("textbox", name="Token").input_value()
    reload(page)
    assert fresh not in page.content()
    expect(page.get_by_text("This token was already shown.")).to_be_visible()
    assert (call(url, token).status_code, call(url, fresh).status_code) == (401, 200)
    assert [c for c in seen.complaints if "403" not in c] == []
    seen.complaints.clear()

    page.get_by_label("Send Email Invites").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#messages")).to_contain_text("get no invite.")
    expect(page.get_by_label("Send Email Invites")).not_to_be_checked()
    assert seen.complaints == []
