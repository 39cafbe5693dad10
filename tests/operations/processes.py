"""The product as processes of its own, on the database of the tests."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parents[2]

SECONDS = 60
"""After them a process is killed, and its test fails."""


def database_url() -> str:
    """Return the address of the database that this test uses."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    place = f"{values['HOST']}:{values['PORT'] or 5432}"
    return f"postgres://{values['USER']}@{place}/{values['NAME']}"


def ring_text(ring: dict[int, bytes], *, marked: int | None = None) -> str:
    """Return a key ring as settings spell it."""
    return ",".join(
        f"{number}{'*' if number == marked else ''}:{base64.b64encode(key).decode()}"
        for number, key in ring.items()
    )


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a process that works on the tests' database."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "KEYWAY_SCIM_RATE": "0",
        "KEYWAY_ENCRYPTION_KEYS": ring_text(settings.KEYWAY_ENCRYPTION_KEYS),
        "KEYWAY_TOKEN_KEYS": ring_text(settings.KEYWAY_TOKEN_KEYS),
        **changes,
    }


def start(*arguments: str, **changes: str) -> subprocess.Popen[str]:
    """Start a command of manage.py. The caller ends it."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py to its end, within SECONDS."""
    return _run("manage.py", *arguments, **changes)


def python(code: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own; it must succeed, within SECONDS."""
    done = _run("-c", code, **changes)
    done.check_returncode()
    return done


def killed(code: str, **changes: str) -> None:
    """Run code that ends its own process with SIGKILL."""
    done = _run("-c", code, **changes)
    assert done.returncode == -signal.SIGKILL, done.stderr


def _run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
