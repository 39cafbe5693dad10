"""How the demo app keeps passwords: scrypt with a salt for each."""

from __future__ import annotations

import hashlib
import hmac
import os

_COST = 2**14
_SALT_BYTES = 16


def hash_password(password: str) -> str:
    """Return what is stored of `password`: salt and digest, both hexadecimal."""
    salt = os.urandom(_SALT_BYTES)
    return f"{salt.hex()}${_digest(password, salt).hex()}"


def is_password(password: str, stored: str) -> bool:
    """Return whether `stored` was made from `password`.

    An account without a password stores an empty string, which nothing matches;
    the work is done all the same, so that the time taken tells nothing.
    """
    salt, _, digest = (stored or "00$").partition("$")
    return hmac.compare_digest(_digest(password, bytes.fromhex(salt)).hex(), digest)


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=8, p=1)
