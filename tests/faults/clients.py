"""Clients that behave like an IdP: they repeat each write until it is answered.

Each says in a file what it is about to send, and then what came back. One user is
in the hands of one thread, so that what was acknowledged last is what should hold.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

HOST = "127.0.0.1"
JSON = dict[str, Any]
PAUSE = 0.15
"""Mean seconds between two writes of a client, so that there is time to kill; an
experiment can ask for longer ones."""

HANG_UPS = 0.03
"""Of so many requests a client hangs up before the answer."""

PATIENCE = 90
"""Seconds after which a client gives a write up: far longer than any outage here."""


@dataclass
class Person:
    """What the IdP knows of a user: what was acknowledged last."""

    number: int
    user_name: str
    display_name: str = ""
    active: bool = True
    is_deleted: bool = False
    groups: set[str] = field(default_factory=set)
    """Ids of the groups in the app."""

    public_id: str = ""
    refused: str = ""
    """Why a write that had to work did not: the person is not followed further."""


@dataclass(frozen=True)
class Call:
    """One request and its answer."""

    at: float
    """When it was sent, by the monotonic clock."""

    seconds: float
    path: str


@dataclass
class Tally:
    """Figures of all clients together."""

    sent: int = 0
    acked: int = 0
    unanswered: int = 0
    """Calls without an answer, but for those of which the client hung up."""

    unacked_but_done: int = 0
    given_up: int = 0
    calls: list[Call] = field(default_factory=list)
    acks: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Idp:
    """Several threads that provision people."""

    def __init__(
        self, scim: JSON, ports: Sequence[int], log: Path, *, seed: int
    ) -> None:
        self.scim, self.path = scim, urlsplit(scim["base_url"]).path
        self.token, self.groups = scim["token"], scim["groups"]
        self.ports, self.seed = ports, seed
        self.pause = PAUSE
        self.log = log.open("a")
        self.lock = threading.Lock()
        self.tally = Tally()
        self.people: list[Person] = []

    def neighbour(self, log: Path) -> Idp:
        """Return clients of another workspace, which go to the same servers."""
        return Idp(self.scim["neighbour"], self.ports, log, seed=self.seed)

    def provision(
        self, count: int, *, writes: int, threads: int = 6, pause: float = PAUSE
    ) -> None:
        """Create so many people and change each up to `writes` - 1 times.

        `pause` is the mean of the seconds between two writes of a thread.
        """
        self.pause = pause
        self.people = [
            Person(number, f"user{number}@acme.test") for number in range(count)
        ]
        shares = [self.people[part::threads] for part in range(threads)]
        running = [
            threading.Thread(
                target=self._work, args=(share, writes, self.seed + n), daemon=True
            )
            for n, share in enumerate(shares)
        ]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    def _work(self, people: list[Person], writes: int, seed: int) -> None:
        chance = random.Random(seed)
        for person in people:
            time.sleep(chance.uniform(0, 2 * self.pause))
            if not self._create(person, chance):
                continue
            for _ in range(chance.randint(0, writes - 1)):
                time.sleep(chance.uniform(0, 2 * self.pause))
                if not self._change(person, chance):
                    break

    def _create(self, person: Person, chance: random.Random) -> bool:
        wish = {"userName": person.user_name, "active": True}
        wish |= {"displayName": f"Person {person.number}"}
        for status, answer, is_first in self._attempts("POST", "/Users", wish, chance):
            if status == 201:
                person.public_id = answer["id"]
            elif status == 409:
                # As an IdP does: what exists already is looked for by its name.
                person.public_id = self._find(person.user_name, chance)
                self.tally.unacked_but_done += 1
                if is_first or not person.public_id:
                    return self._refused(person, "create", status)
            elif status < 500:
                return self._refused(person, "create", status)
            else:
                continue
            person.display_name = wish["displayName"]
            return self._acked()
        return self._gave_up(person)

    def _change(self, person: Person, chance: random.Random) -> bool:
        """Send one change at random. False if the person is not to be followed."""
        kinds = ["name", "name", "active", "rename", "group", "group", "group"]
        kind = chance.choice([*kinds, "delete"])
        if kind == "delete":
            return self._delete(person, chance)
        if kind == "group":
            return self._change_group(person, chance)
        version = chance.randrange(10**6)
        wish: JSON = {"displayName": f"Person {person.number} v{version}"}
        if kind == "active":
            wish = {"active": not person.active}
        elif kind == "rename":
            wish = {"userName": f"user{person.number}.{version}@acme.test"}
        path, body = (
            f"/Users/{person.public_id}",
            _patch({"op": "replace", "value": wish}),
        )
        for status, _, _ in self._attempts("PATCH", path, body, chance):
            if status == 200:
                person.display_name = wish.get("displayName", person.display_name)
                person.active = wish.get("active", person.active)
                person.user_name = wish.get("userName", person.user_name)
                return self._acked()
            if status < 500:
                return self._refused(person, kind, status)
        return self._gave_up(person)

    def _change_group(self, person: Person, chance: random.Random) -> bool:
        """Put the person into a group, or take them out of it."""
        group = chance.choice(sorted(self.groups))
        change: JSON = {"op": "add", "path": "members"}
        change["value"] = [{"value": person.public_id}]
        if group in person.groups:
            path = f'members[value eq "{person.public_id}"]'
            change = {"op": "remove", "path": path}
        path = f"/Groups/{self.groups[group]}"
        for status, _, _ in self._attempts("PATCH", path, _patch(change), chance):
            if status in {200, 204}:
                person.groups ^= {group}
                return self._acked()
            if status < 500:
                return self._refused(person, "group", status)
        return self._gave_up(person)

    def _delete(self, person: Person, chance: random.Random) -> bool:
        path = f"/Users/{person.public_id}"
        for status, _, is_first in self._attempts("DELETE", path, None, chance):
            if status == 204 or (status == 404 and not is_first):
                person.is_deleted = True
                self._acked()
                return False
            if status < 500:
                return self._refused(person, "delete", status)
        return self._gave_up(person)

    def _find(self, user_name: str, chance: random.Random) -> str:
        wanted = quote(f'userName eq "{user_name}"')
        path = f"/Users?filter={wanted}"
        for status, answer, _ in self._attempts("GET", path, None, chance):
            if status == 200:
                found = answer["Resources"]
                return found[0]["id"] if found else ""
        return ""

    def _attempts(
        self, method: str, path: str, body: JSON | None, chance: random.Random
    ) -> Iterator[tuple[int, JSON, bool]]:
        """Yield status, answer and whether this is the first attempt.

        No answer counts as 599. Ends when the patience does.
        """
        ends_at = time.monotonic() + PATIENCE
        is_first = True
        while time.monotonic() < ends_at:
            key = f"{chance.getrandbits(64):x}"
            self._note({"key": key, "method": method, "path": path, "body": body})
            begun = time.monotonic()
            hangs_up = chance.random() < HANG_UPS
            port = chance.choice(self.ports)
            status, answer = self._send(method, path, body, port, hangs_up=hangs_up)
            with self.lock:
                self.tally.sent += 1
                seconds = time.monotonic() - begun
                self.tally.calls.append(Call(begun, seconds, path))
                self.tally.unanswered += status == 599 and not hangs_up
                if 500 <= status < 599 and status != 503:
                    self.tally.wrong.append(f"{method} {path}: {status}")
            self._note({"key": key, "status": status})
            yield status, answer, is_first
            is_first = False
            time.sleep(chance.uniform(0.05, 0.3))

    def _send(
        self, method: str, path: str, body: JSON | None, port: int, *, hangs_up: bool
    ) -> tuple[int, JSON]:
        connection = http.client.HTTPConnection(HOST, port, timeout=15)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/scim+json",
        }
        content = None if body is None else json.dumps(body)
        try:
            connection.request(method, self.path + path, content, headers)
            if hangs_up:
                return 599, {}
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else {}
        except (OSError, http.client.HTTPException, ValueError):
            return 599, {}
        finally:
            connection.close()

    def _note(self, line: JSON) -> None:
        with self.lock:
            self.log.write(json.dumps({"at": time.time(), **line}) + "\n")
            self.log.flush()

    def _acked(self) -> bool:
        with self.lock:
            self.tally.acked += 1
            self.tally.acks.append(time.monotonic())
        return True

    def _refused(self, person: Person, act: str, status: int) -> bool:
        person.refused = f"{act} of {person.user_name}: {status}"
        return False

    def _gave_up(self, person: Person) -> bool:
        person.refused = f"{person.user_name}: no answer in {PATIENCE} s"
        with self.lock:
            self.tally.given_up += 1
        return False


def _patch(operation: JSON) -> JSON:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [operation],
    }
