"""Every page of the portal in a real browser: it fits, it is accessible, it is quiet.

`make screens` keeps what is seen here as pictures, in docs/screens.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from integrations.models import Integration
from tests import factories
from tests.journeys.chromium import chromium
from tests.routes import PORTAL, values_of
from tests.screens import stage, states
from tests.screens.states import Visit
from workspaces.models import User, Workspace

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERY_RULE = {"type": "tag", "values": RULES}
RULES_OF_LOOKS = {"type": "rule", "values": ["color-contrast", "target-size"]}
"""What of a page can change with its width and its colours alone."""
NO_PAGES = (
    "activity/calls/<int:call_id>/screenshot/",
    "activity/export/",
    "administration/help/",
    "audit/export/",
    "audit/export.jsonl",
    "audit/keeping/checkpoint/",
    "integrations/<slug:key>/plan/export/",
    "integrations/<slug:key>/entitlements/entra-app-roles/",
    "integrations/new/app-fields/",
    "integrations/new/apps/",
    "integrations/<slug:key>/users/<uuid:resource_id>/match/users/",
)
"""Downloads, parts of a page, and Swagger UI, whose markup is not ours."""

LOOKS = [("desktop", "light"), ("phone", "dark")]
"""Each width and each theme once; pictures are taken of every pair."""
if os.environ.get("KEYWAY_SCREENS"):
    LOOKS += [("desktop", "dark"), ("phone", "light")]

PAGES = {
    name: route
    for name, route in PORTAL.items()
    if route.get == 200
    and name not in NO_PAGES
    and not name.endswith("entitlements/export/file/")
}

PARTS = 3
"""Into how many tests the pages are split, for workers to share them."""


@pytest.fixture(autouse=True)
def own_url(settings: Settings, live_server: LiveServer) -> None:
    settings.KEYWAY_PUBLIC_URL = live_server.url


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_fits_and_is_accessible(
    alice: User,
    workspace: Workspace,
    integration: Integration,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    part: int,
) -> None:
    stage.build(workspace, integration)
    values = values_of(integration)
    paths = {name: route.path.format(**values) for name, route in PAGES.items()}
    visits = [(name, states.at(path)) for name, path in paths.items()][part::PARTS]
    with _signed_in(alice, live_server, monkeypatch) as context:
        wrong = _look_at(context, visits)

    assert not wrong, "\n".join(f"{name}: {found}" for name, found in wrong.items())


def test_pages_without_data_with_mistakes_and_work_fit_and_are_accessible(
    alice: User,
    workspace: Workspace,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with _signed_in(alice, live_server, monkeypatch) as context:
        wrong = _look_at(context, states.NOTHING_YET)
        integration = factories.IntegrationFactory(workspace=workspace)
        wrong |= _look_at(context, states.of_integration(integration.directory.key))
        wrong |= _look_at(context, states.of_work(integration, alice))
        wrong |= _look_at(context, states.REFUSED, is_refused=True)

    assert not wrong, "\n".join(f"{name}: {found}" for name, found in wrong.items())


@contextmanager
def _signed_in(
    person: User, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BrowserContext]:
    """Open a browser as somebody who is signed in."""
    # Playwright's loop runs in this thread, where the test asks the database too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    with chromium() as browser:
        context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
        context.add_cookies(
            [{"name": session.key, "value": session.value, "url": live_server.url}]
        )
        yield context
        context.close()


def _look_at(
    context: BrowserContext,
    visits: Iterable[tuple[str, Visit]],
    *,
    is_refused: bool = False,
) -> dict[str, list[str]]:
    """Return what is wrong with each page that the visits lead to.

    `is_refused` says that the pages answer 404 or 422, which Chromium repeats.
    """
    wrong: dict[str, list[str]] = {}
    for name, visit in visits:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda m, said=complaints: said.append(m.text))
        page.on("pageerror", lambda e, said=complaints: said.append(str(e)))
        visit(page)
        # Before axe and the pictures, which put styles of their own in.
        if is_refused:
            complaints = [c for c in complaints if "Failed to load" not in c]
        found = [*complaints]
        for number, (size, theme) in enumerate(LOOKS):
            _dress(page, size, theme)
            rules = RULES_OF_LOOKS if number else EVERY_RULE
            found += [f"{size} {theme}: {it}" for it in _faults(page, rules)]
            _keep(page, name, f"{size}-{theme}")
        page.close()
        if found:
            wrong[name] = found
    return wrong


def _dress(page: Page, size: str, theme: str) -> None:
    """Give the page a width and a theme, as the browser and the cookie would."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)


def _faults(page: Page, rules: dict[str, object]) -> list[str]:
    """Return what is wrong with how a page is built."""
    faults = []
    if page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    ):
        faults.append("scrolls sideways")
    found = Axe().run(page, options={"runOnly": rules, "preload": False})
    for violation in found.response["violations"]:
        where = "; ".join(str(node["target"]) for node in violation["nodes"][:3])
        faults.append(f"{violation['id']}: {where}")
    return faults


def _keep(page: Page, name: str, suffix: str) -> None:
    """Keep a picture where `make screens` asks for it."""
    folder = os.environ.get("KEYWAY_SCREENS")
    if folder:
        label = re.sub(r"<\w+:(\w+)>", r"\1", name)
        label = re.sub(r"[^a-z0-9]+", "-", label).strip("-")
        page.screenshot(path=Path(folder) / f"{label}-{suffix}.png", full_page=True)
