"""Keyway is killed while it works: the short run. `make faults` is the long one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bench.processes import ROOT, NotStarted, postgres_programs
from tests.faults.app import App, Handler
from tests.real_apps.servers import end_with_parent

pytestmark = pytest.mark.faults


def test_nothing_is_lost_or_doubled_and_the_control_shows_it() -> None:
    """F12, F14, F15, F31: web, worker and database die at random."""
    try:
        postgres_programs()
    except NotStarted as error:
        if os.environ.get("KEYWAY_NO_SKIP") == "1":
            raise
        pytest.skip(str(error))

    run = subprocess.run(
        [sys.executable, "-m", "tests.faults.run", "--quick"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        preexec_fn=end_with_parent,
    )

    assert run.returncode == 0, run.stdout


def test_what_a_killed_worker_sent_by_half_is_no_effect(tmp_path: Path) -> None:
    """Or the app would hold an account without a name, and fail ever after."""
    effects = tmp_path / "effects.jsonl"
    app = App(effects, seed=1, faults=0)
    handler = type("HandlerOfOne", (Handler,), {"app": app})
    with (
        app.effects,
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with socket.create_connection(server.server_address) as caller:
            caller.sendall(b"POST /api/users HTTP/1.1\r\nContent-Length: 40\r\n\r\n{")
            caller.shutdown(socket.SHUT_WR)

            assert caller.recv(100) == b""
        server.shutdown()

    assert effects.read_text() == ""
