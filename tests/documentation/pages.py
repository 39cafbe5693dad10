"""The examples of a page, and a shell to type them into."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_CURL = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }\n'


def blocks(page: Path, language: str) -> list[str]:
    """Return the examples of a page in one language, in their order."""
    found = _BLOCK.findall(page.read_text())
    return [textwrap.dedent(text) for _, name, text in found if name == language]


def require(*commands: str) -> None:
    """Skip where a command is missing, or fail where nothing may be skipped."""
    for command in commands:
        if shutil.which(command) is None:
            problem = f"{command} is not installed: apt-get install {command}"
            if os.environ.get("KEYWAY_NO_SKIP"):
                pytest.fail(problem)
            pytest.skip(problem)


class Shell:
    """Runs one example after another; variables stay, as where somebody types them.

    `stand_for` says what to put in place of the examples' own names and addresses.
    """

    def __init__(
        self, folder: Path, stand_for: Mapping[str, str], env: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.stand_for = dict(stand_for)
        self._env = {"HOME": str(folder), "PATH": os.environ["PATH"], **env}
        self._state = folder / "variables"
        self._state.touch()

    def run(self, example: str) -> str:
        """Return what an example prints. It must succeed, within a minute."""
        for text, instead in self.stand_for.items():
            example = example.replace(text, instead)
        script = (
            f"set -ea\n. {self._state}\n{_CURL}{example}\nexport -p > {self._state}"
        )
        done = subprocess.run(
            ["/bin/sh"],
            input=script,
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{example}\n{done.stdout}{done.stderr}"
        return done.stdout
