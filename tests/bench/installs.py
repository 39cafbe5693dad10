"""Install the driver's and the peers' packages into `.real-apps/bench-*`.

Each has an environment of its own and a stamp: the checksum of what it was made
from. What is there and unchanged is left alone.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.processes import ROOT

HERE = Path(__file__).resolve().parent
APPS = ROOT / ".real-apps"


class CannotInstall(Exception):
    """The packages of a peer are not to be had here."""


def python_environment(name: str, folder: Path) -> Path:
    """Return the `bin` of an environment with the folder's requirements."""
    requirements = folder / "requirements.txt"
    target = APPS / f"bench-{name}"

    def install() -> None:
        _run(sys.executable, "-m", "venv", target)
        _run(
            *(target / "bin/python", "-m", "pip", "install", "--quiet"),
            *("--disable-pip-version-check", "--require-hashes"),
            *("--requirement", requirements),
        )

    _once(target, [requirements], install)
    return target / "bin"


def node_folder(name: str, folder: Path) -> Path:
    """Return a folder with the peer's files and its `node_modules`."""
    target = APPS / f"bench-{name}"
    files = sorted(path for path in folder.iterdir() if path.is_file())

    def install() -> None:
        target.mkdir(parents=True)
        for path in files:
            shutil.copy(path, target)
        _run("npm", "ci", "--silent", "--ignore-scripts", "--prefix", target)

    _once(target, files, install)
    return target


def _once(target: Path, sources: list[Path], install: Callable[[], None]) -> None:
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources))
    stamp, wanted = target / "bench.stamp", digest.hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(target, ignore_errors=True)
    print(f"Installing {target.name}", flush=True)
    try:
        install()
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotInstall(f"{target.name}: {error}") from error
    stamp.write_text(wanted)


def _run(*command: str | Path) -> None:
    subprocess.run(list(map(str, command)), check=True)
