"""The format of a Keyway token. No tables and no settings here.

Its shape and its check are in `token_format`, which is published. `kind` is `g`
(gateway), `d` (Directory Sync), `a` (management API), `s` (secret of an OAuth client) or
`o` (its access token). Key, secret and check are
base62. The key finds the row and is no secret; the secret holds 256 random bits; the
check tells a typo or a chance find of a scanner from a token without a query.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from tokens.token_format import ALPHABET, PATTERN, check_of, is_token

KEY_LENGTH = 12
SECRET_LENGTH = 43


class Kind(StrEnum):
    """What a token opens."""

    GATEWAY = "g"
    DIRECTORY_SYNC = "d"
    MANAGEMENT_API = "a"
    CLIENT = "s"
    ACCESS = "o"


@dataclass(frozen=True, slots=True)
class Credential:
    """A well-formed token. Its value shows in no representation of it."""

    kind: Kind
    key: str
    secret: str = field(repr=False)

    @property
    def plaintext(self) -> str:
        """The token as the client sends it."""
        body = f"kw{self.kind}_{self.key}{self.secret}"
        return body + check_of(body)

    @property
    def hint(self) -> str:
        """A recognisable part that is no secret: kind, key and the last 4."""
        return f"kw{self.kind}_{self.key}…{self.plaintext[-4:]}"

    def __str__(self) -> str:
        return self.hint


def generate(kind: Kind) -> Credential:
    """Return a new credential, random by the operating system."""
    return Credential(kind, random_key(), _random(SECRET_LENGTH))


def random_key() -> str:
    """Return a public name: what finds a row and is no secret."""
    return _random(KEY_LENGTH)


def parse(text: str) -> Credential | None:
    """Read a token. None if its shape or its check is wrong."""
    match = PATTERN.fullmatch(text)
    if match is None or not is_token(text):
        return None
    kind, key, secret, _ = match.groups()
    return Credential(Kind(kind), key, secret)


def digest(credential: Credential, pepper: bytes) -> str:
    """Return the HMAC-SHA-256 of the whole token under a server key, in hex."""
    return hmac.new(pepper, credential.plaintext.encode(), hashlib.sha256).hexdigest()


def verify(credential: Credential, stored: str, pepper: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(digest(credential, pepper), stored)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
