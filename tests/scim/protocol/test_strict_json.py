"""JSON from strangers. RFC 8259. SCI-07 to SCI-09."""

from __future__ import annotations

import json

import pytest

from scim.protocol import strict_json
from scim.protocol.errors import InvalidSyntax, InvalidValue

DEPTH = strict_json.MAX_DEPTH


def nested(levels: int) -> bytes:
    """Return an object whose innermost list is `levels` deep, itself counted."""
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"   ", id="blank"),
        pytest.param(b"[1]", id="list"),
        pytest.param(b'"text"', id="string"),
        pytest.param(b"null", id="null"),
        pytest.param(b"1", id="number"),
        pytest.param(b'{"a":', id="truncated"),
        pytest.param(b'{"a":1', id="unclosed"),
        pytest.param(b'{"a":1}}', id="closed twice"),
        pytest.param(b'{"a":1} {"b":2}', id="two objects"),
        pytest.param(b'{"a":1,}', id="comma at the end"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":1} // note', id="comment"),
        pytest.param(b'{"a":01}', id="leading zero"),
        pytest.param(b'{"a":+1}', id="plus sign"),
        pytest.param(b'{"a":"\n"}', id="raw line feed"),
        pytest.param(b'{"a":"\\x41"}', id="unknown escape"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":-Infinity}', id="minus Infinity"),
        pytest.param(b'{"a":1,"a":2}', id="same name twice"),
        pytest.param(b'{"userName":"a","USERNAME":"b"}', id="name in other case"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="name escaped"),
        pytest.param(b'{"a":{"b":1,"b":1}}', id="same name inside"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="byte order mark"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a":"\xff"}', id="invalid UTF-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="surrogate in UTF-8"),
        pytest.param(b'{"a":"\xc0\x80"}', id="overlong NUL"),
        pytest.param(nested(DEPTH + 1), id="one level too deep"),
        pytest.param(b'{"a":' + b"[" * 100_000, id="100,000 brackets"),
        pytest.param(b'{"a":' * 100_000, id="100,000 braces"),
    ],
)
def test_body_that_is_not_one_sound_object_is_invalid_syntax(body: bytes) -> None:
    with pytest.raises(InvalidSyntax):
        strict_json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":"\\u0000"}', id="NUL"),
        pytest.param(b'{"a\\u0000":1}', id="NUL in a name"),
        pytest.param(b'{"a":"\\ud800"}', id="high surrogate"),
        pytest.param(b'{"a":"\\udc00"}', id="low surrogate"),
        pytest.param(b'{"\\ud800":1}', id="surrogate in a name"),
        pytest.param(b'{"a":1e400}', id="float out of range"),
        pytest.param(b'{"a":9999999999999999999}', id="integer of 19 digits"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="integer of 5,000 digits"),
        pytest.param(
            b'{"a":"' + b"x" * (strict_json.MAX_STRING_LENGTH + 1) + b'"}',
            id="string too long",
        ),
        pytest.param(
            b'{"' + b"x" * (strict_json.MAX_STRING_LENGTH + 1) + b'":1}',
            id="name too long",
        ),
    ],
)
def test_value_that_no_database_keeps_is_invalid_value(body: bytes) -> None:
    with pytest.raises(InvalidValue):
        strict_json.loads(body)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({}, id="empty object"),
        pytest.param({"a": [1, -2, 2.5, True, False, None, "x", {}, []]}, id="kinds"),
        pytest.param({"a": 10**18 - 1}, id="largest integer"),
        pytest.param({"ä": "žluťoučký 👩‍👩‍👧 \u202e"}, id="beyond ASCII"),
        pytest.param({"a": "x" * strict_json.MAX_STRING_LENGTH}, id="longest string"),
        pytest.param({"a": '"\\/\b\f\n\r\t'}, id="escapes"),
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "plain"])
def test_sound_object_is_read_exactly(
    value: dict[str, object], ascii_only: bool
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()

    assert strict_json.loads(body) == value


def test_greatest_depth_is_read() -> None:
    assert strict_json.loads(nested(DEPTH))


def test_syntax_error_says_where() -> None:
    with pytest.raises(InvalidSyntax, match="line 2, column 6"):
        strict_json.loads(b'{"a": 1,\n"b": }')


@pytest.mark.parametrize(
    "body", [b'{"s3cret": "s3cret" oops}', b'{"s3cret":1,"s3cret":2}']
)
def test_error_quotes_nothing_of_the_body(body: bytes) -> None:
    with pytest.raises(InvalidSyntax) as error:
        strict_json.loads(body)

    assert "s3cret" not in error.value.detail
