"""A worker that `tests.bench.workers` starts and that can die at a named point.

python -m tests.bench.mortal_worker THREADS
"""

from __future__ import annotations

import sys

import django

django.setup()

from tests.faults.launch import prepare  # noqa: E402
from workspaces.management.commands.worker import Command  # noqa: E402

if __name__ == "__main__":
    prepare()
    Command().handle(threads=int(sys.argv[1]), until_idle=False)
