"""Measure Keyway and its peers side by side: `make bench`.

Starts a PostgreSQL cluster and every server on ports of their own, on loopback,
fills them, lets the driver load them in turn, prints the tables, ends all of it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench import page, results, targets
from tests.bench.installs import HERE, CannotInstall, python_environment
from tests.bench.operations import GROWTH, OPERATIONS
from tests.bench.processes import POSTGRES_SETTINGS, ROOT, NotStarted
from tests.bench.targets import PEERS, Bench, Target

PEER_LIMIT = 20_000
"""Peers that get slower with every user are spared more."""

QUICK = {"users": [2_000], "duration": 1.0, "rounds": 1}


class Session:
    """One run: what is up, and how the driver is called."""

    def __init__(self, bench: Bench, options: argparse.Namespace) -> None:
        self.bench, self.options = bench, options
        self.driver = python_environment("driver", HERE) / "python"
        self.missing: list[str] = []

    def measure(self, name: str, specs: list[dict[str, Any]], ops: list[str]) -> Any:
        """Have the driver fill what is missing, and measure once that has settled."""
        self._drive(name, specs, [])
        self.bench.cluster.settle()
        return self._drive(name, specs, ops)

    def _drive(self, name: str, specs: list[dict[str, Any]], ops: list[str]) -> Any:
        """Run the driver over running servers and return what it wrote."""
        given, written = (
            self.bench.folder / f"{name}.{kind}" for kind in ("in", "out")
        )
        given.write_text(json.dumps(specs))
        options = self.options
        subprocess.run(
            [
                *(self.driver, "-m", "tests.bench.driver", given, "--json", written),
                *("--ops", ",".join(ops), "--duration", str(options.duration)),
                *("--rounds", str(options.rounds)),
                *("--concurrency", str(options.concurrency)),
            ],
            cwd=ROOT,
            check=True,
        )
        return {"targets": json.loads(written.read_text())}

    def growth(self, ours: list[Target]) -> results.Run | None:
        """Measure our reads at every size in one run, before anything is written."""
        ops = [name for name in GROWTH if name in self.options.ops]
        if len(ours) < 2 or not ops:
            return None
        specs = [
            target.spec(self.bench.cluster, name=f"{target.name}-{target.users}")
            for target in ours
        ]
        return self.measure("growth", specs, ops)

    def compare(self, ours: Target) -> results.Run:
        """Measure our server beside the floor and the peers, all of one size."""
        others = [targets.start_floor(self.bench, ours.users)]
        if ours.users <= PEER_LIMIT:
            others += filter(
                None, (self.peer(p, ours.users) for p in self.options.peers)
            )
        specs = [target.spec(self.bench.cluster) for target in (ours, *others)]
        try:
            return self.measure(f"compare-{ours.users}", specs, self.options.ops)
        finally:
            for target in others:
                self.bench.stop(target.server)

    def peer(self, name: str, users: int) -> Target | None:
        try:
            return PEERS[name](self.bench, users)
        except (CannotInstall, NotStarted, OSError) as error:
            print(f"{name} is left out. {error}", flush=True)
            self.missing.append(name)
            return None

    def profile(self, target: Target) -> results.Table | None:
        """Profile our requests in a process of its own, on a full database."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.bench.profile_requests"),
                *(target.base_url, target.token, "--json"),
            ],
            cwd=ROOT,
            env=target.environment,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
        )
        # Whatever else was measured should not be lost with it.
        return json.loads(done.stdout) if done.returncode == 0 else None


def run(options: argparse.Namespace) -> page.Report:
    """Measure everything that the options ask for."""
    started = time.monotonic()
    with targets.bench(keep=options.keep) as bench:
        session = Session(bench, options)
        ours = [targets.start_keyway(bench, users) for users in options.users]
        growth = session.growth(ours)
        runs = [session.compare(target) for target in ours]
        profile = session.profile(ours[-1])
        return {
            "when": time.strftime("%Y-%m-%d", time.gmtime()),
            "seconds": time.monotonic() - started,
            "options": vars(options),
            "machine": page.machine(versions(bench)),
            "postgres": POSTGRES_SETTINGS,
            "missing": sorted(set(session.missing)),
            "growth": growth,
            "runs": runs,
            "profile": profile,
        }


def versions(bench: Bench) -> dict[str, str]:
    """Return the versions of what was measured."""
    ours = ("django", "djangorestframework", "granian", "psycopg")
    peers = [HERE / "peers/django_scim2", HERE / "peers/scim2_server"]
    pinned = [
        line.partition(" ")[0]
        for folder in peers
        for line in (folder / "requirements.txt").read_text().splitlines()
        if line.startswith(("django-scim2==", "scim2-server==", "gunicorn=="))
    ]
    node = json.loads((HERE / "peers/scimmy/package.json").read_text())["dependencies"]
    return {
        "PostgreSQL": bench.cluster.version.partition(" ")[0],
        "Keyway on": ", ".join(f"{name} {version(name)}" for name in ours),
        "peers": ", ".join(
            [
                *sorted({line.replace("==", " ") for line in pinned}),
                *(f"{name} {number}" for name, number in node.items()),
            ]
        ),
    }


def show(report: page.Report) -> None:
    """Print the tables."""
    for found in report["runs"]:
        users = found["targets"][0]["users"]
        print(f"\n{users:,} users\n\n{results.plain(results.measured(found))}")
        print(
            f"\nRatios at {users:,} users\n\n{results.plain(results.compared(found))}"
        )
        group = results.group_growth(found)
        if group is not None:
            print(f"\nAdding to a group of 10,000 against 1,000: {group}")
        for wrong in results.wrong_answers(found):
            print(f"Wrong answer of {wrong}")
    if report["growth"]:
        print(f"\nGrowth\n\n{results.plain(results.growth(report['growth']))}")
    if report["profile"]:
        print(f"\nProfile\n\n{results.plain(report['profile'])}")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--users", type=_numbers, default=[1_000, 20_000], help="sizes, smallest first")
    add("--peers", type=_peers, default=list(PEERS), help="names, or none")
    add("--ops", type=_names, default=list(OPERATIONS))
    add("--concurrency", type=int, default=8)
    add("--duration", type=float, default=3.0, help="seconds a cell")
    add("--rounds", type=int, default=3)
    add("--quick", action="store_true", help="see that it works; measures little")
    add("--keep", action="store_true", help="leave logs and database")
    add("--write", action="store_true", help="write the page of the documentation")
    options = parser.parse_args(arguments)
    if options.quick:
        vars(options).update(QUICK)
    return options


def _names(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return sorted(int(number) for number in text.split(","))


def _peers(text: str) -> list[str]:
    chosen = [] if text == "none" else _names(text)
    unknown = set(chosen) - set(PEERS)
    if unknown:
        raise argparse.ArgumentTypeError(f"Known are {', '.join(PEERS)}.")
    return chosen


def save(report: page.Report, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1))


def main() -> None:
    options = parse()
    report = run(options)
    save(report, page.LAST)
    show(report)
    if options.write:
        page.write(report)


if __name__ == "__main__":
    main()
