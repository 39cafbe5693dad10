"""Reading what is made for browsers: the form of a login page, the header Link."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_MOST_FIELDS = 100
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL_NEXT = re.compile(
    r""";\s*rel\s*=\s*("[^"]*\bnext\b[^"]*"|next\b)""", re.IGNORECASE
)


def hidden_fields(page: bytes) -> dict[str, str] | None:
    """Return the hidden fields of the form with a password, None without such a form."""
    reader = _FormReader()
    reader.feed(page.decode(errors="replace"))
    reader.close()
    return reader.found


def next_link(header: str) -> str | None:
    """Return the target of the link to the next page. RFC 8288 section 3."""
    for link in _LINK.finditer(header):
        if _REL_NEXT.search(link[2]):
            return link[1]
    return None


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, str] | None = None
        self._hidden: dict[str, str] = {}
        self._has_password = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self._hidden, self._has_password = {}, False
        if tag == "input":
            self._note_input({name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._has_password and self.found is None:
            self.found = self._hidden

    def _note_input(self, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "").lower()
        if kind == "password":
            self._has_password = True
        name = attributes.get("name", "")
        if kind == "hidden" and name and len(self._hidden) < _MOST_FIELDS:
            self._hidden[name] = attributes.get("value", "")
