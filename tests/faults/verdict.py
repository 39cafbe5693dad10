"""Compare what the clients were told with the database and with the app's own file."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.clients import Idp, Person, Tally

JSON = dict[str, Any]
_OPEN = "('queued', 'started', 'running', 'retrying', 'held', 'paused')"


@dataclass
class Verdict:
    """One line of the table, and what is behind its figures."""

    name: str
    sent: int = 0
    acked: int = 0
    lost: list[str] = field(default_factory=list)
    """Acknowledged writes that the database does not hold, or the app not at the end."""

    doubled: list[str] = field(default_factory=list)
    """Creations of one user beyond the first, as the app counted them."""

    broken: list[str] = field(default_factory=list)
    """Whatever else must not be: answers, changes without a row, jobs that vanished."""

    left_open: list[str] = field(default_factory=list)
    """What still waits or runs at the end, and why: where to look first."""

    unacked_but_done: int = 0
    kills: str = ""
    figures: list[str] = field(default_factory=list)
    """What only this experiment measures, in words."""

    p95: float = 0
    longest: float = 0
    pause: float = 0
    drained: float = 0
    shows: str = ""
    """Of a control: `lost` or `doubled`, which it must not be without."""

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.broken)

    @property
    def is_as_it_should_be(self) -> bool:
        """A control that comes out clean shows that the harness sees nothing."""
        if self.shows:
            return bool(getattr(self, self.shows))
        return self.is_clean

    def line(self) -> str:
        ok = "as it should be" if self.is_as_it_should_be else "WRONG"
        return (
            f"{self.name}: sent {self.sent} acked {self.acked} lost {len(self.lost)}"
            f" doubled {len(self.doubled)} unacked but done {self.unacked_but_done}"
            f" p95 {self.p95:.2f} s longest {self.longest:.1f} s pause"
            f" {self.pause:.1f} s drained {self.drained:.0f} s kills {self.kills}"
            f"{''.join(f'; {figure}' for figure in self.figures)}: {ok}"
        )


def count(name: str, idp: Idp) -> Verdict:
    """Return the figures of the clients."""
    tally: Tally = idp.tally
    times = sorted(call.seconds for call in tally.calls) or [0]
    acks = tally.acks
    verdict = Verdict(name, tally.sent, tally.acked)
    verdict.unacked_but_done = tally.unacked_but_done
    verdict.p95, verdict.longest = times[int(len(times) * 0.95)], times[-1]
    pairs = pairwise(acks)
    verdict.pause = max((after - before for before, after in pairs), default=0)
    verdict.broken += tally.wrong
    return verdict


def drain(database: psycopg.Connection, *, seconds: float) -> float:
    """Wait until no job is open; how long that took. The rest is for the verdict."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        row = database.execute(
            f"SELECT count(*) FROM workspaces_job WHERE state IN {_OPEN}"
            " AND kind = 'integrations.provision'"
        ).fetchone()
        if row == (0,):
            break
        time.sleep(0.2)
    return time.monotonic() - begun


def judge(
    verdict: Verdict, idp: Idp, database: psycopg.Connection, effects: Path
) -> None:
    """Fill in what was lost, doubled or broken."""
    stored, memberships = _stored(database), _memberships(database)
    in_app, created = _in_app(effects)
    for person in idp.people:
        if person.refused:
            verdict.lost.append(person.refused)
            continue
        problem = (
            _in_database(person, stored)
            or _in_groups(person, memberships)
            or _at_app(person, in_app)
        )
        if problem:
            verdict.lost.append(f"{person.user_name}: {problem}")
    verdict.doubled += [ref for ref, n in created.items() for _ in range(n - 1)]
    verdict.broken += _inconsistent(database)
    verdict.left_open = _left_open(database)


def _stored(database: psycopg.Connection) -> dict[str, JSON]:
    rows = database.execute(
        "SELECT public_id, document FROM scim_resource WHERE resource_type = 'User'"
    )
    return {public_id: json.loads(document) for public_id, document in rows}


def _memberships(database: psycopg.Connection) -> dict[str, set[str]]:
    """Return the app's ids of the groups in which each user is, by our id."""
    rows = database.execute(
        "SELECT u.public_id, e.external_id FROM scim_groupmember m"
        " JOIN scim_resource u ON u.id = m.member_id"
        " JOIN integrations_appentitlement e ON e.resource_id = m.group_id"
    )
    found: dict[str, set[str]] = {}
    for public_id, group in rows:
        found.setdefault(public_id, set()).add(group)
    return found


