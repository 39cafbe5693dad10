"""Kill Keyway while it works, and count what was lost or done twice.

    python -m tests.faults.run [--quick] [--seed N] [--only NAME] [--write]

Ends with status 1 if an experiment lost or doubled anything, or if a control did not.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.processes import Cluster, NotStarted
from tests.faults import page
from tests.faults.clients import Idp
from tests.faults.disks import small_disk
from tests.faults.experiments import FULL, QUICK, SOAK, Experiment
from tests.faults.processes import Product, make_template, running_cluster
from tests.faults.scene import Scene, beside
from tests.faults.verdict import Verdict, count, drain, judge


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
        workers=experiment.workers,
        faults=experiment.faults,
        point=experiment.point,
        broken=experiment.broken,
        database=experiment.database,
        broker=experiment.broker,
        settings=experiment.settings,
    )
    try:
        idp = Idp(scim, product.ports, folder / name / "client.jsonl", seed=seed)
        scene = Scene(product, idp, random.Random(seed))
        with beside(experiment.trouble, scene):
            idp.provision(
                experiment.people, writes=experiment.writes, pause=experiment.pause
            )
        verdict = count(experiment.name, idp)
        verdict.shows, verdict.figures = experiment.shows, scene.figures
        verdict.broken += scene.wrong
        with cluster.connect(name) as database:
            verdict.drained = drain(database, seconds=experiment.drain_seconds)
            judge(verdict, idp, database, product.effects)
        if experiment.verifies_audit:
            verdict.broken += product.broken_audit()
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


def conduct_on_small_disk(
    experiment: Experiment, folder: Path, *, seed: int
) -> Verdict:
    """Run an experiment with a database that has a disk of its own."""
    # What clients and app write down is elsewhere: they are the witnesses.
    beside_it = folder / "with_small_disk"
    beside_it.mkdir(mode=0o711)
    with (
        small_disk(beside_it / "disk", experiment.disk_mb) as disk,
        running_cluster(disk) as cluster,
    ):
        scim = make_template(beside_it, cluster)
        return conduct(experiment, beside_it, cluster, scim, seed=seed)


def run(experiments: tuple[Experiment, ...], *, seed: int) -> list[Verdict]:
    """Run the experiments one after another; print a line for each."""
    print(f"seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="keyway-faults-"))
    verdicts = []
    with running_cluster(folder) as cluster:
        scim = make_template(folder, cluster)
        for experiment in experiments:
            try:
                if experiment.disk_mb:
                    verdict = conduct_on_small_disk(experiment, folder, seed=seed)
                else:
                    verdict = conduct(experiment, folder, cluster, scim, seed=seed)
            except NotStarted as error:
                print(f"{experiment.name}: skipped. {error}", flush=True)
                continue
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
    chosen = QUICK if given.quick else FULL
    if given.only:
        chosen = tuple(e for e in (*FULL, SOAK) if e.name in given.only)
    verdicts = run(chosen, seed=given.seed)
    if given.write:
        about = {e.name: e.about for e in chosen}
        page.write(about, verdicts, seed=given.seed)
    return 0 if all(v.is_as_it_should_be for v in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
