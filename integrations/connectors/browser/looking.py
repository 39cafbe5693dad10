"""What can be seen of a page: one element's text or state, and the page as a picture."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Page

from integrations.connectors.browser.blueprint import Look
from integrations.desired import JSON

_LARGEST_PICTURE = 60_000
_QUALITIES = (50, 25, 10)
_TYPED = (
    "input:not([type=submit], [type=button], [type=checkbox], [type=radio]), textarea"
)
_GREY = "#9aa0a6"


async def look_at(found: Locator, look: Look) -> JSON:
    """Return what a look at one element tells, or a look at each that fits."""
    match look:
        case Look.TEXT:
            return _in_one_line(await found.text_content() or "")
        case Look.VALUE:
            return await found.input_value()
        case Look.CHECKED:
            return await found.is_checked()
        case Look.SEEN:
            return await found.filter(visible=True).count() > 0
        case Look.UNSEEN:
            return await found.filter(visible=True).count() == 0
        case Look.LINK:
            return await found.get_attribute("href")
        case Look.TEXTS:
            return [_in_one_line(text) for text in await found.all_text_contents()]
    name = "value" if look is Look.VALUES else "href"
    return [await each.get_attribute(name) for each in await found.all()]


def pick(pattern: re.Pattern[str] | None, value: JSON) -> JSON:
    """Return the part of a text, or of each in a list, that fits; None if one does not.

    Without a pattern that is all of it.
    """
    if pattern is None:
        return value
    if isinstance(value, list):
        parts = [pick(pattern, each) for each in value]
        return None if None in parts else parts
    match = pattern.search(str(value))
    return match.group(1) if match else None


async def take(page: Page, masks: Sequence[Locator]) -> bytes:
    """Return the page as a JPEG of at most 60 kB; empty if there can be none.

    What was typed, and what `masks` find, is covered.
    """
    # A picture helps to understand a step; it must not make one fail.
    with contextlib.suppress(PlaywrightError):
        for quality in _QUALITIES:
            picture = await page.screenshot(
                type="jpeg",
                quality=quality,
                mask=[page.locator(_TYPED), *masks],
                mask_color=_GREY,
                animations="disabled",
            )
            if len(picture) <= _LARGEST_PICTURE:
                return picture
    return b""


def _in_one_line(text: str) -> str:
    """Return the text as it stands in the page, whatever case it is shown in."""
    return " ".join(text.split())
