"""Every failure that can be told has its side and its next step."""

from __future__ import annotations

import pytest

from integrations.connectors import addresses, client, failures
from integrations.connectors.client import Answer
from integrations.connectors.http import connector, conversation, filling, listing
from integrations.connectors.ldap import answers, entries, groups
from integrations.connectors.ldap import client as ldap_client
from integrations.connectors.meanings import Meaning, error_for
from integrations.connectors.sql import answers as sql_answers
from integrations.connectors.sql import client as sql_client
from integrations.reports import causes
from scim.protocol.tolerances import Tolerance

MODULES = [
    *(addresses, client, failures),
    *(connector, conversation, filling, listing),
    *(answers, entries, groups, ldap_client),
    *(sql_answers, sql_client),
]
SENTENCES = sorted(
    {
        text
        for module in MODULES
        for name, text in vars(module).items()
        if name.isupper() and isinstance(text, str) and text.endswith(".")
    }
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentence_of_a_connector_is_known(sentence: str) -> None:
    cause = causes.of_message(sentence)

    assert cause is not None
    assert cause.what == sentence
    assert cause.fix != causes.UNKNOWN_FIX


@pytest.mark.parametrize("meaning", [m for m in Meaning if m != Meaning.FINE])
def test_meaning_of_an_answer_is_known(meaning: Meaning) -> None:
    error = error_for(meaning, Answer(status=500, headers={}, body=b""))

    cause = causes.of_message(error.message)

    assert cause is not None
    assert cause.fix != causes.UNKNOWN_FIX


def test_what_is_not_known_still_has_a_next_step() -> None:
    cause = causes.of_message("Something new.")

    assert cause is not None
    assert (cause.what, cause.fix) == ("Something new.", causes.UNKNOWN_FIX)
    assert causes.of_message("") is None


@pytest.mark.parametrize("tolerance", Tolerance)
def test_tolerance_is_told_in_words(tolerance: Tolerance) -> None:
    assert causes.tolerance_words(tolerance).endswith(".")


def test_tolerance_of_the_past_keeps_its_name() -> None:
    assert causes.tolerance_words("gone_by") == "gone_by"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 415, 418, 429])
def test_refusal_of_the_gateway_says_whose_side(status: int) -> None:
    cause = causes.of_status(status)

    assert cause is not None
    assert cause.side in {causes.IDP, causes.GATEWAY}


def test_answer_that_is_fine_has_no_cause() -> None:
    assert causes.of_status(201) is None
    failure = causes.of_status(500)
    assert failure is not None
    assert failure.side == causes.GATEWAY
