"""Secrets at rest: AES-256-GCM under a numbered key ring.

A value reads `v1.<key number>.<base64url of nonce and ciphertext>`. The row it
belongs to is its associated data, so a value that is moved to another row,
column or tenant no longer decrypts.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from workspaces.key_ring import in_use

_NONCE_BYTES = 12


class UnreadableSecret(Exception):
    """The value was not encrypted here, was changed, or its key is gone."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a secret lives. Random public ids only, so that it never changes."""

    workspace: str
    table: str
    row: str
    column: str

    def associated_data(self, key_number: int) -> bytes:
        """Return the bytes that bind a ciphertext to this place and key."""
        parts = (self.workspace, self.table, self.row, self.column, str(key_number))
        return b"\x1f".join(part.encode() for part in parts)


def encrypt(plaintext: str, address: Address) -> str:
    """Return `plaintext` under the key in use, bound to its address."""
    number = in_use(settings.KEYWAY_ENCRYPTION_KEYS)
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(settings.KEYWAY_ENCRYPTION_KEYS[number]).encrypt(
        nonce, plaintext.encode(), address.associated_data(number)
    )
    return f"v1.{number}.{base64.urlsafe_b64encode(nonce + sealed).decode('ascii')}"


def decrypt(value: str, address: Address) -> str:
    """Return the plaintext of `value`. Raises UnreadableSecret, saying no more."""
    try:
        version, number, encoded = value.split(".")
        key = settings.KEYWAY_ENCRYPTION_KEYS[int(number)]
        data = base64.urlsafe_b64decode(encoded)
        if version != "v1":
            raise UnreadableSecret("The secret has an unknown format.")
        opened = AESGCM(key).decrypt(
            data[:_NONCE_BYTES],
            data[_NONCE_BYTES:],
            address.associated_data(int(number)),
        )
    except KeyError:
        raise UnreadableSecret(
            "The key of this secret is not in KEYWAY_ENCRYPTION_KEYS."
        ) from None
    except (ValueError, binascii.Error, InvalidTag):
        raise UnreadableSecret(
            "The secret is damaged or was copied from another place."
        ) from None
    return opened.decode()
