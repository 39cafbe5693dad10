"""Whether this process can drive a browser, and where the browser is.

Looks without importing Playwright, so that processes that never drive one do not pay
for it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass

_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
"""The headless shell first: it starts in half the time and has no windows to draw."""
_PLACES = (
    "/usr/lib/chromium/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
NO_PLAYWRIGHT = (
    "Keyway has no Playwright to drive this app's pages with. The operator of Keyway "
    "installs it where the worker runs: pip install 'keyway-portal[browser]'."
)
NO_CHROMIUM = (
    "Keyway has no Chromium to open this app's pages with. The operator of Keyway "
    "installs it where the worker runs, or names it in KEYWAY_CHROMIUM."
)


@dataclass(slots=True)
class _Choice:
    path: str = ""


_operator = _Choice()


def use(path: str) -> None:
    """Take the Chromium that the operator names; empty for the usual places."""
    _operator.path = path


def executable() -> str:
    """Return the path of Chromium, empty if there is none."""
    if _operator.path:
        return shutil.which(_operator.path) or ""
    found = (shutil.which(name) for name in (*_NAMES, *_PLACES))
    return next(filter(None, found), "")


def missing() -> str:
    """Return what this process lacks to drive a browser, in a sentence, or nothing."""
    if importlib.util.find_spec("playwright") is None:
        return NO_PLAYWRIGHT
    return "" if executable() else NO_CHROMIUM


def needs_no_sandbox() -> bool:
    """Say whether Chromium would refuse to start with its sandbox: it does for root."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
