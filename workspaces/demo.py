"""The login of the demo workspace: random, made once, for this machine only."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.conf import settings

EMAIL = "owner@demo.example"


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """Who logs in to the demo workspace."""

    email: str
    password: str = field(repr=False)
    service_password: str = field(repr=False)
    """Of Keyway's service account in the demo app."""


def demo_login() -> DemoLogin | None:
    """Return the login, None where no demo was set up."""
    try:
        return DemoLogin(**json.loads(_path().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def make_demo_login() -> DemoLogin:
    """Return the login, made new if there is none. Only its owner can read it."""
    existing = demo_login()
    if existing is not None:
        return existing
    login = DemoLogin(EMAIL, secrets.token_urlsafe(9), secrets.token_urlsafe(18))
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(_path(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(login), file)
    return login


def _path() -> Path:
    return Path(settings.VAR_DIR) / "demo-login.json"
