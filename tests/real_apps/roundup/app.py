"""A Roundup tracker with its REST API, in one process.

Roundup's own server refuses to run as root, so its WSGI application is served.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import roundup.instance
from roundup.cgi.wsgi_handler import RequestDispatcher
from roundup.password import Password

PORT = int(os.environ["ROUNDUP_PORT"])
HOME = Path(os.environ["ROUNDUP_HOME"])
PASSWORD = os.environ["ROUNDUP_ADMIN_PASSWORD"]


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, *_: object) -> None:
        pass


def install() -> None:
    """Make the tracker, with an administrator `admin`."""
    admin = str(Path(sys.executable).with_name("roundup-admin"))
    settings = {
        "tracker_web": f"http://127.0.0.1:{PORT}/",
        "mail_domain": "tracker.example",
        "mail_host": "127.0.0.1",
        # A test logs in with every call: the tracker's own cost is not its subject.
        "password_pbkdf2_default_rounds": "1000",
    }
    values = ",".join(f"{name}={value}" for name, value in settings.items())
    subprocess.run(
        [admin, "-i", HOME, "install", "classic", "sqlite", values], check=True
    )
    with (HOME / "schema.py").open("a") as schema:
        schema.write(
            '\ndb.security.addRole(name="Triage", description="A role more")\n'
        )
    tracker = roundup.instance.open(str(HOME))
    tracker.init(Password(PASSWORD, config=tracker.config), tx_Source="cli")


if __name__ == "__main__":
    install()
    application = RequestDispatcher(str(HOME))
    with make_server("127.0.0.1", PORT, application, handler_class=Quiet) as server:
        server.serve_forever()
