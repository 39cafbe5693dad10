"""A real Chromium, or a reason why there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from integrations.connectors.browser import availability

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=60_000)  # ms; a busy machine is slow, only a failure waits


def executable() -> str:
    """Return where Chromium is. Skips the test, or fails it where CI asks for it."""
    found = availability.executable()
    if not found:
        reason = "Chromium is not installed: apt-get install chromium-headless-shell"
        if os.environ.get("KEYWAY_NO_SKIP") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium while the block lasts."""
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_FLAGS])
        try:
            yield browser
        finally:
            browser.close()
