"""Join with a passkey and sign in with it alone, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories
from tests.journeys.chromium import chromium
from tests.journeys.test_members import fits, visit
from tests.journeys.test_second_factors import heading, plug_in
from tests.workspaces.test_invitations import invite, link
from workspaces.models import Membership, User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
INA = "ina@acme.test"


@pytest.fixture
def membership(live_server: LiveServer, settings: object) -> Membership:
    # The link in the e-mail has the name of the test client's host.
    alice = factories.UserFactory(email="alice@acme.test", name="Alice")
    workspace = factories.WorkspaceFactory(name="Acme", slug="acme", owner=alice)
    made: Membership = Membership.objects.get(workspace=workspace)
    invite(made, email=INA)
    return made


@pytest.fixture
def browser(
    membership: Membership, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, where the test asks the database too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium() as started:
        yield started


def test_passkey_is_the_only_thing_that_is_needed(
    browser: Browser, live_server: LiveServer, settings: object
) -> None:
    path = link()
    settings.KEYWAY_PUBLIC_URL = live_server.url  # type: ignore[attr-defined]
    context, page, complaints = visit(browser, live_server, "phone", scripts=True)
    plug_in(context, page)
    page.goto(path)
    page.get_by_role("link", name="Use a passkey instead").click()
    expect(page.get_by_role("link", name="Use a password instead")).to_be_visible()
    assert fits(page)

    page.get_by_role("button", name="Join with a passkey").click()
    # Asked for before the device is: else it keeps a passkey that opens nothing.
    expect(page.get_by_label("Your name")).to_be_focused()
    page.get_by_label("Your name").fill("Ina")
    page.get_by_role("button", name="Join with a passkey").click()
    expect(page.locator("#messages")).to_contain_text("You are a member of Acme.")
    assert not User.objects.get(email_key=INA).has_usable_password()

    context.clear_cookies()
    page.goto("/members/")
    assert fits(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    heading(page, "Members")
    page.goto("/security/")
    expect(page.get_by_text("Keep a second way in")).to_be_visible()
    assert complaints == []
    context.close()


def test_without_scripts_a_password_is_set(
    browser: Browser, live_server: LiveServer
) -> None:
    path = link()
    context, page, complaints = visit(browser, live_server, "desktop", scripts=False)
    page.goto("/login/")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(page.get_by_text("Sign in with a passkey")).to_be_hidden()

    page.goto(f"{path}?with=passkey")
    expect(page.get_by_text("Join with a passkey")).to_be_hidden()
    page.get_by_role("link", name="Use a password instead").click()
    page.get_by_label("Your name").fill("Ina")
    page.get_by_label("New password").fill("nine green hedgehogs")
    page.get_by_role("button", name="Join").click()
    expect(page.locator("#messages")).to_contain_text("You are a member of Acme.")
    assert User.objects.get(email_key=INA).has_usable_password()
    assert complaints == []
    context.close()
