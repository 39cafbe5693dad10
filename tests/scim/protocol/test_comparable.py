"""Who is the same and who is not. RFC 8265. SCI-03, SCI-04."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.comparable import (
    MAX_KEY_LENGTH,
    comparable_document,
    string_key,
    time_key,
    user_name_key,
)
from scim.protocol.errors import InvalidValue
from scim.protocol.schema import ResourceSchema


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("bjensen", "BJensen", id="case"),
        pytest.param("bjensen@example.com", "BJENSEN@EXAMPLE.COM", id="address"),
        pytest.param("café", "cafe\u0301", id="composed or not"),
        pytest.param("CAFÉ", "cafe\u0301", id="composed or not, and case"),
        pytest.param("\uff41\uff42\uff43", "abc", id="fullwidth"),
        pytest.param("\uff21\uff22\uff23", "abc", id="fullwidth capitals"),
        pytest.param("ŽOFIE", "žofie", id="case beyond ASCII"),
        pytest.param("ДМИТРИЙ", "дмитрий", id="Cyrillic case"),
        pytest.param("Ann Lee", "ann lee", id="two parts"),
    ],
)
def test_spellings_of_one_user_name_share_a_key(one: str, other: str) -> None:
    assert user_name_key(one) == user_name_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("admin", "\u0430dmin", id="Cyrillic a"),
        pytest.param("paypal", "p\u0430yp\u0430l", id="Cyrillic a twice"),
        pytest.param("o", "\u03bf", id="Greek omicron"),
        pytest.param("mike", "m\u0131ke", id="dotless i"),
        pytest.param("MIKE", "m\u0131ke", id="dotless i and case"),
        pytest.param("mİke", "mike", id="dotted capital i"),
        pytest.param("strasse", "straße", id="sharp s"),
        pytest.param("cafe", "café", id="accent"),
        pytest.param("ann.lee", "annlee", id="dot"),
        pytest.param("ann lee", "annlee", id="blank"),
        pytest.param("0", "o", id="zero"),
    ],
)
def test_different_people_stay_different(one: str, other: str) -> None:
    assert user_name_key(one) != user_name_key(other)


@pytest.mark.parametrize(
    "user_name",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param(" ann", id="blank before"),
        pytest.param("ann ", id="blank after"),
        pytest.param("ann  lee", id="two blanks"),
        pytest.param("ann\tlee", id="tab"),
        pytest.param("ann\r\nlee", id="line break"),
        pytest.param("ann\u00a0lee", id="no-break space"),
        pytest.param("ann\u200blee", id="zero-width space"),
        pytest.param("ann\u200dlee", id="zero-width joiner"),
        pytest.param("ann\u202eeel", id="right-to-left override"),
        pytest.param("ann\u2066lee", id="isolate"),
        pytest.param("\ufeffann", id="byte order mark"),
        pytest.param("ann\u00ad", id="soft hyphen"),
        pytest.param("ann\ue000", id="private use"),
        pytest.param("ann\x7f", id="delete"),
        pytest.param("ﬁona", id="ligature"),
        pytest.param("♥ann", id="symbol"),
        pytest.param("x" * (MAX_KEY_LENGTH + 1), id="too long"),
        pytest.param("é" * (MAX_KEY_LENGTH + 1), id="too long beyond ASCII"),
    ],
)
def test_name_that_nobody_can_type_is_refused(user_name: str) -> None:
    with pytest.raises(InvalidValue):
        user_name_key(user_name)


@pytest.mark.parametrize(
    "user_name",
    ["bjensen", "bjensen@example.com", "o'neil", "a+b@c.d", "CORP\\ann", "ann lee"],
)
def test_ascii_shortcut_agrees_with_precis(user_name: str) -> None:
    # A fullwidth letter takes the name through the whole of PRECIS.
    wide = chr(ord(user_name[0]) + 0xFEE0) + user_name[1:]

    assert user_name_key(wide) == user_name_key(user_name)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.text(min_size=1, max_size=40))
def test_key_of_a_key_is_the_key(text: str) -> None:
    try:
        key = user_name_key(text)
    except InvalidValue:
        return

    assert user_name_key(key) == key


@pytest.mark.parametrize(
    ("text", "case_exact", "key"),
    [
        pytest.param("Straße", False, "straße", id="lower case"),
        pytest.param("Straße", True, "Straße", id="caseExact"),
        pytest.param("cafe\u0301", True, "café", id="composed"),
        pytest.param("CAFE\u0301", False, "café", id="composed, lower case"),
        pytest.param("m\u0131ke", False, "m\u0131ke", id="dotless i"),
    ],
)
def test_string_key(text: str, case_exact: bool, key: str) -> None:
    assert string_key(text, case_exact=case_exact) == key


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.text(max_size=40), st.booleans())
def test_string_key_of_a_string_key_is_the_key(text: str, case_exact: bool) -> None:
    key = string_key(text, case_exact=case_exact)

    assert string_key(key, case_exact=case_exact) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param("2011-05-13T04:42:34Z", "2011-05-13T04:42:34.000000Z", id="UTC"),
        pytest.param(
            "2011-05-13T06:42:34+02:00", "2011-05-13T04:42:34.000000Z", id="offset"
        ),
        pytest.param(
            "2011-05-13T04:42:34.5Z", "2011-05-13T04:42:34.500000Z", id="fraction"
        ),
        pytest.param("2011-05-13T04:42:34", "2011-05-13T04:42:34.000000Z", id="naive"),
        pytest.param("0999-01-01T00:00:00Z", "0999-01-01T00:00:00.000000Z", id="999"),
    ],
)
def test_time_key_is_utc(text: str, key: str) -> None:
    assert time_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2011-13-01T00:00:00Z",
        "2011-05-13T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        time_key(text)


def test_comparable_document_keeps_names_and_shape(user_schema: ResourceSchema) -> None:
    enterprise = next(iter(user_schema.extensions))
    document = {
        "schemas": [user_schema.urn],
        "userName": "BJensen",
        "externalId": "ABC",
        "active": True,
        "name": {"familyName": "Jensen"},
        "emails": [{"value": "B@Example.com", "primary": True}],
        enterprise: {"department": "Sales", "manager": {"value": "ABC"}},
    }

    assert comparable_document(user_schema, document) == {
        "schemas": [user_schema.urn],
        "userName": "bjensen",
        "externalId": "ABC",
        "active": True,
        "name": {"familyName": "jensen"},
        "emails": [{"value": "b@example.com", "primary": True}],
        enterprise: {"department": "sales", "manager": {"value": "ABC"}},
    }
