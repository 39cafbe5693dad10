"""A person in front of the demo app's pages."""

from __future__ import annotations

import re

import httpx2


class Browser:
    """Clicks through the pages as a person does: cookies, forms, redirects."""

    def __init__(self, base_url: str) -> None:
        self.client = httpx2.Client(
            base_url=base_url, follow_redirects=True, trust_env=False
        )

    def see(self, path: str) -> httpx2.Response:
        return self.client.get(path)

    def submit(
        self, path: str, *, on: str | None = None, **fields: str
    ) -> httpx2.Response:
        """Send a form with the CSRF field that the page `on` holds."""
        page = self.see(on or path).text
        csrf = re.search(r'name="csrf" value="([^"]+)"', page)
        assert csrf is not None, page
        return self.client.post(path, data={"csrf": csrf[1], **fields})

    def log_in(self, login: str, password: str) -> httpx2.Response:
        return self.submit("/login", username=login, password=password)
