"""Start the demo app: `python -m integrations.demo_app --port 8001 --data PATH`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from integrations.demo_app.seeds import SERVICE_LOGIN
from integrations.demo_app.server import DemoServer, build

logger = logging.getLogger("demo_app")

_PASSWORD_VARIABLE = "DEMO_APP_SERVICE_PASSWORD"  # noqa: S105


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    arguments = _arguments()
    password = arguments.service_password or os.environ.get(_PASSWORD_VARIABLE, "")
    if not password:
        print(f"Set {_PASSWORD_VARIABLE} to the service account's password.")  # noqa: T201
        return 2
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    arguments.data.parent.mkdir(parents=True, exist_ok=True)
    app = build(arguments.data, service_password=password, faults=arguments.faults)
    server = DemoServer(app, host=arguments.host, port=arguments.port)

    def stop(*_: object) -> None:
        # shutdown() waits for the loop that this very thread is running.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    address = f"http://{arguments.host}:{server.server_port}"
    logger.info("The demo app is at %s (admin: %s).", address, SERVICE_LOGIN)
    with server:
        server.serve_forever(poll_interval=0.1)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo_app", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--data", type=Path, required=True, help="the SQLite file")
    parser.add_argument(
        "--service-password", help=f"better given as {_PASSWORD_VARIABLE}"
    )
    parser.add_argument(
        "--faults", action="store_true", help="let tests make the API fail"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