def _in_app(effects: Path) -> tuple[dict[str, list[JSON]], Counter[str]]:
    """Replay the app's file: who is there, by our id, and how often each was made."""
    users: dict[int, JSON] = {}
    created: Counter[str] = Counter()
    for line in effects.read_text().splitlines():
        effect = json.loads(line)
        if effect["effect"] == "delete":
            users.pop(effect["id"], None)
            continue
        users[effect["id"]] = effect
        created[effect["external_ref"]] += effect["effect"] == "create"
    by_ref: dict[str, list[JSON]] = {}
    for user in users.values():
        by_ref.setdefault(user["external_ref"], []).append(user)
    return by_ref, created


def _in_database(person: Person, stored: dict[str, JSON]) -> str:
    document = stored.get(person.public_id)
    if person.is_deleted:
        return "deleted, and still in the database" if document else ""
    if document is None:
        return "not in the database"
    wanted = {
        "userName": person.user_name,
        "displayName": person.display_name,
        "active": person.active,
    }
    held = {name: document.get(name) for name in wanted}
    return "" if held == wanted else f"the database has {held}"


def _in_groups(person: Person, memberships: dict[str, set[str]]) -> str:
    held = memberships.get(person.public_id, set())
    wanted = set() if person.is_deleted else person.groups
    return "" if held == wanted else f"the database has the groups {sorted(held)}"


def _at_app(person: Person, in_app: dict[str, list[JSON]]) -> str:
    users = in_app.get(person.public_id, [])
    if person.is_deleted:
        return "deleted, and still in the app" if users else ""
    if not users:
        # Who was inactive before the first job ran never needed an account.
        return "not in the app" if person.active else ""
    if len(users) > 1:
        return f"{len(users)} accounts in the app"
    (user,) = users
    held = (user["login"], user["display_name"], user["active"], user["groups"])
    # Who may not log in holds nothing.
    groups = sorted(map(int, person.groups)) if person.active else []
    wanted = (person.user_name, person.display_name, person.active, groups)
    return "" if held == wanted else f"the app has {held}"


_CHECKS = {
    "job still open or vanished": (
        "SELECT resource_id_public FROM integrations_provisioning p"
        " WHERE applied_version < desired_version AND NOT EXISTS ("
        " SELECT 1 FROM workspaces_job j WHERE j.subject = p.resource_id_public"
        " AND j.state = 'not_completed')"
    ),
    "job given up": (
        "SELECT resource_id_public || ': ' || last_error"
        " FROM integrations_provisioning WHERE state LIKE '%failed'"
    ),
    "user without provisioning": (
        "SELECT public_id FROM scim_resource r WHERE resource_type = 'User'"
        " AND NOT EXISTS (SELECT 1 FROM integrations_provisioning p"
        " WHERE p.resource_id_public = r.public_id)"
    ),
    "version without a change row": (
        "SELECT public_id FROM scim_resource r WHERE version <>"
        " (SELECT count(*) FROM scim_change c WHERE c.resource_id = r.public_id)"
    ),
}


def _inconsistent(database: psycopg.Connection) -> list[str]:
    return [
        f"{what}: {found}"
        for what, statement in _CHECKS.items()
        for (found,) in database.execute(statement)
    ]


def _left_open(database: psycopg.Connection) -> list[str]:
    jobs = database.execute(
        "SELECT state, error, worker, count(*), min(due_at), max(lease_ends_at),"
        " clock_timestamp() FROM workspaces_job"
        f" WHERE state IN {_OPEN} AND kind = 'integrations.provision'"
        " GROUP BY state, error, worker"
    )
    lanes = database.execute(
        "SELECT name, failures, closed_until, reason FROM workspaces_lane"
    )
    workers = database.execute(
        "SELECT name, started_at, seen_at FROM workspaces_workerprocess"
        " ORDER BY seen_at DESC LIMIT 3"
    )
    return [
        f"{what}: {', '.join(map(str, row))}"
        for what, rows in (("jobs", jobs), ("lane", lanes), ("worker", workers))
        for row in rows
    ]
