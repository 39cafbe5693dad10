"""Finding elements on a page, and saying in words which one was looked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from playwright.async_api import Locator, Page

from integrations.connectors.base import PermanentFailure
from integrations.connectors.browser.blueprint import Target
from integrations.connectors.expressions import ExpressionFailed, Template
from integrations.connectors.failures import UNFIT, UNWORKABLE
from integrations.desired import JSON

Values = Mapping[str, JSON]

_WORDS = {
    "label": "a field labelled “{}”",
    "field": "a field named “{}”",
    "button": "a button “{}”",
    "link": "a link “{}”",
    "row": "a row with “{}”",
    "text": "the text “{}”",
    "test_id": "an element with the test id “{}”",
    "css": "an element that matches {}",
}


def locate(root: Page | Locator, target: Target, values: Values) -> Locator:
    """Return the element, looked for inside `root`."""
    if target.within is not None:
        root = locate(root, target.within, values)
    text = fill_text(target.text, values)
    match target.by:
        case "label":
            return root.get_by_label(text, exact=True)
        case "button" | "link" | "row":
            return _by_role(root, target.by, text)
        case "text":
            return root.get_by_text(text)
        case "test_id":
            return root.get_by_test_id(text)
        case "field":
            return root.locator(f"[name={json.dumps(text, ensure_ascii=False)}]")
    return root.locator(text)


def _by_role(root: Page | Locator, role: str, text: str) -> Locator:
    if role == "button":
        return root.get_by_role("button", name=text, exact=True)
    if role == "link":
        return root.get_by_role("link", name=text, exact=True)
    return root.get_by_role("row").filter(has=root.get_by_text(text, exact=True))


def in_words(target: Target, values: Values) -> str:
    """Return what was looked for: `a field labelled “Login”`."""
    words = _WORDS[target.by].format(fill_text(target.text, values))
    if target.within is None:
        return words
    return f"{words} inside {in_words(target.within, values)}"


def fill_text(template: Template, values: Values) -> str:
    """Return the text with its values. Raises PermanentFailure if one does not fit."""
    try:
        return template.render(dict(values), as_text)
    except ExpressionFailed as error:
        raise PermanentFailure(UNWORKABLE) from error


def fill_path(template: Template, values: Values) -> str:
    """Return the path; a value stays within its segment. Raises PermanentFailure."""
    try:
        return template.render(dict(values), _segment)
    except ExpressionFailed as error:
        raise PermanentFailure(UNWORKABLE) from error


def _segment(value: JSON) -> str:
    text = as_text(value)
    if text in {"", ".", ".."}:
        raise PermanentFailure(UNFIT)
    return quote(text, safe="")


def as_text(value: JSON) -> str:
    """Return what is typed for a value; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PermanentFailure(UNWORKABLE)
    return str(value)
