"""How a person works a page: by touch, or by keyboard alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

_MOST_STOPS = 150
"""More than any page has, twice round."""


class Hands(Protocol):
    """What both ways can do to a control."""

    def press(self, control: Locator) -> None: ...

    def fill(self, control: Locator, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Touch:
    """A finger, or a mouse."""

    def press(self, control: Locator) -> None:
        control.click()

    def fill(self, control: Locator, text: str) -> None:
        control.fill(text)


@dataclass(frozen=True, slots=True)
class Keyboard:
    """Tab until the control has the focus, then a key: nobody puts it there."""

    page: Page

    def press(self, control: Locator) -> None:
        self._reach(control)
        self.page.keyboard.press("Enter")

    def fill(self, control: Locator, text: str) -> None:
        self._reach(control)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def _reach(self, control: Locator) -> None:
        expect(control).to_be_visible()
        self.page.wait_for_load_state("load")
        for _ in range(_MOST_STOPS):
            if control.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {control}")


def hands_of(page: Page, screen: str) -> Hands:
    """Return a keyboard for the desktop, a finger for the phone."""
    return Keyboard(page) if screen == "desktop" else Touch()
