"""Real brokers of Debian on loopback, empty and of this run's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.processes import HOST, NotStarted, free_port

SECONDS = 90
"""RabbitMQ takes 10 s to start on an idle machine."""


@contextmanager
def start_redis(folder: Path, port: int) -> Iterator[str]:
    """Run a Redis that keeps nothing; yield its URL."""
    program = _program("redis-server", "apt install redis-server")
    folder.mkdir()
    command = [program, "--port", str(port), "--bind", HOST, "--dir", str(folder)]
    with _running([*command, "--save", "", "--appendonly", "no"], port, {}):
        yield f"redis://{HOST}:{port}/0"


@contextmanager
def start_rabbitmq(folder: Path, port: int) -> Iterator[str]:
    """Run a RabbitMQ node of its own; yield its URL."""
    program = _program("rabbitmq-server", "apt install rabbitmq-server")
    # Debian's own script gives up root for a user who may not write here.
    installed = sorted(Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmq-server"))
    program = str(installed[-1]) if installed else program
    folder.mkdir()
    environment = {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"keyway{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": HOST,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "ERL_EPMD_PORT": str(free_port()),
        "ERL_EPMD_ADDRESS": HOST,
    }
    try:
        with _running([program], port, environment):
            yield f"amqp://guest:guest@{HOST}:{port}//"
    finally:
        # Erlang's port mapper outlives the node that started it.
        subprocess.run(
            ["epmd", "-port", environment["ERL_EPMD_PORT"], "-kill"],
            check=False,
            stdout=subprocess.DEVNULL,
        )


def _program(name: str, how: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NotStarted(f"{name} is not installed: {how}")
    return found


@contextmanager
def _running(
    command: list[str], port: int, environment: dict[str, str]
) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        ends_at = time.monotonic() + SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > ends_at:
                raise NotStarted(f"{command[0]} did not start.")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
