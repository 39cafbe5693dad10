"""Processes of the product that can be killed at a named point, or broken on purpose.

    python -m tests.faults.launch PIDFILE      # workers, one after another

Loads the product once and forks a worker from it. Whenever that one dies, another
is forked at once, so that hundreds of kills do not wait for Python to start. The
web server loads `tests.faults.web`. Both read:

`FAULTS_POINT`  `point:n`: SIGKILL itself when it comes by that point the nth time
`FAULTS_REACHED` a file that gets a line for each such death
`FAULTS_BREAK`  one of BREAKS: a control, which must not come out clean
`FAULTS_MEMORY` `a:b`: each job takes `a` MB for good; there are `b` beyond the start's
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import django
from django.core.management.base import BaseCommand, CommandError

DEATHS = 20
"""After so many of them a point is passed, so that the rest can be done."""


def prepare() -> None:
    """Put into this process what the environment asks for. Django is set up."""
    point, _, number = os.environ.get("FAULTS_POINT", "").partition(":")
    if point:
        _die_at(point, int(number))
    each, _, limit = os.environ.get("FAULTS_MEMORY", "").partition(":")
    if each:
        _take_memory(int(each) * 2**20, int(limit) * 2**20)
    broken = os.environ.get("FAULTS_BREAK")
    if broken:
        BREAKS[broken]()


def _die_at(point: str, number: int) -> None:
    from workspaces import faults

    assert point in faults.POINTS
    left = number

    def hook(reached: str) -> None:
        nonlocal left
        if reached != point:
            return
        left -= 1
        file = Path(os.environ["FAULTS_REACHED"])
        deaths = file.read_text() if file.exists() else ""
        if left <= 0 and deaths.count("\n") < DEATHS:
            # In one write at the end: another thread may kill this process meanwhile.
            with file.open("a") as reached_file:
                reached_file.write(f"{point}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    faults.hook = hook


def _take_memory(each: int, limit: int) -> None:
    """Let every job keep that many bytes, of which the process has `limit`."""
    from workspaces import faults

    taken: list[bytearray] = []
    begun = False

    def hook(reached: str) -> None:
        nonlocal begun
        if not begun:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * resource.getpagesize() + limit
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            begun = True
        if reached == "job.claimed":
            taken.append(bytearray(each))

    faults.hook = hook


def _two_transactions() -> None:
    """Put the work off only after the user is committed, a moment later."""
    from django.db import transaction

    from integrations.provisioning import wanted

    put_off = wanted._put_off

    def later(*args: Any, **kwargs: Any) -> None:
        def run() -> None:
            time.sleep(0.3)
            put_off(*args, **kwargs)

        transaction.on_commit(run)

    wanted._put_off = later


def _no_look_up() -> None:
    """Create without looking whether the app has the account."""
    from integrations.outside.acts import ToldSession

    ToldSession.find_account = lambda self, username: None


BREAKS = {"two-transactions": _two_transactions, "no-look-up": _no_look_up}


def main(pid_file: Path) -> None:
    """Keep a worker running until SIGTERM, which ends it too."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    prepare()
    from workspaces.management.commands.worker import Command

    while True:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _work(Command())
        pid_file.write_text(str(pid))
        signal.signal(signal.SIGTERM, lambda *_, pid=pid: _end(pid))
        os.waitpid(pid, 0)


def _work(command: BaseCommand) -> None:
    """Be a worker, and never come back to who forked it."""
    try:
        command.handle(threads=4, until_idle=False)
    except CommandError as error:
        print(error, file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(0)


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
