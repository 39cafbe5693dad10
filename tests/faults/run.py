"""Kill Keyway while it works, and count what was lost or done twice.

    python -m tests.faults.run [--quick] [--seed N] [--only NAME] [--write]

Ends with status 1 if an experiment lost or doubled anything, or if a control did not.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.processes import Cluster
from tests.faults import page
from tests.faults.clients import Idp
from tests.faults.processes import Killer, Product, make_template, running_cluster
from tests.faults.verdict import Verdict, count, drain, judge


@dataclass(frozen=True)
class Experiment:
    """What is killed how often while how many people are provisioned."""

    name: str
    about: str
    people: int
    writes: int = 6
    every: dict[str, float] = field(default_factory=dict)
    """Mean seconds between two kills of `web`, `worker` and `database`."""

    faults: float = 0.06
    point: str = ""
    broken: str = ""
    database: str = ""
    broker: str = ""
    shows: str = ""
    """Of a control: what must come out of it, `lost` or `doubled`."""

    web: int = 2
    drain_seconds: float = 300


ALL = {"web": 4.0, "worker": 1.0, "database": 12.0}
POINTS = (
    "job.claimed",
    "app.before_change",
    "app.after_call",
    "job.before_end",
    "job.ended",
)
FULL = (
    Experiment("all", "everything is killed, the app misbehaves", 680, every=ALL),
    *(
        Experiment(point, f"the worker dies at `{point}`", 60, point=f"{point}:5")
        for point in POINTS
    ),
    Experiment(
        "scim.before_commit",
        "the web server dies before it commits",
        60,
        point="scim.before_commit:8",
    ),
    Experiment(
        "scim.after_commit",
        "the web server dies after it has committed, before it answers",
        60,
        point="scim.after_commit:8",
    ),
)
CELERY = tuple(
    Experiment(
        f"celery-{broker}",
        f"jobs run on Celery with {name}; Celery is killed",
        80,
        3,
        every={"worker": 8.0},
        broker=broker,
    )
    for broker, name in (("redis", "Redis"), ("rabbitmq", "RabbitMQ"))
)
CONTROLS = (
    Experiment(
        "synchronous_commit off",
        "the database acknowledges what it has not saved",
        200,
        1,
        {"database": 4.0},
        database="synchronous_commit = off",
        shows="lost",
        drain_seconds=20,
    ),
    Experiment(
        "two transactions",
        "user and job are committed one after the other",
        200,
        1,
        {"web": 1.0},
        broken="two-transactions",
        shows="lost",
        drain_seconds=60,
    ),
    Experiment(
        "no look-up",
        "an account is created without looking for it",
        100,
        1,
        {"worker": 1.0},
        faults=0.2,
        broken="no-look-up",
        shows="doubled",
        drain_seconds=120,
    ),
)
QUICK = (
    Experiment(
        "all",
        "everything is killed, the app misbehaves",
        60,
        3,
        {"web": 3.0, "worker": 0.7, "database": 4.0},
    ),
    Experiment(
        "no look-up",
        "an account is created without looking for it",
        40,
        1,
        {"worker": 1.0},
        faults=0.2,
        broken="no-look-up",
        shows="doubled",
        drain_seconds=120,
    ),
)


def conduct(
    experiment: Experiment, folder: Path, cluster: Cluster, scim: Any, *, seed: int
) -> Verdict:
    """Run one experiment. What it started is ended."""
    name = experiment.name.replace(" ", "_").replace(".", "_")
    product = Product(
        name,
        folder,
        cluster,
        seed=seed,
        web=experiment.web,
        faults=experiment.faults,
        point=experiment.point,
        broken=experiment.broken,
        database=experiment.database,
        broker=experiment.broker,
    )
    try:
        idp = Idp(scim, product.ports, folder / name / "client.jsonl", seed=seed)
        with Killer(product, seed=seed, every=experiment.every):
            idp.provision(experiment.people, writes=experiment.writes)
        verdict = count(experiment.name, idp)
        verdict.shows = experiment.shows
        with cluster.connect(name) as database:
            verdict.drained = drain(database, seconds=experiment.drain_seconds)
            judge(verdict, idp, database, product.effects)
        deaths = product.kills.copy()
        if product.reached.exists():
            deaths[experiment.point.partition(":")[0]] = len(
                product.reached.read_text().splitlines()
            )
        verdict.kills = ", ".join(f"{n} {kind}" for kind, n in deaths.items())
        if experiment.point and not product.reached.exists():
            verdict.broken.append("the point was never reached")
        return verdict
    finally:
        product.stop()


def run(experiments: tuple[Experiment, ...], *, seed: int) -> list[Verdict]:
    """Run the experiments one after another; print a line for each."""
    print(f"seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="keyway-faults-"))
    verdicts = []
    with running_cluster(folder) as cluster:
        scim = make_template(folder, cluster)
        for experiment in experiments:
            verdict = conduct(experiment, folder, cluster, scim, seed=seed)
            verdicts.append(verdict)
            print(verdict.line(), flush=True)
            if not verdict.is_as_it_should_be:
                found = verdict.lost + verdict.doubled + verdict.broken
                for problem in (*found[:20], *verdict.left_open):
                    print(f"    {problem}", flush=True)
    if all(verdict.is_as_it_should_be for verdict in verdicts):
        shutil.rmtree(folder)
    else:
        print(f"What was written by clients, app and product is in {folder}")
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two experiments only")
    parser.add_argument("--only", action="append", help="the name of an experiment")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--write", action="store_true", help="write the page")
    given = parser.parse_args()
    # Whoever ends this run ends what it has started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = QUICK if given.quick else (*FULL, *CELERY, *CONTROLS)
    if given.only:
        chosen = tuple(e for e in chosen if e.name in given.only)
    verdicts = run(chosen, seed=given.seed)
    if given.write:
        about = {e.name: e.about for e in chosen}
        page.write(about, verdicts, seed=given.seed)
    return 0 if all(v.is_as_it_should_be for v in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
