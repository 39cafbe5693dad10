"""F39: who is told to stop finishes what is in hand, and takes nothing new."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest
from django.db import connections

from integrations.models import Integration
from integrations.provisioning import wanted
from scim.models import Resource
from tests.conftest import scim_client
from tests.operations import processes
from tests.real_apps.servers import free_port
from workspaces.models import Job

pytestmark = pytest.mark.django_db(transaction=True)

LONGEST_SECONDS = 30


class Client(threading.Thread):
    """Adds users until the server is gone, each over a connection of its own."""

    def __init__(self, url: str, token: str, number: int) -> None:
        super().__init__()
        self.url, self.token, self.number = url, token, number
        self.acknowledged: list[str] = []

    def run(self) -> None:
        headers = {"authorization": f"Bearer {self.token}"}
        for count in range(10_000):
            name = f"u{self.number}-{count}@acme.test"
            try:
                answer = httpx2.post(
                    f"{self.url}/Users",
                    json={"userName": name},
                    headers={**headers, "content-type": "application/scim+json"},
                    trust_env=False,
                    timeout=20,
                )
            except httpx2.TransportError:
                return
            assert answer.status_code == 201, answer.text
            self.acknowledged.append(name)


def test_f39_web_answers_every_call_that_it_carried_out(
    integration: Integration, tmp_path: Path
) -> None:
    token = scim_client(integration.directory).token
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    granian = [sys.executable, "-m", "granian", "--interface=wsgi", "--workers=1"]
    with (tmp_path / "log").open("wb") as log:
        web = subprocess.Popen(
            [*granian, f"--port={port}", "config.wsgi:application"],
            cwd=processes.ROOT,
            env=processes.environment(KEYWAY_PUBLIC_URL=base),
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: answers(f"{base}/healthz"))
        clients = [
            Client(base + integration.directory.path, token, number)
            for number in range(3)
        ]
        for client in clients:
            client.start()
        wait_for(lambda: sum(len(client.acknowledged) for client in clients) > 10)
        web.send_signal(signal.SIGTERM)
        started = time.monotonic()
        web.wait(LONGEST_SECONDS)
        seconds = time.monotonic() - started
        for client in clients:
            client.join()
    finally:
        web.kill()
        web.wait()

    acknowledged = {name for client in clients for name in client.acknowledged}
    carried_out = set(
        Resource.objects.filter(resource_type="User").values_list(
            "user_name_key", flat=True
        )
    )
    assert acknowledged == carried_out
    assert seconds < LONGEST_SECONDS


def test_f39_worker_leaves_no_job_in_hand(integration: Integration) -> None:
    scim = scim_client(integration.directory)
    for number in range(20):
        scim.add_user(f"u{number}@acme.test")
    worker = processes.start("worker", "--threads", "2")
    try:
        wait_for(lambda: Job.objects.filter(attempt__gt=0).exists())
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=LONGEST_SECONDS)
    finally:
        worker.kill()
        connections.close_all()

    assert worker.returncode == 0
    assert not Job.objects.filter(state__in=Job.LEASED).exists()
    kept = Job.objects.filter(kind=wanted.JOB, state__in=Job.OPEN)
    assert kept.count() == 20


def answers(url: str) -> bool:
    try:
        return httpx2.get(url, trust_env=False).is_success
    except httpx2.TransportError:
        return False


def wait_for(is_so) -> None:
    ends_at = time.monotonic() + LONGEST_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.05)
