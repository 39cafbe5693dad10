"""No form of the portal answers with a 5xx, whatever is sent."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from integrations.models import Integration
from tests.confirming import with_authenticator
from tests.routes import ROUTES, values_of
from workspaces.models import User

HOSTILE = {
    "long": "x" * 300_000,
    "NUL": "a\x00b",
    "negative": "-1",
    "other digits": "\uff19" * 40,
    "replacement": "\ufffd",
    "SQL": "' OR 1=1 --",
    "huge number": "9" * 30,
    "empty": "",
}
FIELDS = [
    "action",
    "back",
    "code",
    "confirmation",
    "count",
    "device",
    "domains",
    "lifetime",
    "name",
    "next",
    "number",
    "origins",
    "overlap",
    "page",
    "password",
    "reason",
    "require",
    "role",
    "rule",
    "state",
    "threshold",
    "token",
    "user",
    "value",
    "version",
    "0-name",
    "0-type",
    "0-ranking",
]
"""Names that many forms have. What a page shows besides is sent too."""


@pytest.mark.parametrize("kind", HOSTILE)
def test_forms_answer(kind: str, alice: User, integration: Integration) -> None:
    values = values_of(integration)
    with_authenticator(alice)
    failed = []

    for name, route in ROUTES.items():
        client = Client(raise_request_exception=False)
        client.force_login(alice)
        path = route.path.format(**values)
        shown = client.get(path)
        page = b"".join(shown).decode(errors="replace")
        names = {*FIELDS, *re.findall(r'name="([^"]+)"', page)}
        sent = dict.fromkeys(names - {"csrfmiddlewaretoken"}, HOSTILE[kind])
        if kind == "long":
            sent = dict(sorted(sent.items())[:6])
        if client.post(path, sent).status_code >= 500:
            failed.append(name)

    assert failed == []


@pytest.mark.parametrize("wish", ["x", "//evil.example/", "https://evil.example/", ""])
def test_form_leads_back_to_a_page_of_this_site_only(
    wish: str, alice_client: Client, integration: Integration
) -> None:
    key = integration.directory.key

    answer = alice_client.post(f"/integrations/{key}/pause/", {"next": wish})

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"/integrations/{key}/")
