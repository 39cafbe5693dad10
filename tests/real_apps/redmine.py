"""A Redmine of the tests: Debian's package, on a database of its own.

`install.sh redmine` makes the seeded database once; each start works on a copy.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.real_apps.servers import REPOSITORY, free_port, running

USERNAME = "admin"
PASSWORD = "pass-of-redmine-1"
"""As in `redmine_seeds.rb`."""

INSTALLED = REPOSITORY / ".real-apps" / "redmine"
_CODE = Path("/usr/share/redmine")


def restore(folder: Path) -> None:
    """Give the Redmine that runs on `folder` its seeds again, and nothing else."""
    with (
        closing(sqlite3.connect(INSTALLED / "pristine.sqlite3")) as pristine,
        closing(sqlite3.connect(folder / "redmine.sqlite3")) as live,
    ):
        pristine.backup(live)


@contextmanager
def running_redmine(folder: Path) -> Iterator[str]:
    """Run a new Redmine with its data in `folder`; give its address."""
    shutil.copytree(INSTALLED / "instance", folder / "instance")
    shutil.copy(INSTALLED / "pristine.sqlite3", folder / "redmine.sqlite3")
    address = f"127.0.0.1:{free_port()}"
    command = ["puma", "--environment", "production", "--threads", "1:3"]
    with running(
        [*command, "--bind", f"tcp://{address}", str(_CODE / "config.ru")],
        ready_url=f"http://{address}/login",
        env={
            "BUNDLE_GEMFILE": str((INSTALLED / "Gemfile").resolve()),
            "RAILS_ENV": "production",
            "RAILS_SERVE_STATIC_FILES": "1",
            # Rails reads this too: Keyway's own must not reach it.
            "DATABASE_URL": f"sqlite3:{folder / 'redmine.sqlite3'}",
            # Debian's Redmine looks for its instance below this folder only.
            "REDMINE_INSTANCE": os.path.relpath(
                folder / "instance", _CODE / "instances"
            ),
        },
        log=folder / "server.log",
        folder=_CODE,
        seconds=120,
    ):
        yield f"http://{address}"
