"""The tables of the benchmark, from canned measurements. No servers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import page, results
from tests.bench.run import parse
from tests.bench.targets import PEERS


def cell(op: str, rps: float, round_: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "op": op,
        "round": round_,
        "rps": rps,
        "p50": 0.001,
        "p95": 0.002,
        "p99": 0.0035,
        "n": 100,
        "errors": 0,
        "cpu_us": {"server": 400.4, "db": 50.0},
        "other_cores": 0.1,
    } | more


def target(name: str, *cells: dict[str, Any], users: int = 20_000) -> dict[str, Any]:
    return {"name": name, "users": users, "wrong": [], "cells": list(cells)}


@pytest.fixture
def compared() -> results.Run:
    in_memory = cell("get_user", 150, cpu_us={"server": 900.0}, errors=1)
    return {
        "targets": [
            target(
                "keyway",
                cell("get_user", 1000),
                cell("get_user", 800, 1),
                cell("get_user", 900, 2),
                cell("group_add_1k", 100),
                cell("group_add_10k", 95),
            ),
            target(
                "floor",
                cell("get_user", 4000),
                cell("get_user", 2000, 1),
                cell("get_user", 1000, 2),
            ),
            target("scimmy", in_memory),
        ]
    }


def test_a_ratio_is_the_median_of_neighbours_in_time(compared: results.Run) -> None:
    assert results.ratio(compared, "keyway", "floor", "get_user") == 0.4


def test_a_ratio_of_what_was_not_measured_is_none(compared: results.Run) -> None:
    assert results.ratio(compared, "keyway", "floor", "create") is None
    assert results.ratio(compared, "keyway", "django-scim2", "get_user") is None


def test_measured_shows_medians_and_sums_errors(compared: results.Run) -> None:
    rows = results.measured(compared)

    ours, _, theirs, *_ = rows[1:]
    assert ours[:6] == ["GET user", "keyway", "900.0", "1.00", "2.00", "3.50"]
    assert ours[6:] == ["400", "50", "0"]
    assert theirs[6:] == ["900", "-", "1"]


def test_compared_says_met_or_missed_beside_the_target(compared: results.Run) -> None:
    rows = results.compared(compared)

    assert rows[0] == ["operation", "of floor", "of scimmy"]
    assert rows[1] == ["GET user", "0.40 of 0.35, met", "6.7x of 2.0x, met"]
    assert len(rows) == 2


def test_targets_hold_at_their_size_only(compared: results.Run) -> None:
    compared["targets"][0]["users"] = 1_000

    assert results.compared(compared)[1] == ["GET user", "0.40", "6.7x"]


def test_a_cell_of_errors_has_no_ratio(compared: results.Run) -> None:
    for found in compared["targets"][0]["cells"]:
        found["errors"] = 50

    assert results.verdict(compared, "floor", "get_user") is None


def test_a_server_with_wrong_answers_is_named(compared: results.Run) -> None:
    compared["targets"][2]["wrong"] = ["PUT replaces"]

    assert results.wrong_answers(compared) == ["scimmy: PUT replaces"]


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (0.25, "0.25 of 0.35, missed"),
        (0.35, "0.35 of 0.35, met"),
        (3.14159, "3.1x of 0.35, met"),
    ],
)
def test_verdict(ratio: float, shown: str) -> None:
    assert str(results.Verdict(ratio, 0.35)) == shown


def test_growth_is_relative_to_the_smallest_directory() -> None:
    run = {
        "targets": [
            target("keyway-1000", cell("list_deep", 200), users=1_000),
            target("keyway-20000", cell("list_deep", 100), users=20_000),
        ]
    }

    assert results.growth(run) == [
        ["operation", "1,000 users, requests/s", "20,000 users"],
        ["list, last page of 100", "200.0", "0.50 of 0.90, missed"],
    ]


def test_group_growth_compares_both_sizes(compared: results.Run) -> None:
    assert str(results.group_growth(compared)) == "0.95 of 0.90, met"


def test_page_names_the_machine_but_no_host(
    compared: results.Run, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmark.md")
    report = {
        "when": "2026-11-22",
        "seconds": 120.0,
        "options": vars(parse(["--rounds", "1"])),
        "machine": page.machine({"PostgreSQL": "17.0"}),
        "postgres": {"fsync": "on"},
        "missing": [],
        "growth": None,
        "runs": [compared],
        "profile": [["request", "CPU us"], ["GET", "400"]],
    }

    page.write(report)

    text = page.PAGE.read_text()
    assert "## Ratios at 20,000 users" in text
    assert "0.40 of 0.35, met" in text
    assert "| PostgreSQL | 17.0 |" in text
    assert page.platform.node() not in text


def test_every_operation_has_a_label_and_every_peer_a_target() -> None:
    options = parse([])

    assert set(options.ops) == set(results.LABELS)
    assert set(PEERS) == set(results.PEERS)


def test_quick_is_small() -> None:
    options = parse(["--quick"])

    assert (options.users, options.duration, options.rounds) == ([2_000], 1.0, 1)
