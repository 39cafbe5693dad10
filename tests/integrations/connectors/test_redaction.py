from __future__ import annotations

import pytest

from integrations.connectors.redaction import HIDDEN, redact, redact_text
from integrations.desired import JSON


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "apiKey",
        "Authorization",
        "password",
        "password_hash",
        "userPassword",
        "client_secret",
        "access_token",
        "Set-Cookie",
    ],
)
def test_hides_what_stands_under_a_secrets_name(name: str) -> None:
    document: JSON = {"users": [{"login": "ann", name: "hunter2"}]}

    assert redact(document) == {"users": [{"login": "ann", name: HIDDEN}]}


def test_hides_what_is_too_deep_to_look_at() -> None:
    deep: JSON = "x"
    for _ in range(2000):
        deep = [deep]

    assert HIDDEN in str(redact(deep))


@pytest.mark.parametrize(
    "text",
    [
        "login failed: password=hunter2 for ann",
        "{'token': 'hunter2', 'a': 1}",
        '{"api_key":"hunter2"}',
        "secret: hunter2",
        "the account's word is hunter2",
    ],
)
def test_hides_secrets_in_a_text(text: str) -> None:
    assert "hunter2" not in redact_text(text, secrets=["hunter2"])


def test_hides_what_looks_like_a_hash() -> None:
    said = "row (ann, 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08)"

    assert redact_text(said) == f"row (ann, {HIDDEN})"


def test_keeps_an_ordinary_sentence() -> None:
    assert redact_text("The e-mail address is not valid.") == (
        "The e-mail address is not valid."
    )


def test_makes_one_short_line() -> None:
    line = redact_text("first\r\nsecond\x00 " + "x y " * 200)

    assert line.startswith("first second x y")
    assert len(line) == 200


def test_shows_an_object_as_json() -> None:
    assert redact_text({"roles": ["not found"], "token": "abc"}) == (
        f'{{"roles": ["not found"], "token": {HIDDEN}}}'
    )


def test_shows_nothing_of_nothing() -> None:
    assert redact_text(None) == ""
