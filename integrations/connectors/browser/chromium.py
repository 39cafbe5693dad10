"""The one Chromium of this process, in a thread and an event loop of its own.

Playwright is bound to the loop that started it and refuses to run in the thread of
another, so every session hands its work to this one and waits for it. The browser is
started by the first session and ends with the process.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from playwright.async_api import Browser, BrowserContext, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError

from integrations.connectors.base import Misconfigured, TemporaryFailure
from integrations.connectors.browser import availability

_Result = TypeVar("_Result")

MOST_CONTEXTS = 2
ACT_SECONDS = 60.0
STEP_SECONDS = 8.0
SIZE = {"width": 1000, "height": 720}
BUSY = (
    "Keyway drives two browser windows at a time, and both are in use. It tries again."
)
SLOW = "The app took more than a minute for one change. Keyway tries again."
DOES_NOT_START = (
    "Chromium does not start where the worker runs. The operator of Keyway finds the "
    "reason by starting it there by hand."
)
_WAIT_SECONDS = 30.0
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--no-first-run",
)


class Chromium:
    """Runs the work of all sessions, two windows at a time."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._slots = threading.BoundedSemaphore(MOST_CONTEXTS)
        self._launching = asyncio.Lock()
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def take_slot(self) -> None:
        """Wait for one of the windows. Raises TemporaryFailure if none gets free."""
        if not self._slots.acquire(timeout=_WAIT_SECONDS):
            raise TemporaryFailure(BUSY)

    def free_slot(self) -> None:
        """Give a window back."""
        self._slots.release()

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Do the work in the browser's thread and return what it returns.

        Raises TemporaryFailure if it takes longer than ACT_SECONDS.
        """
        limited = asyncio.wait_for(work, ACT_SECONDS)
        future = asyncio.run_coroutine_threadsafe(limited, self._running_loop())
        try:
            return future.result()
        except TimeoutError as error:
            raise TemporaryFailure(SLOW) from error

    async def context(self, *, proxy: str) -> BrowserContext:
        """Return a window without history or cookies, whose only way out is `proxy`.

        Raises Misconfigured if Chromium does not start.
        """
        async with self._launching:
            if self._browser is None or not self._browser.is_connected():
                self._browser = await self._launch()
        context = await self._browser.new_context(
            proxy={"server": proxy, "bypass": "<-loopback>"},
            accept_downloads=False,
            service_workers="block",
            viewport=SIZE,  # type: ignore[arg-type]
        )
        context.set_default_timeout(STEP_SECONDS * 1000)
        return context

    def close(self) -> None:
        """End the browser and its thread. A later session starts anew."""
        with self._starting:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._quit(), loop).result(STEP_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STEP_SECONDS)
        loop.close()

    async def _launch(self) -> Browser:
        if reason := availability.missing():
            raise Misconfigured(reason)
        try:
            if self._playwright is None:
                self._playwright = await async_playwright().start()
            return await self._playwright.chromium.launch(
                executable_path=availability.executable(),
                args=[*_FLAGS],
                chromium_sandbox=not availability.needs_no_sandbox(),
                # Ctrl-C is for the worker, which ends the browser when it is done.
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except PlaywrightError as error:
            raise Misconfigured(DOES_NOT_START) from error

    async def _quit(self) -> None:
        # A browser that died is as good as one that was closed.
        with contextlib.suppress(PlaywrightError):
            if self._browser is not None:
                await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
        self._browser = self._playwright = None

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="chromium", daemon=True
                )
                self._thread.start()
                atexit.register(self.close)
            return self._loop


CHROMIUM = Chromium()
"""The one of this process."""
