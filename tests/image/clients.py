"""An IdP and a person who call through the proxy all the time, and count each failure."""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

PAUSE_SECONDS = 0.15
STATIC = re.compile(r'(?:href|src)="(/static/[^"]+)"')
PATCH = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"displayName": "Changed"}}],
}


@dataclass
class Step:
    """What the clients saw while something was done."""

    what: str
    seconds: float = 0
    requests: int = 0
    failed: list[str] = field(default_factory=list)
    longest: float = 0
    """Seconds."""

    is_control: bool = False
    """It must fail, or the clients see nothing."""

    def __str__(self) -> str:
        said = f"{self.what}: {self.seconds:.0f} s, {self.requests} requests"
        failures = "".join(f"\n  {problem}" for problem in self.failed[:5])
        return (
            f"{said}, longest {self.longest:.1f} s, failed {len(self.failed)}{failures}"
        )


class Clients:
    """Threads that add, read and change users; one is a browser without a cache.

    Each keeps its connection, and repeats nothing: what fails once has failed.
    """

    def __init__(
        self, url: str, base_url: str, token: str, *, certificates: ssl.SSLContext
    ) -> None:
        self.url, self.base_url, self.token = url, base_url, token
        self.certificates = certificates
        self.acknowledged: list[str] = []
        self.steps: list[Step] = []
        self._step = Step("before")
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def working(self, *, threads: int = 3) -> Iterator[None]:
        """Call while the block lasts."""
        self._stopping.clear()
        running = [
            threading.Thread(target=self._provision, args=(f"{time.time():.0f}-{n}",))
            for n in range(threads)
        ]
        running.append(threading.Thread(target=self._look))
        for thread in running:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in running:
                thread.join()

    @contextmanager
    def step(self, what: str) -> Iterator[Step]:
        """Count what is called while the block lasts under a name of its own."""
        begun = time.monotonic()
        with self._lock:
            self._step = step = Step(what)
        yield step
        with self._lock:
            self._step = Step("between")
        step.seconds = time.monotonic() - begun
        self.steps.append(step)
        print(step)

    def _provision(self, name: str) -> None:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/scim+json",
        }
        number = 0
        with httpx2.Client(
            verify=self.certificates, headers=headers, timeout=30, trust_env=False
        ) as client:
            while not self._stopping.is_set():
                number += 1
                user = {"userName": f"u{name}-{number}@acme.test"}
                made = self._call(client, "POST", f"{self.base_url}/Users", json=user)
                if made is None:
                    continue
                self.acknowledged.append(user["userName"])
                address = f"{self.base_url}/Users/{made.json()['id']}"
                self._call(client, "GET", address)
                self._call(client, "PATCH", address, json=PATCH)

    def _look(self) -> None:
        with httpx2.Client(
            verify=self.certificates, timeout=30, trust_env=False
        ) as client:
            while not self._stopping.is_set():
                client.cookies.clear()
                page = self._call(client, "GET", f"{self.url}/login/")
                for path in STATIC.findall(page.text if page else ""):
                    self._call(client, "GET", self.url + path)

    def _call(
        self, client: httpx2.Client, method: str, url: str, **given: Any
    ) -> httpx2.Response | None:
        """Return the answer; None if there was none, or not a good one."""
        self._stopping.wait(PAUSE_SECONDS)
        begun, answer, problem = time.monotonic(), None, ""
        try:
            answer = client.request(method, url, **given)
            if not answer.is_success:
                problem = f"{method} {url}: {answer.status_code} {answer.text[:200]}"
        except httpx2.TransportError as error:
            problem = f"{method} {url}: {type(error).__name__}"
        with self._lock:
            step = self._step
            step.requests += 1
            step.longest = max(step.longest, time.monotonic() - begun)
            if problem:
                step.failed.append(problem)
        return None if problem else answer
