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
OPTIONS = {"runOnly": {"type": "tag", "values": RULES}, "preload": False}
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
    and not name.endswith("entitlements/export/")
}

STATE_LOOKS = LOOKS if os.environ.get("KEYWAY_SCREENS") else [("phone", "light")]
"""The states of pages look as their pages do: one look is enough."""

PARTS = 3
"""Into how many tests a look is split, for workers to share them."""


@pytest.fixture(autouse=True)
def own_url(settings: Settings, live_server: LiveServer) -> None:
    settings.KEYWAY_PUBLIC_URL = live_server.url


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_every_page_fits_and_is_accessible(
    alice: User,
    workspace: Workspace,
    integration: Integration,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    size: str,
    theme: str,
    part: int,
) -> None:
    stage.build(workspace, integration)
    values = values_of(integration)
    paths = {name: route.path.format(**values) for name, route in PAGES.items()}
    visits = [(name, _open(path)) for name, path in paths.items()][part::PARTS]
    with _signed_in(alice, live_server, monkeypatch, size, theme) as context:
        wrong = _look(context, visits, f"{size}-{theme}")

    assert not wrong, "\n".join(f"{name}: {found}" for name, found in wrong.items())


@pytest.mark.parametrize(("size", "theme"), STATE_LOOKS)
def test_pages_without_data_and_with_mistakes_fit_and_are_accessible(
    alice: User,
    workspace: Workspace,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    size: str,
    theme: str,
) -> None:
    look = f"{size}-{theme}"
    with _signed_in(alice, live_server, monkeypatch, size, theme) as context:
        wrong = _look(context, states.NOTHING_YET, look)
        key = factories.IntegrationFactory(workspace=workspace).directory.key
        wrong |= _look(context, states.of_integration(key), look)
        wrong |= _look(context, states.REFUSED, look, is_refused=True)

    assert not wrong, "\n".join(f"{name}: {found}" for name, found in wrong.items())


def _open(path: str) -> Visit:
    def visit(page: Page) -> None:
        page.goto(path, wait_until="networkidle")

    return visit


@contextmanager
def _signed_in(
    person: User,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    size: str,
    theme: str,
) -> Iterator[BrowserContext]:
    """Open a browser as somebody who is signed in."""
    # Playwright's loop runs in this thread, where the test asks the database too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    width, height = SIZES[size]
    with chromium() as browser:
        context = browser.new_context(
            viewport={"width": width, "height": height}, base_url=live_server.url
        )
        context.set_default_timeout(15_000)
        context.add_cookies(
            [
                {"name": name, "value": value, "url": live_server.url}
                for name, value in (
                    (settings.SESSION_COOKIE_NAME, session),
                    ("theme", theme),
                )
            ]
        )
        yield context
        context.close()


def _look(
    context: BrowserContext,
    visits: Iterable[tuple[str, Visit]],
    look: str,
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
        # Before axe and the picture, which put styles of their own in.
        if is_refused:
            complaints = [c for c in complaints if "Failed to load" not in c]
        found = [*complaints, *_faults(page)]
        _keep(page, name, look)
        page.close()
        if found:
            wrong[name] = found
    return wrong


def _faults(page: Page) -> list[str]:
    """Return what is wrong with how a page is built."""
    faults = []
    if page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    ):
        faults.append("scrolls sideways")
    found = Axe().run(page, options=OPTIONS)
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
