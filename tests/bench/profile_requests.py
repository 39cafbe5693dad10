"""Show what a request costs: CPU per request, and the functions that take it.

    python -m tests.bench.profile_requests BASE_URL TOKEN [--top 25] [--ops get,list]

Runs in this process through `config.wsgi`, without HTTP, on the database of the
settings. Without arguments it makes a cluster with 20,000 users for itself.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import itertools
import json
import os
import pstats
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.bench import payloads

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = 200
WARM_UP = 20
PARTS = {
    "database driver": ("psycopg", "sqlite3", "django/db/backends/"),
    "Django ORM": ("django/db/", "django/dispatch"),
    "Django and DRF": ("django/", "rest_framework/", "asgiref/"),
    "scim protocol": ("scim/protocol/", "scim2_models", "pydantic"),
    "scim, tokens": ("scim/", "tokens/"),
    "integrations, workspaces": ("integrations/", "workspaces/"),
}
OTHER = "other"


class Client:
    """Calls the WSGI application as a server does."""

    def __init__(self, base_url: str, token: str) -> None:
        # Sets Django up, which must not happen before the settings are chosen.
        from config.wsgi import application  # noqa: PLC0415

        url = urlsplit(base_url)
        self.application = application
        self.prefix = url.path
        self.environ = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": url.hostname,
            "SERVER_PORT": str(url.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": url.netloc,
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "CONTENT_TYPE": "application/scim+json",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }

    def call(
        self, method: str, path: str, query: str = "", body: payloads.Body | None = None
    ) -> bytes:
        raw = payloads.encode(body) if body is not None else b""
        environ = self.environ | {
            "REQUEST_METHOD": method,
            "PATH_INFO": self.prefix + path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": io.BytesIO(raw),
        }
        statuses: list[str] = []
        response = self.application(environ, lambda status, _: statuses.append(status))
        answer = b"".join(response)
        response.close()
        if not statuses[0].startswith("2"):
            raise SystemExit(f"{method} {path}: {statuses[0]} {answer[:300]!r}")
        return answer


def operations(client: Client) -> dict[str, Callable[[], bytes]]:
    """Return what each operation calls, over the first hundred users."""
    page = json.loads(client.call("GET", "/Users", "startIndex=1&count=100"))
    users = itertools.cycle(page["Resources"])
    flip = itertools.cycle([False, True])

    def get() -> bytes:
        return client.call("GET", f"/Users/{next(users)['id']}")

    def filter_eq() -> bytes:
        eq = f'userName eq "{next(users)["userName"]}"'
        return client.call("GET", "/Users", f"filter={quote(eq)}")

    def list_page() -> bytes:
        return client.call("GET", "/Users", "startIndex=1&count=100")

    def patch() -> bytes:
        body = payloads.patch("replace", "active", next(flip))
        return client.call("PATCH", f"/Users/{page['Resources'][0]['id']}", body=body)

    def post() -> bytes:
        return client.call("POST", "/Users", body=payloads.user(uuid.uuid4().hex))

    return {
        "GET": get,
        "filter": filter_eq,
        "list": list_page,
        "PATCH": patch,
        "POST": post,
    }


def cost(call: Callable[[], Any]) -> tuple[float, float]:
    """Return CPU and time of one call, in microseconds."""
    for _ in range(WARM_UP):
        call()
    cpu, start = time.process_time(), time.perf_counter()
    for _ in range(REQUESTS):
        call()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - start
    return cpu / REQUESTS * 1e6, wall / REQUESTS * 1e6


def profile(call: Callable[[], Any]) -> pstats.Stats:
    """Return the profile of as many calls. It counts CPU, not waiting."""
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    for _ in range(REQUESTS):
        call()
    profiler.disable()
    return pstats.Stats(profiler)


def shares(stats: pstats.Stats) -> dict[str, float]:
    """Return which part of the code takes how much of the time, as parts of 1.

    What a built-in function takes counts for whoever called it.
    """
    seconds: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in stats.stats.items():
        if file == "~":
            for (caller, _, _), (_, _, part, _) in callers.items():
                seconds[_part(caller)] += part
        else:
            seconds[_part(file)] += own
    total = sum(seconds.values())
    return {name: seconds[name] / total for name in (*PARTS, OTHER)}


def _part(file: str) -> str:
    _, _, path = file.replace(str(ROOT), "").rpartition("site-packages/")
    for name, starts in PARTS.items():
        if path.lstrip("/").startswith(starts):
            return name
    return OTHER


def table(base_url: str, token: str) -> list[list[str]]:
    """Return a row for each operation: CPU, time, shares."""
    rows = [["request", "CPU µs", "time µs", *PARTS, OTHER]]
    for name, call in operations(Client(base_url, token)).items():
        cpu, wall = cost(call)
        parts = [f"{share:.0%}" for share in shares(profile(call)).values()]
        rows.append([name, f"{cpu:,.0f}", f"{wall:,.0f}", *parts])
    return rows


def show(base_url: str, token: str, wanted: list[str], top: int) -> None:
    """Print CPU per request and the functions that take most."""
    for name, call in operations(Client(base_url, token)).items():
        if wanted and name not in wanted:
            continue
        cpu, wall = cost(call)
        print(f"\n{name}: CPU {cpu:,.0f} µs, time {wall:,.0f} µs")
        stats = profile(call)
        for part, share in shares(stats).items():
            print(f"  {share:6.1%}  {part}")
        stats.sort_stats("tottime").print_stats(top)


def _names(text: str) -> list[str]:
    return text.split(",") if text else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url", nargs="?")
    parser.add_argument("token", nargs="?")
    parser.add_argument("--ops", type=_names, default=[])
    parser.add_argument("--top", type=int, default=25)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="Print the table only.")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if options.json:
        print(json.dumps(table(options.base_url, options.token)))
    elif options.base_url:
        show(options.base_url, options.token, options.ops, options.top)
    else:
        _on_own_cluster(options)


def _on_own_cluster(options: argparse.Namespace) -> None:
    from tests.bench import targets  # noqa: PLC0415  needs psycopg

    arguments = ["--top", str(options.top), "--ops", ",".join(options.ops)]
    with targets.bench(keep=False) as bench:
        target = targets.start_keyway(bench, options.users)
        subprocess.run(
            [
                *(sys.executable, "-m", "tests.bench.profile_requests"),
                *(target.base_url, target.token, *arguments),
            ],
            cwd=ROOT,
            env=target.environment,
            check=True,
        )


if __name__ == "__main__":
    main()
