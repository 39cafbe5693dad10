"""Starting an outside app as a process of its own, and stopping it again."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

REPOSITORY = Path(__file__).parents[2]

_POLL_SECONDS = 0.05
_STOP_SECONDS = 5
_PR_SET_PDEATHSIG = 1
_prctl = getattr(ctypes.CDLL(None), "prctl", None)


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def end_with_parent() -> None:
    """Let this new process get SIGTERM when the thread that started it ends.

    For `preexec_fn`, so that a test run that is killed leaves nothing behind. Only
    Linux knows this.
    """
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def running(
    command: Sequence[str],
    *,
    ready_url: str,
    env: Mapping[str, str],
    log: Path,
    folder: Path = REPOSITORY,
    seconds: float = 60,
    is_ready: Callable[[int], bool] = lambda status: True,
    stop_seconds: float = _STOP_SECONDS,
) -> Iterator[None]:
    """Run a server in `folder` while the block lasts, entered once `ready_url` answers.

    Of an address that is not of the web it is enough that somebody listens.
    `is_ready` says which statuses count, where a proxy answers before the app does.
    What has not ended by itself after `stop_seconds` is killed.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **env},
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
        )
        try:
            _wait_until_ready(process, ready_url, log, seconds, is_ready)
            yield
        finally:
            _stop(process, stop_seconds)


def _wait_until_ready(
    process: subprocess.Popen[bytes],
    url: str,
    log: Path,
    seconds: float,
    is_ready: Callable[[int], bool],
) -> None:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if process.poll() is not None:
            break
        if _answers(url, is_ready):
            return
        time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"{url} did not answer.\n{log.read_text(errors='replace')}")


def _answers(url: str, is_ready: Callable[[int], bool]) -> bool:
    if not url.startswith("http"):
        return _listens(url)
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return is_ready(answer.status)
    except urllib.error.HTTPError as answer:
        answer.close()
        return is_ready(answer.code)
    except OSError:
        return False


def _listens(url: str) -> bool:
    place = urlsplit(url)
    try:
        with socket.create_connection((place.hostname, place.port), timeout=5):
            return True
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
