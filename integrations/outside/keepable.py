"""What an app says, as text that both databases can keep.

PostgreSQL keeps no NUL and no database half of a surrogate pair; JSON can carry
both. A name shows U+FFFD in its place. A key must come back to the app as it was,
so that one that cannot be kept is an error.
"""

from __future__ import annotations

import re
from dataclasses import replace

from integrations.connectors.base import PermanentFailure
from integrations.desired import JSON, Entitlement, ObservedAccount

BAD_KEY = (
    "The app gives a key of an account, group or role that holds a NUL character or "
    "half of a surrogate pair. Keyway cannot keep it. The app's side must mend it."
)
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


def account(found: ObservedAccount) -> ObservedAccount:
    """Return the account as it can be kept. Raises PermanentFailure for its keys."""
    _check_key(found.external_id)
    for _, key in found.entitlements:
        _check_key(key)
    return replace(
        found,
        username=_text(found.username),
        email=_text(found.email),
        given_name=_text(found.given_name),
        family_name=_text(found.family_name),
        display_name=_text(found.display_name),
        attributes=_attributes(found.attributes),
    )


def entitlement(found: Entitlement) -> Entitlement:
    """Return the entitlement as it can be kept. Raises PermanentFailure for its key."""
    _check_key(found.external_id)
    return replace(found, name=_text(found.name))


def _check_key(key: str) -> None:
    if _UNKEEPABLE.search(key):
        raise PermanentFailure(BAD_KEY)


def _attributes(values: dict[str, JSON] | None) -> dict[str, JSON] | None:
    if values is None:
        return None
    return {_text(name): _value(value) for name, value in values.items()}


def _value(value: JSON) -> JSON:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_value(each) for each in value]
    return _attributes(value) if isinstance(value, dict) else value


def _text(text: str) -> str:
    return _UNKEEPABLE.sub("\ufffd", text)
