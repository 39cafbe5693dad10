"""A token that calls too often is told to wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scim import throttle
from tests.conftest import ScimClient


@pytest.fixture(autouse=True)
def empty_buckets() -> Iterator[None]:
    throttle.reset()
    yield
    throttle.reset()


def test_burst_then_429_with_retry_after(scim: ScimClient, settings: Any) -> None:
    settings.KEYWAY_SCIM_RATE, settings.KEYWAY_SCIM_BURST = 1, 3

    answers = [scim.get("/Users") for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "1"
    assert answers[-1].body["status"] == "429"


def test_other_tokens_are_unaffected(
    scim: ScimClient, other_scim: ScimClient, settings: Any
) -> None:
    settings.KEYWAY_SCIM_RATE, settings.KEYWAY_SCIM_BURST = 1, 1
    scim.get("/Users")

    assert scim.get("/Users").status == 429
    assert other_scim.get("/Users").status == 200


def test_bucket_refills(settings: Any) -> None:
    settings.KEYWAY_SCIM_RATE, settings.KEYWAY_SCIM_BURST = 10, 1

    waits = [throttle.wait_seconds("key", clock=clock) for clock in (0, 0.05, 0.1)]

    assert waits == [0, 1, 0]


def test_rate_of_0_turns_it_off(scim: ScimClient, settings: Any) -> None:
    settings.KEYWAY_SCIM_RATE, settings.KEYWAY_SCIM_BURST = 0, 0

    assert scim.get("/Users").status == 200
