"""Read JSON from strangers: RFC 8259, with limits.

Refuses what a lenient parser would let pass and a database or a second parser
would read otherwise: duplicate names, NaN, NUL, lone surrogates, a byte order
mark, integers beyond 64 bits, deep nesting.
"""

from __future__ import annotations

import json
import math
from typing import Any, Never

from scim.protocol.errors import InvalidSyntax, InvalidValue
from scim.protocol.types import JSON, Document

MAX_DEPTH = 24
MAX_STRING_LENGTH = 65_536
_MAX_INTEGER_DIGITS = 18


def loads(body: bytes) -> Document:
    """Return the object that `body` holds. Raises InvalidSyntax, InvalidValue."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidSyntax("The body must be UTF-8.") from None
    if text.startswith("\ufeff"):
        raise InvalidSyntax("The body must not start with a byte order mark.")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise InvalidSyntax(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise InvalidSyntax(
            f"The body is not JSON: line {error.lineno}, column {error.colno}."
        ) from None
    if not isinstance(value, dict):
        raise InvalidSyntax("The body must be one JSON object.")
    _check(value, 1)
    return value


_TOO_DEEP = f"The body is nested deeper than {MAX_DEPTH} levels."


def _check(value: JSON, depth: int) -> None:
    if isinstance(value, str):
        _check_string(value)
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise InvalidSyntax(_TOO_DEEP)
        if isinstance(value, dict):
            for name in value:
                _check_string(name)
        for member in value.values() if isinstance(value, dict) else value:
            _check(member, depth + 1)


def _check_string(text: str) -> None:
    if len(text) > MAX_STRING_LENGTH:
        raise InvalidValue(f"A string is longer than {MAX_STRING_LENGTH} characters.")
    if "\x00" in text:
        raise InvalidValue("A string holds a NUL character.")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidValue("A string holds half of a surrogate pair.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    # SCIM attribute names are the same in any case, so their duplicates are too.
    if len({name.lower() for name in result}) != len(pairs):
        raise InvalidSyntax("An object has the same name twice.")
    return result


def _integer(digits: str) -> int:
    if len(digits) > _MAX_INTEGER_DIGITS:
        raise InvalidValue("A number is larger than 18 digits.")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise InvalidValue("A number is too large.")
    return number


def _constant(name: str) -> Never:
    raise InvalidSyntax(f"{name} is not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)
