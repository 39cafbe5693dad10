"""**View Token** in a browser: confirm with an authenticator app, copy, reload.

The portal runs and a person clicks. Nothing is patched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as conf
from django.test import Client
from playwright.sync_api import Browser, Page, Response, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from integrations.models import Integration
from tests import factories
from tests.confirming import (
    code_of,
    sync_token,
    with_authenticator,
    with_recovery_codes,
    wrong_code,
)
from tests.journeys.chromium import chromium
from tests.journeys.test_first_provisioning import (
    EMAIL,
    Visit,
    clipboard,
    fits,
    own_url,
    visit,
)
from tests.journeys.test_second_factors import give_password, plug_in
from tokens.models import ScimToken
from workspaces import directory_sync
from workspaces.clock import database_now
from workspaces.models import AuthenticatorApp, Confirmation, Workspace

__all__ = ["own_url", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TITLE = "Confirm your identity to continue"


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
def app(workspace: Workspace) -> AuthenticatorApp:
    alice = workspace.memberships.get().user
    app = with_authenticator(alice)
    with_recovery_codes(alice)
    return app


@pytest.fixture
def issued(workspace: Workspace) -> tuple[ScimToken, str]:
    directory_sync.turn_on(workspace, actor=None, now=database_now())
    return sync_token(workspace)


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


def code(app: AuthenticatorApp) -> str:
    AuthenticatorApp.objects.filter(pk=app.pk).update(last_step=-1)
    return code_of(app)


def picture(page: Page, name: str) -> None:
    """Keep a picture where one is asked for."""
    folder = os.environ.get("KEYWAY_SCREENS")
    if folder:
        page.wait_for_timeout(300)
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_with_scripts(
    visit: Callable[..., Visit],
    live_server: LiveServer,
    workspace: Workspace,
    app: AuthenticatorApp,
    issued: tuple[ScimToken, str],
    screen: str,
) -> None:
    """S0-76 S0-77 S0-78 S0-80 S0-81 S0-82 S0-83."""
    here, (token, value) = visit(screen), issued
    page = here.page
    sign_in(page, workspace, live_server.url)
    bodies: list[str] = []
    page.on(
        "response",
        lambda answer: bodies.append(answer.url) if _holds(answer, value) else None,
    )
    page.goto("/settings/idp/")
    page.get_by_role("button", name="View Token").click()

    dialog = page.get_by_role("dialog", name=TITLE)
    field = dialog.get_by_label("One-time password")
    expect(field).to_be_focused()
    expect(dialog).to_contain_text(token.hint)
    expect(dialog.get_by_role("link", name="Add your phone")).to_be_visible()
    expect(dialog.get_by_label("Recovery code")).to_be_hidden()
    assert fits(page)
    picture(page, f"confirm-{screen}")
    dialog.get_by_text("Try another way").click()
    expect(dialog.get_by_label("Recovery code")).to_be_visible()
    picture(page, f"confirm-others-{screen}")

    field.fill(wrong_code(app))
    dialog.get_by_role("button", name="Confirm").first.click()
    expect(dialog).to_contain_text("4 tries left")
    picture(page, f"confirm-wrong-{screen}")
    here.complaints.clear()
    assert bodies == []
    dialog.get_by_label("One-time password").fill(code(app))
    page.keyboard.press("Enter")

    shown = page.get_by_role("dialog", name="Show Token")
    expect(shown).to_be_visible()
    assert shown.get_by_label("SCIM API authentication token").input_value() == value
    assert [url.rpartition("/show")[1] for url in bodies] == ["/show"]
    picture(page, f"show-token-{screen}")
    for _ in range(2):
        shown.get_by_role(
            "button", name="Copy SCIM API authentication token", exact=True
        ).click()
        assert clipboard(page) == value
    assert fits(page)
    page.reload()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert value not in page.content()
    assert Confirmation.objects.order_by("-id")[0].state == "used"
    assert here.complaints == []
    here.context.close()


def test_without_scripts(
    visit: Callable[..., Visit],
    live_server: LiveServer,
    workspace: Workspace,
    app: AuthenticatorApp,
    issued: tuple[ScimToken, str],
) -> None:
    """S0-76 S0-77 S0-81: the same on plain pages."""
    here, (token, value) = visit("desktop", scripts=False), issued
    page = here.page
    sign_in(page, workspace, live_server.url)
    page.goto("/settings/idp/")
    page.get_by_role("button", name="View Token").click()
    expect(page.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
    picture(page, "confirm-page")
    page.get_by_label("One-time password").fill(code(app))
    page.get_by_role("button", name="Confirm").first.click()
    expect(page.get_by_role("heading", name="Identity confirmed")).to_be_visible()
    assert value not in page.content()
    picture(page, "confirmed-page")
    page.get_by_role("button", name="Show Token").click()

    field = page.get_by_label("SCIM API authentication token")
    assert field.input_value() == value
    picture(page, "show-token-page")
    page.goto(f"/tokens/{token.directory.key}/{token.key}/view/")
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    assert value not in page.content()
    assert here.complaints == []
    here.context.close()


def _holds(answer: Response, value: str) -> bool:
    """Say whether the body of an answer has the value in it."""
    if "/static/" in answer.url or 300 <= answer.status < 400 or answer.status == 204:
        return False
    return value in answer.text()


def test_actions_that_an_owner_made_ask(
    visit: Callable[..., Visit],
    live_server: LiveServer,
    workspace: Workspace,
    integration: Integration,
    app: AuthenticatorApp,
) -> None:
    """A button and a dialog of a step, each asked for and then gone on with."""
    Workspace.objects.update(
        confirm_minutes=0, confirmed_actions=["tokens.generate", "tokens.replace"]
    )
    here = visit("desktop")
    page = here.page
    sign_in(page, workspace, live_server.url)
    key = integration.directory.key
    page.goto(f"/integrations/{key}/settings/connected-services/")
    asked = page.get_by_role("dialog", name=TITLE)
    page.get_by_role("button", name="Generate token").click()
    expect(asked).to_contain_text("To generate a token.")
    asked.get_by_label("One-time password").fill(code(app))
    page.keyboard.press("Enter")
    made = page.get_by_role("dialog", name="Generate token")
    expect(made.get_by_label("Token", exact=True)).to_have_value(re.compile("^kwg_"))
    made.get_by_role("button", name="Copy Token", exact=True).click()
    made.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("button", name="More options for SCIM Gateway").click()
    page.get_by_role("menuitem", name="Generate new token").click()
    expect(asked).to_contain_text("To generate a new token.")
    asked.get_by_label("One-time password").fill(code(app))
    page.keyboard.press("Enter")
    step = page.get_by_role("dialog", name="New token")
    step.get_by_label("In 24 hours").check()
    step.get_by_role("button", name="Generate new token").click()
    expect(made).to_contain_text("Old token stops")

    # The browser says that the first POST was refused, and nothing else.
    assert all("403" in said for said in here.complaints), here.complaints
    here.context.close()


def test_passkey_confirms_in_the_dialog(
    visit: Callable[..., Visit],
    live_server: LiveServer,
    workspace: Workspace,
    issued: tuple[ScimToken, str],
) -> None:
    """S0-79: the browser signs, the dialog goes on."""
    here, (token, value) = visit("desktop"), issued
    page = here.page
    plug_in(here.context, page)
    give_password(page)
    page.goto("/security/passkeys/new/")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#messages")).to_contain_text("Laptop is added.")

    page.goto(f"/tokens/{token.directory.key}/{token.key}/view/")
    page.get_by_role("button", name="Continue").click()
    dialog = page.get_by_role("dialog", name=TITLE)
    picture(page, "confirm-passkey")
    dialog.get_by_role("button", name="Use a passkey").click()

    shown = page.get_by_role("dialog", name="Show Token")
    expect(shown.get_by_label("SCIM API authentication token")).to_have_value(value)
    assert Confirmation.objects.get().method == "passkey"
    here.context.close()
