"""JSON that is made to break what reads it."""

from __future__ import annotations

import pytest

from tests.api.conftest import ApiClient


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"url": "x", "events": ["\\ud800"]}', "surrogate"),
        ('{"\\ud800": 1}', "surrogate"),
        ("[" * 100_000, "nested"),
        ('{"a":' * 100_000, "nested"),
        ("9" * 6000, "digits"),
    ],
    ids=["value", "name", "lists", "objects", "number"],
)
def test_body_that_cannot_be_read_is_refused(
    api: ApiClient, body: str, words: str
) -> None:
    """Also where the answer would repeat it."""
    answer = api.client.generic(
        "POST",
        "/api/v1/webhooks",
        body.encode(),
        content_type="application/json",
        headers={"authorization": f"Bearer {api.token}"},
    )

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert words in answer.json()["detail"]
