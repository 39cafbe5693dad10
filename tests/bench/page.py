"""Write docs/reference/benchmark.md from the last run.

python -m tests.bench.page
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.bench import results
from tests.bench.results import markdown

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/benchmark.md"
LAST = ROOT / "var/bench.json"
"""What the last run measured. Nobody's repository needs it."""

QUIET = 0.2
NOT_HERE = "scimgateway, which npm did not have under this name"
Report = dict[str, Any]

PORTAL_HEAD = "## Pages of the portal\n"
PORTAL = f"""\
{PORTAL_HEAD}
Written by `.venv/bin/python -m tests.bench.portal_pages --write`. One workspace has {{integrations}} integrations, each with a token
and {{people}} user, request and job. Times are CPU of the server: middleware, view, template and database, on {{database}}; {{rounds}} requests
one after the other. A page should take {{limit}} ms at most.

{{table}}
"""

HEAD = """\
# Benchmark

Written by `tests/bench/page.py` from a run of {when}. Requests per second alone say little: they change with the machine and
with what else it does. The ratios hold, because each operation runs on every server in turn before the next one begins.

{noise}

## How to repeat

```
make bench                 # 1,000 and 20,000 users, three rounds of three seconds a cell
make bench b="--quick"     # 2,000 users, one second a cell: only to see that it works
make bench b="--users 1000,20000,100000,1000000 --write"
```

`b` takes: `--users`, `--peers` (names, or `none`), `--ops`, `--duration` (seconds a cell), `--rounds`, `--concurrency`, `--keep`
(leaves logs and database in the temporary folder) and `--write` (this page). It needs PostgreSQL's programs and, for scimmy,
node. This run took {minutes} minutes. The peers are installed into `.real-apps` at the versions that `tests/bench/peers` fixes.

`.venv/bin/python -m tests.bench.profile_requests --top 25` shows where the time of one request goes, function by function.

`.venv/bin/python -m tests.bench.import_users` saves what a sync of 10,000 users has read, once as new and once as known, and prints the
time and the queries of each; `DATABASE_URL` says on which database. On 2026-11-22 on PostgreSQL 15, while the two cores had very much
else to do (load 20; the three rounds took 32 s of CPU in all):

| 10,000 users in 20 groups | s | queries | queries a user |
| --- | ---: | ---: | ---: |
| first import | 288.0 | 25,749 | 2.6 |
| second import, nothing new | 35.6 | 985 | 0.1 |
| look for drift | 0.1 | 2 | 0.0 |

## What was measured

{machine}

- Every server is a process of its own on loopback, without a proxy, and one at a time is loaded; the driver keeps {concurrency} connections busy, {duration} s a cell, {rounds}
  round{s}. What is shown is the median of the rounds.
- Keyway: granian, WSGI, two workers of four threads, as in [production](../howto/production.md), but with `KEYWAY_SCIM_RATE=0`: the
  limit of a token is not what is measured. Requests are recorded as usual. There is no worker process, so provisioning stays
  queued. Users are copies of a row that `scim.store` wrote, not made by POST.
- floor: raw WSGI and psycopg on granian with the same workers, doing the same SQL and nothing else (`tests/bench/floors`). It is what
  this machine could reach in Python, not a SCIM server.
- django-scim2: gunicorn, two workers of four threads, the same PostgreSQL. scim2-server and scimmy keep everything in memory and
  are one process each. Peers check one token in memory, with no query.
- CPU is that of a whole process tree, per request; "database" is the PostgreSQL cluster, which only one server uses at a time.
- Before measuring, each server is asked once whether its answers are right. Wrong were: {wrong}.
- PostgreSQL: {postgres}.
- Not compared: {missing}.
"""


