"""Cursors: where a list goes on, sealed so that only this server can read it.

RFC 9865. A cursor holds the position, a digest of the query that it belongs to,
and the time that it was made. It is a Fernet token (HMAC-SHA-256 over AES-CBC)
without its padding: unreserved characters only, and nothing of the database shows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from scim.protocol.errors import ExpiredCursor, InvalidCursor
from scim.protocol.types import JSON

TIMEOUT: Final = 3_600
"""Seconds for which a cursor is good."""

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9\-._~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two resources: behind one of them, or before it."""

    id: int
    value: str | int | float | None = None
    """What the resource is sorted by."""

    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Sealer:
    """Makes and reads the cursors of one query.

    The first of `secrets` makes them, the others are former ones that still read.
    `query` is all that must not change from page to page, the directory first.
    """

    secrets: tuple[str, ...]
    query: tuple[JSON, ...]
    now: datetime

    def seal(self, position: Position) -> str:
        """Return a position as a cursor."""
        content = [self._digest(), position.id, position.value, position.backwards]
        made_at = int(self.now.timestamp())
        token = self._fernet().encrypt_at_time(orjson.dumps(content), made_at)
        return token.decode().rstrip("=")

    def open(self, cursor: str) -> Position:
        """Return the position of a cursor. Raises InvalidCursor, ExpiredCursor."""
        if not _UNRESERVED.fullmatch(cursor):
            raise InvalidCursor(_INVALID)
        token = cursor + "=" * (-len(cursor) % 4)
        fernet = self._fernet()
        try:
            content = fernet.decrypt(token)
        except InvalidToken:
            raise InvalidCursor(_INVALID) from None
        digest, place, value, backwards = orjson.loads(content)
        if digest != self._digest():
            raise InvalidCursor(_INVALID)
        if self.now.timestamp() - fernet.extract_timestamp(token) > TIMEOUT:
            raise ExpiredCursor(
                f"The cursor is older than {TIMEOUT} seconds. Start again with an "
                "empty cursor."
            )
        return Position(place, value, backwards)

    def _digest(self) -> str:
        return hashlib.sha256(orjson.dumps(self.query)).hexdigest()[:32]

    def _fernet(self) -> MultiFernet:
        return MultiFernet([_fernet(secret) for secret in self.secrets])


def _fernet(secret: str) -> Fernet:
    """Return what seals under a key derived from a secret."""
    key = hmac.digest(secret.encode(), b"keyway.scim.cursor", "sha256")
    return Fernet(base64.urlsafe_b64encode(key))


_INVALID: Final = (
    "The cursor is not one that this query was answered with. Repeat the query with "
    "its nextCursor or previousCursor, or start again with an empty cursor."
)
