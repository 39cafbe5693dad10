"""Limits that hold over all web processes, in a real Redis."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator

import pytest
from django.core.cache import caches
from pytest_django import Settings

from scim import throttle
from tests.conftest import ScimClient
from tests.operations import processes
from tests.real_apps.servers import free_port, running

ASK = """
import django; django.setup()
from scim import throttle
print(sum(throttle.wait_seconds("one-token") == 0 for _ in range(60)))
"""
CACHE = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("KEYWAY_NO_SKIP"):
            pytest.fail("redis-server is missing: apt install redis-server")
        pytest.skip("install redis-server: apt install redis-server")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running(
        command,
        ready_url=f"redis://127.0.0.1:{port}",
        env={},
        log=folder / "log",
        folder=folder,
    ):
        yield f"127.0.0.1:{port}"


@pytest.fixture
def shared(redis: str, settings: Settings) -> Iterator[Settings]:
    settings.CACHES = {"default": {**CACHE, "LOCATION": f"redis://{redis}/0"}}
    settings.CACHE_IS_SHARED = True
    settings.KEYWAY_SCIM_RATE, settings.KEYWAY_SCIM_BURST = 1, 100
    yield settings
    caches["default"].close()


def _wait_for_a_window(seconds: int) -> None:
    """Wait for the next one if the present window of the limit ends too soon."""
    left = seconds - time.time() % seconds
    if left < seconds / 4:
        time.sleep(left)


@pytest.mark.django_db
def test_one_limit_holds_over_two_processes(redis: str, shared: Settings) -> None:
    _wait_for_a_window(100)
    here = sum(throttle.wait_seconds("one-token") == 0 for _ in range(60))
    done = processes.python(
        ASK,
        CACHE_URL=f"rediscache://{redis}/0",
        KEYWAY_SCIM_RATE="1",
        KEYWAY_SCIM_BURST="100",
    )

    assert here == 60
    assert int(done.stdout) == 40


@pytest.mark.django_db
def test_refused_client_hears_how_long(shared: Settings, scim: ScimClient) -> None:
    shared.KEYWAY_SCIM_BURST = 2
    answers = [scim.get("/Users") for _ in range(8)]

    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert 1 <= int(refused[-1].headers["Retry-After"]) <= 2
    assert answers[0].status == 200


def test_cache_that_is_away_refuses_nobody(shared: Settings) -> None:
    shared.CACHES = {"default": {**CACHE, "LOCATION": "redis://127.0.0.1:9/0"}}
    throttle.reset()

    assert throttle.wait_seconds("another-token") == 0
