"""Programs of Debian packages that tests start by themselves."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_PATHS = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]


def installed(program: str, *, package: str, folders: str = "") -> Path:
    """Return a program; skip, or fail where CI asks for it, if it is not there.

    `folders` is a pattern of more places to look in, from the root.
    """
    more = sorted(map(str, Path("/").glob(folders)), reverse=True) if folders else []
    found = shutil.which(program, path=os.pathsep.join([*more, *_PATHS]))
    if found is not None:
        return Path(found)
    reason = f"{program} is not installed: run `apt-get install {package}`"
    if os.environ.get("KEYWAY_NO_SKIP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
