"""A Wagtail of the tests, started on a copy of a database that is made once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real_apps.servers import free_port, running

USERNAME = "svc-keyway"
PASSWORD = "pass-of-wagtail-1"
_APP = Path(__file__).parent / "wagtail" / "app.py"


@contextmanager
def running_wagtail(python: Path, folder: Path) -> Iterator[str]:
    """Run a new Wagtail with its data in `folder`; give its address."""
    data = folder / "wagtail.sqlite3"
    shutil.copy(_pristine(python, folder), data)
    port = free_port()
    with running(
        [str(python), str(_APP), str(port)],
        ready_url=f"http://127.0.0.1:{port}/admin/login/",
        env=_environment(data),
        log=folder / "server.log",
        seconds=120,
    ):
        yield f"http://127.0.0.1:{port}"


def _pristine(python: Path, folder: Path) -> Path:
    """Return the migrated database, which lies beside the installation it is for."""
    pristine = python.parents[1] / "pristine.sqlite3"
    if not pristine.exists():
        # Made aside and renamed: other test processes look for it too.
        made = folder / "pristine.sqlite3"
        command = [str(python), str(_APP), "prepare"]
        subprocess.run(command, env=_environment(made), check=True, timeout=300)
        partial = pristine.with_name(f"pristine.{folder.parent.name}.{folder.name}")
        shutil.copy(made, partial)
        partial.rename(pristine)
    return pristine


def _environment(data: Path) -> dict[str, str]:
    return {
        "WAGTAIL_DATA": str(data),
        "WAGTAIL_USERNAME": USERNAME,
        "WAGTAIL_PASSWORD": PASSWORD,
    }
