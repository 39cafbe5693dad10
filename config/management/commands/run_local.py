"""Start everything on this machine: demo app, web server and worker.

One foreground process group: Ctrl-C ends all of it. This is what `make run` runs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from workspaces.demo import DemoLogin, make_demo_login

HOST = "127.0.0.1"
START_SECONDS = 120
STOP_SECONDS = 20

SCREEN = """
  Keyway is ready.

    Portal      {url}
    Log in as   {email}
    Password    {password}

  What to try next

    1. Open Integrations, then Demo app, and press Generate token.
    2. Provision a person as Okta or Entra ID would, from another shell:
         .venv/bin/python manage.py simulate_idp --dialect okta URL TOKEN
    3. Watch the person appear under Users, and in the demo app:
         {app_url}   (log in as svc-keyway, password {service_password})

    4. Open {url}/admin/, the Django admin. It asks for a second factor first:
       Security opens, add a passkey or an authenticator app, once.

  Ctrl-C stops everything. The data stays in {var_dir}.
"""


class Command(BaseCommand):
    """Prepares the database, starts the processes and waits."""

    help = "Start the demo app, the web server and the worker, for this machine only."
    stopping = False

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until one process ends or somebody says stop."""
        if not settings.DEVELOPMENT:
            raise CommandError(
                "run_local is for development. See docs/ for production."
            )
        app_port = settings.PORT + 1
        for port in (settings.PORT, app_port):
            _require_free(port)
        app_url = f"http://{HOST}:{app_port}"
        url = f"http://localhost:{settings.PORT}"
        login = make_demo_login()
        self._prepare(url, app_url)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        processes = _start(url, app_port, login)
        try:
            self._wait_until_ready(url, processes)
            if not self.stopping:
                self.stdout.write(
                    SCREEN.format(
                        url=url,
                        app_url=app_url,
                        email=login.email,
                        password=login.password,
                        service_password=login.service_password,
                        var_dir=os.path.relpath(settings.VAR_DIR),
                    )
                )
                self.stdout.flush()
            self._watch(processes)
        finally:
            _end(processes)

    def _prepare(self, url: str, app_url: str) -> None:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        settings.ADDRESS_FILE.write_text(url, encoding="utf-8")
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("load_catalog", stdout=open(os.devnull, "w"))  # noqa: PTH123, SIM115
        call_command("seed_demo", app_url=app_url)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _wait_until_ready(
        self, url: str, processes: dict[str, subprocess.Popen[bytes]]
    ) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.stopping and time.monotonic() < deadline:
            _require_alive(processes)
            if _answers(f"{url}/healthz"):
                return
            time.sleep(0.2)
        if not self.stopping:
            raise CommandError(f"The web server did not answer at {url}/healthz.")

    def _watch(self, processes: dict[str, subprocess.Popen[bytes]]) -> None:
        while not self.stopping:
            _require_alive(processes)
            time.sleep(0.5)


def _start(
    url: str, app_port: int, login: DemoLogin
) -> dict[str, subprocess.Popen[bytes]]:
    environment = os.environ | {"KEYWAY_PUBLIC_URL": url, "PORT": str(settings.PORT)}
    python = [sys.executable, "-m"]
    data = str(settings.VAR_DIR / "demo-app.sqlite3")
    return {
        "demo app": subprocess.Popen(  # noqa: S603  our own programs
            [*python, "integrations.demo_app", "--port", str(app_port), "--data", data],
            env=os.environ | {"DEMO_APP_SERVICE_PASSWORD": login.service_password},
            cwd=settings.BASE_DIR,
            stdout=subprocess.DEVNULL,
            stderr=(settings.VAR_DIR / "demo-app.log").open("ab"),
            process_group=0,
        ),
        "web server": subprocess.Popen(  # noqa: S603  our own programs
            [
                *python,
                "granian",
                "--interface=wsgi",
                f"--host={HOST}",
                f"--port={settings.PORT}",
                "--blocking-threads=4",
                "--log-level=warning",
                "config.wsgi:application",
            ],
            env=environment,
            cwd=settings.BASE_DIR,
            process_group=0,
        ),
        "worker": subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            env=environment,
            cwd=settings.BASE_DIR,
            process_group=0,
        ),
    }


def _answers(url: str) -> bool:
    with suppress(urllib.error.URLError, TimeoutError):
        urllib.request.urlopen(url, timeout=2).close()  # noqa: S310  our own address
        return True
    return False


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise CommandError(
                f"Port {port} is in use. Choose another, for example: PORT=9000 make run"
            ) from None


def _require_alive(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            raise CommandError(f"The {name} ended with status {process.returncode}.")


def _end(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """Stop every process; one that does not stop in time is killed with its own."""
    for process in processes.values():
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
