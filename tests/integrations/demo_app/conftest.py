from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.integrations.demo_app.browser import Browser
from tests.real_apps.fixtures import OutsideApp, demo_app

__all__ = ["demo_app"]


@pytest.fixture
def new_browser(demo_app: OutsideApp) -> Iterator[Callable[[], Browser]]:
    with ExitStack() as browsers:

        def make() -> Browser:
            browser = Browser(demo_app.base_url)
            browsers.callback(browser.client.close)
            return browser

        yield make


@pytest.fixture
def admin(new_browser: Callable[[], Browser], demo_app: OutsideApp) -> Browser:
    browser = new_browser()
    browser.log_in(demo_app.username, demo_app.password)
    return browser
