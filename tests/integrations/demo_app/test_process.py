from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from tests.real_apps.servers import REPOSITORY, free_port

COMMAND = [sys.executable, "-m", "integrations.demo_app", "--port"]
PASSWORD = "pass-of-process-1"


def start(port: int, data: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, str(port), "--data", str(data)],
        cwd=REPOSITORY,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(url: str) -> httpx2.Response:
    for _ in range(400):
        try:
            return httpx2.get(url, trust_env=False)
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(url)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly_and_prints_no_password(
    tmp_path: Path, stop: signal.Signals
) -> None:
    port = free_port()
    process = start(port, tmp_path / "demo.db", DEMO_APP_SERVICE_PASSWORD=PASSWORD)
    with process:
        health = wait_for(f"http://127.0.0.1:{port}/healthz")
        process.send_signal(stop)
        printed, _ = process.communicate(timeout=10)

    assert health.text == "ok"
    assert process.returncode == 0
    assert "svc-keyway" in printed
    assert PASSWORD not in printed
    assert "Traceback" not in printed
    assert PASSWORD.encode() not in (tmp_path / "demo.db").read_bytes()


def test_does_not_start_without_a_password(tmp_path: Path) -> None:
    with start(free_port(), tmp_path / "demo.db") as process:
        printed, _ = process.communicate(timeout=10)

    assert process.returncode == 2
    assert "DEMO_APP_SERVICE_PASSWORD" in printed


def test_has_no_failure_switches_unless_asked(tmp_path: Path) -> None:
    port = free_port()
    process = start(port, tmp_path / "demo.db", DEMO_APP_SERVICE_PASSWORD=PASSWORD)
    with process:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        url = f"http://127.0.0.1:{port}/api/faults"
        answer = httpx2.post(url, json={"mode": "error"}, trust_env=False)
        process.terminate()

    assert answer.status_code == 404
