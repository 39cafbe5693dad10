"""Make a `.env` for one machine, with secrets of its own.

`make setup` runs this once. It never changes a file that is there already, so
no secret has a default and none is ever replaced by accident.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

TEMPLATE = """\
# Settings of this machine. Keep it private, and keep a copy of the keys:
# without them the stored secrets cannot be read and no token opens anything.
KEYWAY_ENV=development
KEYWAY_SECRET_KEY={secret_key}
KEYWAY_ENCRYPTION_KEYS=1:{encryption_key}
KEYWAY_TOKEN_KEYS=1:{token_key}
KEYWAY_PUSH_KEY={push_key}
KEYWAY_ALLOWED_NETWORKS=127.0.0.0/8,::1/128
"""


def new_key() -> str:
    """Return 256 random bits from the operating system, in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def new_push_key() -> str:
    """Return the private half of a new key for Web Push, in base64url."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")


def write(path: Path) -> bool:
    """Create the file at `path`, readable by its owner only. False if it exists."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(
            TEMPLATE.format(
                secret_key=secrets.token_urlsafe(50),
                encryption_key=new_key(),
                token_key=new_key(),
                push_key=new_push_key(),
            )
        )
    return True


if __name__ == "__main__":
    write(Path(__file__).resolve().parent.parent / ".env")
