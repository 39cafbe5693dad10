"""Everything of compose.yaml in a folder of its own, on a free port of this machine."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real_apps.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
OURS = 10001
"""The user of the image."""

KEPT = {".env", "keyway.env", "postgres.env", "image.yaml", "backups"}
DEPLOYS = ("Dockerfile", ".dockerignore", "compose.yaml", "docs/deploy")

APP_PASSWORD = "the service account's password"
APP_URL = "http://app:8001"

# What differs from a deployment: the port, the network of the app, and the app.
OVERRIDE = """\
x-private: &private
  KEYWAY_ALLOWED_NETWORKS: 10.0.0.0/8,172.16.0.0/12,192.168.0.0/16
services:
  web: {environment: *private}
  worker: {environment: *private}
  manage: {environment: *private}
  caddy:
    ports: !override ["127.0.0.1:${PORT}:443"]
  app:
    image: keyway
    command: [python, -m, integrations.demo_app, --host, "0.0.0.0", --data, /tmp/app]
    environment: {DEMO_APP_SERVICE_PASSWORD: "%s"}
    read_only: true
    tmpfs: [/tmp]
    healthcheck: {disable: true}
    networks: [outside]
"""


class Failed(Exception):
    """A command did not do its work; says which, and the end of what it printed."""


@dataclass(frozen=True)
class Stack:
    """A checkout with its settings, and the containers that came of it."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def lay(self, ref: str, *, deployed_by: str = "") -> None:
        """Put the files of a commit where those of another one were.

        `deployed_by` is the commit from which the files to deploy with are, if that
        is another one.
        """
        for path in self.folder.iterdir():
            if path.name not in KEPT:
                self._run("rm", "-r", path.name)
        self._unpack(ref)
        if deployed_by:
            self._unpack(deployed_by, *DEPLOYS)

    def _unpack(self, ref: str, *paths: str) -> None:
        packed = self._run("git", "-C", str(ROOT), "archive", ref, *paths)
        self._run("tar", "-x", given=packed)

    def compose(self, *arguments: str, given: bytes = b"") -> str:
        return self._run("docker", "compose", *arguments, given=given).decode()

    def manage(self, *arguments: str, given: bytes = b"", **environment: str) -> str:
        """Run a command of manage.py as the documentation says."""
        options = [f"--env={name}={value}" for name, value in environment.items()]
        command = ("run", "--rm", "-T", *options, "manage", *arguments)
        return self.compose(*command, given=given)

    def follow(self, page: str, heading: str, *, block: int = 0) -> None:
        """Do what a page of the documentation says below a heading, word for word."""
        text = (ROOT / "docs/howto" / page).read_text()
        section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        blocks = re.findall(r"```sh\n(.+?)```", section, re.DOTALL)
        if len(blocks) <= block:
            raise Failed(f"{page} has no block {block + 1} of commands: {heading}")
        # There is no terminal, and root needs no sudo.
        script = blocks[block].replace("run --rm", "run --rm -T")
        if os.geteuid() == 0:
            script = script.replace("sudo ", "")
        self._run("sh", "-e", "-c", script)

    def containers(self, service: str) -> list[str]:
        """Return the names of what runs, the oldest first."""
        found = self.compose("ps", "--format", "{{.Name}}", service).split()
        return sorted(found, key=lambda name: int(name.rpartition("-")[2]))

    def docker(self, *arguments: str) -> str:
        return self._run("docker", *arguments).decode()

    def _run(self, *command: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            command, cwd=self.folder, input=given, capture_output=True, check=False
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")[-3000:]
            raise Failed(f"{' '.join(command)[:300]}\n{said}")
        return done.stdout


@contextmanager
def stack(folder: Path, *, keep: bool) -> Iterator[Stack]:
    """Write the settings as production.md says; at the end nothing is left."""
    made = Stack(folder, free_port())
    _write_settings(made)
    try:
        yield made
    finally:
        if keep:
            print(f"The containers are left: docker compose in {folder}")
        else:
            made.compose("--profile", "*", "down", "--volumes", "--timeout", "5")
            shutil.rmtree(folder)


def _write_settings(made: Stack) -> None:
    def key() -> str:
        return "1:" + base64.b64encode(secrets.token_bytes(32)).decode()

    password = secrets.token_hex(32)
    files = {
        ".env": {
            "KEYWAY_HOST": "localhost",
            "PORT": made.port,
            "COMPOSE_FILE": "compose.yaml:image.yaml",
            "COMPOSE_PROJECT_NAME": "keyway-image",
        },
        "postgres.env": {
            "POSTGRES_USER": "keyway",
            "POSTGRES_PASSWORD": password,
            "POSTGRES_DB": "keyway",
        },
        "keyway.env": {
            "KEYWAY_PUBLIC_URL": made.url,
            "KEYWAY_SECRET_KEY": secrets.token_hex(32),
            "KEYWAY_ENCRYPTION_KEYS": key(),
            "KEYWAY_TOKEN_KEYS": key(),
            "KEYWAY_EMAIL_URL": "consolemail://",
            "DATABASE_URL": f"postgres://keyway:{password}@db/keyway",
        },
    }
    for name, values in files.items():
        lines = [f"{key}={value}\n" for key, value in values.items()]
        file = made.folder / name
        file.touch(mode=0o600)
        file.write_text("".join(lines))
    (made.folder / "image.yaml").write_text(OVERRIDE % APP_PASSWORD)
