"""The form in which values are compared, made in this one place.

Filters, sorting, uniqueness and PATCH all compare these forms, never the raw
text: `userName` by PRECIS UsernameCaseMapped (RFC 8265), other strings by NFC
and, unless they are `caseExact`, in lower case. Times are UTC with microseconds.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from precis_i18n import get_profile

from scim.protocol.errors import InvalidValue
from scim.protocol.types import JSON, Document

if TYPE_CHECKING:
    from scim.protocol.schema import Attribute, ResourceSchema

_USER_NAME = get_profile("UsernameCaseMapped")
MAX_KEY_LENGTH = 500
_LONGEST_NAME = 4 * MAX_KEY_LENGTH
"""Longer names are not prepared: composing makes a name shorter, but not so much."""

_TOO_LONG = f"userName is longer than {MAX_KEY_LENGTH} characters."


def user_name_key(user_name: str) -> str:
    """Return the comparable form of a `userName`. Raises InvalidValue.

    A name may be several parts with single blanks between them, as RFC 8265
    section 3.5 builds usernames; each part is prepared by itself.
    """
    if len(user_name) > _LONGEST_NAME:
        raise InvalidValue(_TOO_LONG)
    if user_name.isascii() and user_name.isprintable():
        key = user_name.lower()
        if key and key == " ".join(key.split()):
            return _bounded(key)
    try:
        parts = [_USER_NAME.enforce(part) for part in user_name.split(" ")]
    except UnicodeEncodeError:
        raise InvalidValue(
            "userName holds characters that a user name cannot have: it needs "
            "letters, digits and punctuation, with single blanks at most."
        ) from None
    return _bounded(" ".join(parts))


def string_key(text: str, *, case_exact: bool) -> str:
    """Return the comparable form of any other string."""
    normal = unicodedata.normalize("NFC", text)
    return normal if case_exact else unicodedata.normalize("NFC", normal.lower())


def time_key(text: str) -> str:
    """Return a dateTime as UTC text that sorts by time. Raises InvalidValue."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise InvalidValue("A dateTime must look like 2026-11-21T20:15:00Z.") from None
    return f"{moment.isoformat(timespec='microseconds')}Z"


def comparable_document(schema: ResourceSchema, document: Document) -> Document:
    """Return `document` with every value in its comparable form.

    Same names and same shape, so that one filter reads both.
    """
    return _comparable(document, schema.attributes, schema.extensions)


def _comparable(
    document: Document,
    attributes: dict[str, Attribute],
    extensions: dict[str, dict[str, Attribute]],
) -> Document:
    result: Document = {}
    for name, value in document.items():
        if name in extensions and isinstance(value, dict):
            result[name] = _comparable(value, extensions[name], {})
        elif (attribute := attributes.get(name.lower())) is not None:
            result[name] = _comparable_value(attribute, value)
    return result


def _comparable_value(attribute: Attribute, value: JSON) -> JSON:
    if isinstance(value, list):
        return [_comparable_value(attribute, item) for item in value]
    if isinstance(value, dict):
        return _comparable(value, attribute.sub_attributes, {})
    if not isinstance(value, str):
        return value
    if attribute.name == "userName":
        return user_name_key(value)
    if attribute.type == "dateTime":
        return time_key(value)
    if attribute.type == "binary":
        return value
    return string_key(value, case_exact=attribute.case_exact)


def _bounded(key: str) -> str:
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidValue(_TOO_LONG)
    return key
