"""Distinguished names: written safely, compared, taken apart. RFC 4514."""

from __future__ import annotations

import re

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import escape_rdn, parse_dn

_ESCAPED = re.compile(r"(?:\\[0-9A-Fa-f]{2})+|\\.", re.DOTALL)

Parts = tuple[tuple[str, str], ...]


def rdn(attribute: str, value: str) -> str:
    """Return `attribute=value` with the value escaped. The value is not empty."""
    return f"{attribute}={escape_rdn(value)}"


def below(base: str, attribute: str, value: str) -> str:
    """Return the DN of an entry right below `base`."""
    return f"{rdn(attribute, value)},{base}"


def parts_of(dn: str) -> Parts:
    """Return the pairs of a DN, comparable: of any spelling the same.

    Empty if it is no DN.
    """
    try:
        parsed = parse_dn(dn, strip=True)
    except LDAPInvalidDnError:
        return ()
    return tuple(
        (attribute.casefold(), " ".join(_plain(value).casefold().split()))
        for attribute, value, _ in parsed
    )


def value_in(dn: str, attribute: str) -> str | None:
    """Return the value of an attribute in the first RDN, None if it is not there."""
    try:
        parsed = parse_dn(dn)
    except LDAPInvalidDnError:
        return None
    for name, value, separator in parsed:
        if name.strip().casefold() == attribute.casefold():
            return _plain(value)
        if separator != "+":
            break
    return None


def is_below(dn: str, base: str) -> bool:
    """Say whether an entry is somewhere below `base`."""
    inner, outer = parts_of(dn), parts_of(base)
    return len(inner) > len(outer) > 0 and inner[-len(outer) :] == outer


def _plain(value: str) -> str:
    return _ESCAPED.sub(_unescaped, value)


def _unescaped(found: re.Match[str]) -> str:
    text = found.group()
    if re.fullmatch(r"(?:\\[0-9A-Fa-f]{2})+", text):
        return bytes.fromhex(text.replace("\\", "")).decode(errors="replace")
    return text[1:]
