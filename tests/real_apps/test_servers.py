"""The servers of the tests end with the tests, however those end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.real_apps.servers import REPOSITORY, free_port

_RUN = """
import sys, time
from pathlib import Path
from tests.real_apps.servers import running
port, log = sys.argv[1:]
command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", port]
with running(command, ready_url=f"tcp://127.0.0.1:{port}", env={}, log=Path(log)):
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_server_ends_with_a_run_that_is_killed(tmp_path: Path) -> None:
    port = free_port()
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(port), str(tmp_path / "log")],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    assert run.stdout is not None
    with run.stdout as said:
        assert said.readline() == b"up\n"

    run.send_signal(signal.SIGKILL)
    run.wait()

    ends_at = time.monotonic() + 10
    while _listens(port) and time.monotonic() < ends_at:
        time.sleep(0.02)
    assert not _listens(port)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
