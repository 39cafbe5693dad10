"""**Keyway on your phone**: a computer and a phone, each in a browser of its own.

The phone is added by the code of the computer, confirms with the number of its screen,
and says that a request is not its person's. Nothing is patched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as conf
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from integrations.models import Integration
from tests import factories
from tests.confirming import sync_token
from tests.journeys.chromium import chromium
from tests.journeys.test_first_provisioning import EMAIL, Visit, fits, own_url, visit
from tokens.models import ScimToken
from workspaces import directory_sync
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Confirmation, PhoneDevice, Workspace

__all__ = ["own_url", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TITLE = "Confirm your identity to continue"
State = Confirmation.State


@pytest.fixture
def integration(live_server: LiveServer, settings: Settings) -> Integration:
    settings.KEYWAY_PUBLIC_URL = live_server.url
    alice = factories.UserFactory(email=EMAIL, name="Alice")
    workspace = factories.WorkspaceFactory(name="Acme", slug="acme", owner=alice)
    return factories.IntegrationFactory(workspace=workspace, name="Acme Demo")


@pytest.fixture
def workspace(integration: Integration) -> Workspace:
    return integration.workspace


@pytest.fixture
def token(workspace: Workspace) -> ScimToken:
    directory_sync.turn_on(workspace, actor=None, now=database_now())
    return sync_token(workspace)[0]


@pytest.fixture
def browser(
    integration: Integration, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, where the test asks the database too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium() as started:
        yield started


def sign_in(page: Page, workspace: Workspace, base_url: str) -> None:
    """Enter as somebody who is signed in."""
    client = Client()
    client.force_login(workspace.memberships.get().user)
    value = client.cookies[conf.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": conf.SESSION_COOKIE_NAME, "value": value, "url": base_url}]
    )


def picture(page: Page, name: str) -> None:
    """Keep a picture where one is asked for, light and dark."""
    folder = os.environ.get("KEYWAY_SCREENS")
    for scheme in ("light", "dark") if folder else ():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(250)
        page.screenshot(path=Path(folder or "") / f"{name}-{scheme}.png")


def add_phone(computer: Page, phone: Page) -> None:
    computer.goto("/security/")
    computer.get_by_role("button", name="Add your phone").click()
    expect(computer.get_by_role("img", name="QR code for your phone")).to_be_visible()
    picture(computer, "add-code")
    assert fits(computer)
    code = computer.get_by_label("Code", exact=True).input_value()

    phone.goto(f"/device/#{code.replace('-', '')}")
    expect(phone.get_by_role("heading", name="Add this phone")).to_be_focused()
    assert "#" not in phone.url, "the code is out of the history"
    phone.get_by_label("Name of this phone").fill("Pixel 8")
    picture(phone, "device-set-up")
    phone.get_by_role("button", name="Add this phone").click()
    expect(phone.get_by_role("heading", name="Compare the number")).to_be_visible()
    number = phone.locator(".device-number:visible").inner_text()
    assert re.fullmatch(r"\d{3} \d{3}", number)
    picture(phone, "device-compare")

    expect(
        computer.get_by_role("heading", name="Is Pixel 8 your phone?")
    ).to_be_visible()
    expect(computer.get_by_text(number, exact=True)).to_be_visible()
    picture(computer, "add-compare")
    computer.get_by_role("button", name="Add", exact=True).click()
    expect(computer.locator("#messages")).to_contain_text("Pixel 8 is added.")
    picture(computer, "security")
    expect(phone.get_by_role("heading", name="No request waits")).to_be_visible()
    expect(phone.get_by_text(EMAIL)).to_be_visible()
    picture(phone, "device-idle")


def view_token(computer: Page, token: ScimToken) -> str:
    """Press **View Token**, and return the number that the dialog shows."""
    computer.goto("/settings/idp/")
    computer.get_by_role("button", name="View Token").click()
    expect(computer.get_by_text("A request was sent to Pixel 8")).to_be_visible()
    return computer.locator(".confirm-number .number").inner_text()


def latest() -> Confirmation:
    return Confirmation.objects.order_by("-id")[0]


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_s0_77_s0_79_add_approve_and_it_is_not_me(
    visit: Callable[..., Visit],
    live_server: LiveServer,
    workspace: Workspace,
    token: ScimToken,
    screen: str,
) -> None:
    """S0-6: the phone confirms; it neither shows nor makes a token.

    S0-84: what it denies shows nothing.
    """
    here, there = visit(screen), visit("phone")
    computer, phone = here.page, there.page
    sign_in(computer, workspace, live_server.url)
    add_phone(computer, phone)
    assert fits(computer)
    assert fits(phone)

    number = view_token(computer, token)
    picture(computer, f"confirm-phone-{screen}")
    assert fits(computer)
    expect(phone.get_by_role("heading", name="Confirm your identity")).to_be_visible()
    expect(phone.get_by_text("okta-sync")).to_be_visible()
    picture(phone, "device-request")
    assert fits(phone)
    phone.get_by_role("button", name="Approve").click()
    expect(phone.get_by_role("alert").filter(has_text="two digits")).to_be_visible()
    phone.get_by_label("Number on your computer").fill(number)
    phone.get_by_role("button", name="Approve").click()
    expect(phone.get_by_role("heading", name="Approved")).to_be_visible()
    picture(phone, "device-approved")
    # S0-81: by itself, once the phone approved.
    expect(computer.get_by_role("dialog", name="Show Token")).to_be_visible()
    shown = computer.get_by_label("SCIM API authentication token")
    expect(shown).to_be_visible()
    value = shown.input_value()
    assert latest().state == State.USED
    assert latest().method == "phone"
    assert value not in phone.content()

    phone.get_by_role("button", name="Done").click()
    view_token(computer, token)
    phone.get_by_role("button", name="It is not me").click()
    expect(phone.get_by_role("heading", name="Denied and reported")).to_be_visible()
    picture(phone, "device-not-me")
    assert latest().state == State.DENIED
    # Its session is over: the dialog that polls finds the log-in.
    expect(computer.get_by_label("Password")).to_be_visible()
    assert value not in computer.content()
    assert AuditEvent.objects.filter(action="workspaces.phone.reported_not_me").exists()

    phone.get_by_role("button", name="Done").click()
    phone.get_by_role("button", name="Show one-time password").click()
    expect(phone.locator("[data-code] .device-number")).to_have_text(
        re.compile(r"^\d{3} \d{3}$")
    )
    picture(phone, "device-code")
    assert there.complaints == []


def test_phone_says_so_without_a_connection_and_when_it_was_removed(
    visit: Callable[..., Visit], live_server: LiveServer, workspace: Workspace
) -> None:
    here, there = visit("desktop"), visit("phone")
    sign_in(here.page, workspace, live_server.url)
    phone = there.page
    add_phone(here.page, phone)
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")

    there.context.set_offline(True)
    phone.reload()

    expect(phone.get_by_role("heading", name="No connection")).to_be_visible()
    picture(phone, "device-offline")
    there.context.set_offline(False)
    # By itself: the browser says that it is online again.
    expect(phone.get_by_role("heading", name="No request waits")).to_be_visible()
    key = phone.evaluate(
        """() => new Promise((done) => {
          const opening = indexedDB.open("keyway", 1);
          opening.onsuccess = () => {
            const asking = opening.result.transaction("phone").objectStore("phone").get("this");
            asking.onsuccess = async () => done([
              asking.result.privateKey.extractable,
              await crypto.subtle.exportKey("pkcs8", asking.result.privateKey).catch((e) => e.name),
            ]);
          };
        })"""
    )
    assert key == [False, "InvalidAccessError"], "the private key cannot leave"

    PhoneDevice.objects.all().delete()
    expect(phone.get_by_role("heading", name="This phone is not added")).to_be_visible()
    picture(phone, "device-removed")
    phone.get_by_role("button", name="Add it again").click()
    expect(phone.get_by_role("heading", name="Add this phone")).to_be_visible()


def test_message_shows_a_notification_that_says_nothing_of_the_request(
    visit: Callable[..., Visit], live_server: LiveServer, db: None
) -> None:
    """S0-77: what a push service delivers reaches the person, without details."""
    there = visit("phone")
    phone = there.page
    there.context.grant_permissions(["notifications"], origin=live_server.url)
    devtools = there.context.new_cdp_session(phone)
    registrations: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(
            found["registrationId"] for found in event["registrations"]
        ),
    )
    devtools.send("ServiceWorker.enable")
    phone.goto("/device/")
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    [worker] = there.context.service_workers
    # A browser without windows keeps no notifications to look at afterwards.
    worker.evaluate(
        """() => {
          self.shown = new Promise((resolve) => {
            registration.showNotification = async (...shown) => resolve(shown);
          });
        }"""
    )

    devtools.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": live_server.url,
            "registrationId": registrations[-1],
            "data": '{"request": "5f0c9c0e-7d0f-4f0e-8a30-0d8a5b1c2e11"}',
        },
    )

    title, options = worker.evaluate("() => self.shown")
    shown = [title, options["body"]]
    assert shown == ["A request waits", "Open Keyway to see who asks for what."]
    assert there.complaints == []
