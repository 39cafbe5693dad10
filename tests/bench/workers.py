"""Worker processes on the test database of a program, which ends them or kills them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.db import connection

from tests.bench.processes import ROOT

_PATIENCE = 30


def environment() -> dict[str, str]:
    """Return what a process needs to work in this program's test database."""
    found = connection.settings_dict
    address = f"{found['HOST']}:{found['PORT']}/{found['NAME']}"
    url = f"postgres://{found['USER']}:{found['PASSWORD']}@{address}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": url,
    }


def start(log: Path, *, threads: int = 2, **variables: str) -> subprocess.Popen[bytes]:
    """Start a worker. With `FAULTS_POINT` it dies as `tests.faults.launch` says."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.bench.mortal_worker", str(threads)],
            cwd=ROOT,
            env=environment() | variables,
            stdout=output,
            stderr=output,
        )


@contextmanager
def running(count: int, folder: Path) -> Iterator[None]:
    """Run so many workers until the end of the block."""
    with ExitStack() as ends:
        for number in range(count):
            ends.callback(stop, start(folder / f"worker-{number}.log"))
        yield


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a worker well, or kill it if it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