def machine(versions: dict[str, str]) -> dict[str, str]:
    """Return what identifies the kind of machine, and no machine."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "CPU": f"{cpu[1].strip() if cpu else platform.machine()}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "node": _said("node", "--version").removeprefix("v"),
        "commit": _said("git", "describe", "--always", "--dirty"),
        **versions,
    }


def _said(*command: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def write(report: Report) -> None:
    """Write the page; what another program measured stays."""
    kept = portal_section(PAGE.read_text() if PAGE.exists() else "")
    text = "\n".join([_head(report), *_sections(report)])
    PAGE.write_text(f"{text}\n\n{kept}" if kept else f"{text}\n")


def portal_section(text: str) -> str:
    """Return the last section of the page, empty if it has none yet."""
    return text[text.index(PORTAL_HEAD) :] if PORTAL_HEAD in text else ""


def _head(report: Report) -> str:
    runs = [*report["runs"], *filter(None, [report["growth"]])]
    wrong = {text for run in runs for text in results.wrong_answers(run)}
    options = report["options"]
    facts = [["", ""], *map(list, report["machine"].items())]
    return HEAD.format(
        when=report["when"],
        minutes=max(1, round(report["seconds"] / 60)),
        noise=_noise(report),
        machine=markdown(facts).replace("---:", "---"),
        concurrency=options["concurrency"],
        duration=f"{options['duration']:g}",
        rounds=options["rounds"],
        s="" if options["rounds"] == 1 else "s",
        wrong="; ".join(sorted(wrong)) or "none",
        missing="; ".join([*report["missing"], NOT_HERE]),
        postgres=", ".join(f"`{k}={v}`" for k, v in report["postgres"].items()),
    )


def _noise(report: Report) -> str:
    usual, worst = map(max, zip(*map(results.disturbance, report["runs"]), strict=True))
    text = (
        f"Other programs took {usual:.2f} cores of the machine in the median cell and "
        f"{worst:.2f} in the worst."
    )
    if usual > QUIET:
        text += (
            " **The machine was not quiet:** requests/s and percentiles are too bad "
            "for every server; trust the ratios and the CPU per request."
        )
    return text


def _sections(report: Report) -> list[str]:
    sections: list[str] = []
    compared = [run for run in report["runs"] if len(run["targets"]) > 1]
    for run in reversed(compared):
        users = run["targets"][0]["users"]
        title = (
            f"## Ratios at {users:,} users: Keyway's requests/s divided by another's"
        )
        sections += [title, "", markdown(results.compared(run)), ""]
    sections += _growth(report)
    for run in report["runs"]:
        users = run["targets"][0]["users"]
        sections += [f"## Figures at {users:,} users", ""]
        sections += [markdown(results.measured(run)), ""]
    if report["profile"]:
        sections += [PROFILE, markdown(report["profile"])]
    return sections


def _growth(report: Report) -> list[str]:
    sections = ["## As the directory grows", ""]
    if report["growth"]:
        sections += [GROWTH, markdown(results.growth(report["growth"])), ""]
    for run in report["runs"]:
        found = results.group_growth(run)
        if found is not None:
            users = run["targets"][0]["users"]
            sections += [
                f"Adding a member to a group of 10,000 against one of 1,000, at {users:,} users: {found}.",
                "",
            ]
    return sections


GROWTH = """\
Throughput relative to the smallest directory, one server a size, cells in turn. A page shows the groups of its users: from 20,000
users on, those of the first page are in two groups more, of 1,000 and of 10,000, each read and written into the answer.
"""
PROFILE = """\
## Where the time of a request goes

Keyway alone, in one process without HTTP, on the largest directory: CPU per request in microseconds, and the share of each part
of the code under the profiler, which makes Python look dearer than it is.

Why targets are missed: half of a read is the frameworks (Django's handler and signals, DRF's dispatch) and the driver, which the
floor does without or uses bare; the scopes, limits, tolerances and the record of the request are most of the rest. A write makes
seven statements in a transaction where the floor makes two without one: it locks the row, stores it, the Change, what is wanted of
the app and the job that brings it there, counts, and reads the groups that the answer shows. POST and PUT also pay for validation
against the full schema. Each of these is there for a reason other than speed, and none is done twice.
"""


if __name__ == "__main__":
    write(json.loads(LAST.read_text()))
