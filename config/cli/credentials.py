"""Where the command line keeps which Keyway it talks to, and its API token."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from config.cli.errors import NotLoggedIn, Unusable

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The address of a Keyway, without a slash at its end, and an API token for it."""

    url: str
    token: str = field(repr=False)


def checked(url: str, token: str) -> Credentials:
    """Return credentials that can be used. Raises Unusable, which says what is wrong."""
    url = url.strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query:
        raise Unusable(
            f"“{url}” is no address. Give one such as https://keyway.example.com."
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise Unusable(
            "Give an address with https. A token sent over http is not safe."
        )
    token = token.strip()
    if not token.startswith("kwa_") or not token.isascii():
        raise Unusable(
            "That is no API token: it begins with kwa_. Generate one under "
            "Administration, API tokens."
        )
    return Credentials(url, token)


def load() -> Credentials:
    """Return KEYWAY_URL and KEYWAY_API_TOKEN, else what `save` kept.

    Raises NotLoggedIn, or Unusable.
    """
    url, token = os.environ.get("KEYWAY_URL"), os.environ.get("KEYWAY_API_TOKEN")
    if url and token:
        return checked(url, token)
    if url or token:
        raise Unusable("Set both KEYWAY_URL and KEYWAY_API_TOKEN, or neither.")
    try:
        kept = json.loads(file().read_text(encoding="utf-8"))
        return checked(kept["url"], kept["token"])
    except FileNotFoundError:
        raise NotLoggedIn from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unusable(f"{file()} cannot be read. Run `keyway login` again.") from None


def save(credentials: Credentials) -> Path:
    """Keep credentials in a file that only this person can read. Returns where."""
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as kept:
        json.dump(asdict(credentials), kept)
    return path


def forget() -> bool:
    """Delete what was kept. Says whether there was anything."""
    was_there = file().exists()
    file().unlink(missing_ok=True)
    return was_there


def file() -> Path:
    """Return where credentials are kept: XDG_CONFIG_HOME, else ~/.config."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "keyway" / "credentials.json"
