"""Load several SCIM servers in turn and write what was measured as JSON.

    python -m tests.bench.driver TARGETS.json --json OUT.json

Every cell (one operation) runs on each target before the next begins, and the
order rotates between rounds. The ratio of two targets then holds even when the
machine's speed drifts. The file of targets is a list of

    {"name": "keyway", "base_url": "http://127.0.0.1:1/v2", "token": "…",
     "users": 20000, "state": "keyway.json",
     "pids": {"server": [101], "db": [99]}}

`pids` are roots of process trees whose CPU time is read. `state` keeps the ids
of the preload; a file that is there already stands for users who are, too.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import cpu, operations, payloads, probe
from tests.bench.wire import Cell, Wire

PRELOAD_BATCH = 5_000
MEMBER_BATCH = 500
PILOT_SECONDS = 0.3
Measured = dict[str, Any]


class Target:
    """One server, its users and its groups."""

    def __init__(self, spec: dict[str, Any], rounds: int) -> None:
        self.name: str = spec["name"]
        self.users: int = spec["users"]
        self.pids: dict[str, list[int]] = spec["pids"]
        self.state = Path(spec["state"])
        self.wire = Wire(spec["base_url"], spec["token"])
        self.rounds = rounds
        self.run_id = f"{int(time.time()):x}{random.randrange(4096):03x}"
        self.user_ids: list[str] = []
        self.user_names: list[str] = []
        self.groups: dict[str, list[str]] = {}
        self.members_used: dict[str, int] = {}
        self.wrong: list[str] = []
        self.warm: set[str] = set()
        self._number = 0

    def with_token(self, token: str) -> Target:
        other = copy.copy(self)
        other.wire = Wire(self.wire.base_url, token)
        return other

    # What operations are made of

    def pick(self) -> list[int]:
        return operations.sample(self.users)

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def next_member(self, size: str) -> str:
        used = self.members_used[size]
        self.members_used[size] = used + 1
        return self.user_ids[used % len(self.user_ids)]

    # Single calls

    def call(
        self, method: str, path: str, body: payloads.Body | None = None
    ) -> tuple[int, Any]:
        raw = None if body is None else payloads.encode(body)
        request = self.wire.request(method, path, raw)
        cell = Cell(self.wire, iter([request]), 1, keep=True).run()
        if not cell.bodies:
            return 0, None
        status, answer = cell.bodies[0]
        try:
            return status, json.loads(answer) if answer else None
        except ValueError:
            return status, None

    def member_count(self, group: str) -> int:
        _, body = self.call("GET", f"/Groups/{group}")
        return len((body or {}).get("members") or [])

    # Before measuring

    def prepare(self) -> None:
        """Fill the server, unless the state says that it is full, and check it."""
        if self.state.exists():
            self._read_state()
        else:
            self._create_users()
        for size, members in operations.GROUP_SIZES.items():
            if self.users > members and size not in self.groups:
                for number in range(operations.GROUPS[size]):
                    self._create_group(size, number, members)
        self.wrong = probe.wrong_answers(self)
        say(f"{self.name}: {self.wrong or 'every answer is right'}")
        self.save_state()

    def _read_state(self) -> None:
        state = json.loads(self.state.read_text())
        self.user_ids, self.user_names = state["user_ids"], state["user_names"]
        self.groups = state.get("groups", {})
        self.members_used = state.get("members_used", {})

    def save_state(self) -> None:
        names = ("user_ids", "user_names", "groups", "members_used")
        self.state.write_text(json.dumps({name: getattr(self, name) for name in names}))

    def _create_users(self) -> None:
        names = [f"u{self.run_id}-{number:07d}" for number in range(self.users)]
        ids: dict[str, str] = {}
        for start in range(0, self.users, PRELOAD_BATCH):
            requests = [
                self.wire.request(
                    "POST", "/Users", payloads.encode(payloads.user(name))
                )
                for name in names[start : start + PRELOAD_BATCH]
            ]
            cell = Cell(self.wire, iter(requests), 8, keep=True).run()
            for status, body in cell.bodies:
                if status != 201:
                    raise SystemExit(f"{self.name}: preload {status} {body[:300]!r}")
                user = json.loads(body)
                ids[user["userName"]] = user["id"]
            say(f"{self.name}: {len(ids)} users, {len(requests) / cell.wall:.0f}/s")
        self.user_names = [payloads.user_name(name) for name in names]
        self.user_ids = [ids[user_name] for user_name in self.user_names]

    def _create_group(self, size: str, number: int, count: int) -> None:
        """Make a group; whoever ignores the members of a POST gets them by PATCH."""
        members = self.user_ids[number * count : (number + 1) * count]
        name = f"bench-{size}-{number}-{self.run_id}"
        status, body = self.call("POST", "/Groups", payloads.group(name, members))
        if status != 201:
            status, body = self.call("POST", "/Groups", payloads.group(name, []))
        if status != 201:
            say(f"{self.name}: no group of {count}: {status}")
            return
        public_id = body["id"]
        present = self.member_count(public_id)
        for start in range(present, count, MEMBER_BATCH):
            batch = payloads.add_members(members[start : start + MEMBER_BATCH])
            self.call("PATCH", f"/Groups/{public_id}", batch)
        if self.member_count(public_id) < count:
            say(f"{self.name}: no group of {count}: members are missing")
            return
        self.groups.setdefault(size, []).append(public_id)
        self.members_used[size] = count * operations.GROUPS[size]

    # Measuring

    def measure(self, operation: str, concurrency: int, seconds: float) -> Measured:
        self._warm_up(operation)
        source = operations.requests(self, operation)
        cell = Cell(self.wire, source, concurrency, seconds=seconds)
        before = {label: cpu.of_trees(pids) for label, pids in self.pids.items()}
        machine, own, start = cpu.of_machine(), cpu.of_this_process(), time.monotonic()
        cell.run()
        wall = time.monotonic() - start
        own = cpu.of_this_process() - own
        machine = cpu.of_machine() - machine
        used = {
            label: cpu.of_trees(pids) - before[label]
            for label, pids in self.pids.items()
        }
        return _measured(cell, used) | {
            "op": operation,
            # Cores taken by programs that are neither target nor driver.
            "other_cores": max(0.0, machine - own - sum(used.values())) / wall,
        }

    def _warm_up(self, operation: str) -> None:
        if operation not in self.warm:
            self.warm.add(operation)
            source = operations.requests(self, operation)
            few = (request for request, _ in zip(source, range(20), strict=False))
            Cell(self.wire, few, 2, seconds=PILOT_SECONDS).run()


def _measured(cell: Cell, used: dict[str, float]) -> Measured:
    latencies = sorted(cell.latencies)
    count = max(len(latencies), 1)
    return {
        "n": len(latencies),
        "rps": len(latencies) / cell.wall,
        **{f"p{p}": _percentile(latencies, p) for p in (50, 95, 99)},
        "errors": sum(n for status, n in cell.statuses.items() if status // 100 != 2),
        "statuses": {str(status): n for status, n in cell.statuses.items()},
        "cpu_us": {label: s / count * 1e6 for label, s in used.items()},
    }


def _percentile(ordered: list[float], percent: int) -> float | None:
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def plan(rounds: int, names: list[str]) -> Iterator[tuple[int, str]]:
    """Yield (round, operation). Creating comes last: it makes the store grow."""
    others = [name for name in names if name != "create"]
    last = [name for name in names if name == "create"]
    for some in (others, last):
        for round_ in range(rounds):
            for name in some:
                yield round_, name


def run(targets: list[Target], options: argparse.Namespace) -> list[dict[str, Any]]:
    for target in targets:
        target.prepare()
    cells: dict[str, list[Measured]] = {target.name: [] for target in targets}
    for round_, operation in plan(options.rounds, options.ops):
        shift = round_ % len(targets)
        for target in targets[shift:] + targets[:shift]:
            if not operations.supports(target, operation):
                continue
            cell = target.measure(operation, options.concurrency, options.duration)
            cells[target.name].append(cell | {"round": round_})
            say(
                f"{operation:<16}{target.name:<16}{cell['rps']:>9.1f}/s"
                f"  errors {cell['errors']}"
            )
    for target in targets:
        target.save_state()
    return [
        {
            "name": target.name,
            "users": target.users,
            "wrong": target.wrong,
            "cells": cells[target.name],
        }
        for target in targets
    ]


def say(text: str) -> None:
    print(text, flush=True)


def names(text: str) -> list[str]:
    """Read a list; nothing named is nothing to measure, only to prepare."""
    return text.split(",") if text else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--ops", type=names, required=True)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--duration", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    specs = json.loads(options.targets.read_text())
    targets = [Target(spec, options.rounds) for spec in specs]
    options.json.write_text(json.dumps(run(targets, options), indent=1))


if __name__ == "__main__":
    main()
