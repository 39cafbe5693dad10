"""The format of a token: what scanners look for and what guessing is up against."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tokens import credential, token_format
from tokens.credential import Credential, Kind
from tokens.token_format import ALPHABET

KNOWN = Credential(Kind.GATEWAY, "KeyOf12Chars", "s" * 43)
KNOWN_PLAINTEXT = "kwg_KeyOf12Chars" + "s" * 43 + "38P4LT"
TOKEN = KNOWN.plaintext
PEPPER = b"p" * 32


@pytest.mark.parametrize("kind", list(Kind))
def test_token_has_the_documented_shape(kind: Kind) -> None:
    plaintext = credential.generate(kind).plaintext

    assert re.fullmatch(rf"kw{kind}_[0-9A-Za-z]{{61}}", plaintext)
    assert token_format.PATTERN.fullmatch(plaintext)


def test_token_of_known_parts_has_the_published_check() -> None:
    assert KNOWN.plaintext == KNOWN_PLAINTEXT


def test_parse_gives_back_what_was_generated() -> None:
    made = credential.generate(Kind.DIRECTORY_SYNC)

    assert credential.parse(made.plaintext) == made


def test_ten_thousand_tokens_share_neither_key_nor_secret() -> None:
    made = [credential.generate(Kind.GATEWAY) for _ in range(10_000)]

    assert len({c.key for c in made}) == 10_000
    assert len({c.secret for c in made}) == 10_000


def test_letters_of_secrets_are_uniform() -> None:
    letters = Counter(
        "".join(credential.generate(Kind.GATEWAY).secret for _ in range(5_000))
    )
    expected = 5_000 * credential.SECRET_LENGTH / len(ALPHABET)

    assert set(letters) == set(ALPHABET)
    # Six standard deviations of a uniform draw: about one false alarm in 8 million.
    assert max(abs(n - expected) for n in letters.values()) < 6 * expected**0.5


def test_secret_holds_at_least_160_random_bits() -> None:
    assert len(ALPHABET) ** credential.SECRET_LENGTH >= 2**256 > 2**160


def test_any_one_changed_character_fails_the_check() -> None:
    for place in range(len("kwg_"), len(TOKEN)):
        other = "0" if TOKEN[place] != "0" else "1"
        assert credential.parse(TOKEN[:place] + other + TOKEN[place + 1 :]) is None


@pytest.mark.parametrize(
    "near_miss",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("null", id="null"),
        pytest.param("kwg_", id="prefix alone"),
        pytest.param(TOKEN.swapcase(), id="case swapped"),
        pytest.param(TOKEN.lower(), id="lower case"),
        pytest.param(TOKEN[:-1], id="cut at the end"),
        pytest.param(TOKEN[1:], id="cut at the start"),
        pytest.param(TOKEN + "0", id="padded at the end"),
        pytest.param("0" + TOKEN, id="padded at the start"),
        pytest.param(TOKEN + "=", id="padded like base64"),
        pytest.param(TOKEN + "\n", id="line feed at the end"),
        pytest.param(TOKEN + "\x00", id="NUL at the end"),
        pytest.param(TOKEN + TOKEN, id="repeated"),
        pytest.param(f"{TOKEN},{TOKEN}", id="twice"),
        pytest.param(f'"{TOKEN}"', id="quoted"),
        pytest.param(TOKEN.replace("kwg_", "kwd_"), id="of another kind"),
        pytest.param(TOKEN.replace("kwg_", "kwx_"), id="of no kind"),
        pytest.param(TOKEN.replace("_", "-"), id="dash for underscore"),
        pytest.param(TOKEN.replace("1", "\uff11"), id="fullwidth digit"),
        pytest.param(KNOWN.hint, id="masked form"),
    ],
)
def test_near_miss_is_no_token(near_miss: str) -> None:  # TOK-01, TOK-03
    assert credential.parse(near_miss) is None


@pytest.mark.parametrize("shown", [repr(KNOWN), str(KNOWN), f"{KNOWN}", KNOWN.hint])
def test_representation_hides_the_secret(shown: str) -> None:
    assert "ssss" not in shown
    assert KNOWN.key in shown


def test_hint_shows_nothing_of_the_random_part() -> None:  # TOK-20
    made = credential.generate(Kind.GATEWAY)

    assert made.hint == f"kwg_{made.key}…{made.plaintext[-4:]}"
    assert made.secret[-4:] not in made.hint


def test_digest_needs_the_pepper() -> None:  # TOK-02
    assert credential.digest(KNOWN, PEPPER) != credential.digest(KNOWN, b"q" * 32)


def test_digest_is_64_hexadecimal_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", credential.digest(KNOWN, PEPPER))


def test_verify_takes_its_own_digest_only() -> None:
    other = credential.generate(Kind.GATEWAY)
    stored = credential.digest(KNOWN, PEPPER)

    assert credential.verify(KNOWN, stored, PEPPER)
    assert not credential.verify(other, stored, PEPPER)
    assert not credential.verify(KNOWN, stored, b"q" * 32)


def test_digest_differs_between_kinds_of_one_key_and_secret() -> None:  # TOK-17
    other_kind = Credential(Kind.DIRECTORY_SYNC, KNOWN.key, KNOWN.secret)

    assert not credential.verify(other_kind, credential.digest(KNOWN, PEPPER), PEPPER)
