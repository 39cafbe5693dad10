"""What the driver measured, as tables: medians, ratios, growth."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

OURS, FLOOR = "keyway", "floor"
PEERS = ("django-scim2", "scim2-server", "scimmy")
MOST_ERRORS = 0.01
"""With more of them, a cell says nothing about speed."""

FLAT = 0.9
"""The least throughput, as a part of that at the smaller size."""

LABELS = {
    "get_user": "GET user",
    "filter_eq": "filter `userName eq`",
    "list_first": "list, first page of 100",
    "list_deep": "list, last page of 100",
    "patch_active": "PATCH `active`",
    "put_user": "PUT user",
    "create": "POST user",
    "group_add_10": "add a member to 10",
    "group_add_1k": "add a member to 1,000",
    "group_add_10k": "add a member to 10,000",
    "group_get_excl": "GET group of 10,000 without members",
}
TARGETS: dict[str, dict[str, float]] = {
    operation: dict(zip((FLOOR, *PEERS), wanted, strict=True))
    for operation, wanted in {
        "get_user": (0.35, 7, 3, 2),
        "filter_eq": (0.35, 20, 4.5, 2),
        "list_first": (0.5, 200, 120, 20),
        "list_deep": (0.5, 30, 25, 20),
        "patch_active": (0.4, 4.5, 2, 3.5),
        "put_user": (0.4, 4, 2.5, 1.3),
        "create": (0.4, 3.5, 2.3, 2),
        "group_add_10k": (0.5, 200, 400, 500),
        "group_get_excl": (0.3, 500, 500, 100),
    }.items()
}
"""Requests a second of ours, divided by those of the other, at TARGET_USERS."""

TARGET_USERS = 20_000

Run = dict[str, Any]
"""One run of the driver: a list under `targets`."""

Table = list[list[str]]
"""Rows of cells; the first row is the head."""


@dataclass(frozen=True)
class Verdict:
    """A ratio beside what was wanted of it."""

    ratio: float
    wanted: float | None

    @property
    def is_met(self) -> bool:
        return self.wanted is None or self.ratio >= self.wanted

    def __str__(self) -> str:
        shown = times(self.ratio)
        if self.wanted is None:
            return shown
        return f"{shown} of {times(self.wanted)}, {'met' if self.is_met else 'missed'}"


def times(ratio: float) -> str:
    """Return a ratio with as many digits as it deserves."""
    if ratio < 10:
        return f"{ratio:.2f}" if ratio < 1 else f"{ratio:.1f}x"
    return f"{ratio:,.0f}x"


def names(run: Run) -> list[str]:
    return [target["name"] for target in run["targets"]]


def cells(run: Run, target: str, operation: str) -> list[dict[str, Any]]:
    return [
        cell
        for found in run["targets"]
        if found["name"] == target
        for cell in found["cells"]
        if cell["op"] == operation
    ]


def _counts(cell: dict[str, Any]) -> bool:
    return cell["errors"] <= cell["n"] * MOST_ERRORS


def ratio(run: Run, target: str, other: str, operation: str) -> float | None:
    """Return the median over the rounds of the ratio of neighbours in time."""
    return _pairs(cells(run, target, operation), cells(run, other, operation))


def _pairs(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> float | None:
    rates = {cell["round"]: cell["rps"] for cell in theirs if _counts(cell)}
    found = [
        cell["rps"] / rates[cell["round"]]
        for cell in ours
        if _counts(cell) and rates.get(cell["round"])
    ]
    return median(found) if found else None


def verdict(run: Run, other: str, operation: str) -> Verdict | None:
    """Return ours against another, None if one of them was not measured."""
    found = ratio(run, OURS, other, operation)
    if found is None:
        return None
    at_size = run["targets"][0]["users"] == TARGET_USERS
    wanted = TARGETS.get(operation, {}).get(other) if at_size else None
    return Verdict(found, wanted)


def measured(run: Run) -> Table:
    """Return a row for each operation and target."""
    head = ["operation", "server", "requests/s", "p50 ms", "p95 ms", "p99 ms"]
    rows = [[*head, "CPU server µs", "CPU database µs", "errors"]]
    for operation, label in LABELS.items():
        for target in names(run):
            found = cells(run, target, operation)
            if found:
                rows.append([label, target, *_figures(found)])
    return rows


def _figures(found: list[dict[str, Any]]) -> list[str]:
    latencies = [
        f"{median(cell[p] for cell in found) * 1000:,.2f}"
        for p in ("p50", "p95", "p99")
    ]
    costs = [
        f"{median(cell['cpu_us'][label] for cell in found):,.0f}"
        if label in found[0]["cpu_us"]
        else "-"
        for label in ("server", "db")
    ]
    rate = median(cell["rps"] for cell in found)
    errors = sum(cell["errors"] for cell in found)
    return [f"{rate:,.1f}", *latencies, *costs, str(errors)]


def compared(run: Run) -> Table:
    """Return our ratio to each other server, beside what is wanted."""
    others = [name for name in names(run) if name != OURS]
    rows = [["operation", *(f"of {name}" for name in others)]]
    for operation, label in LABELS.items():
        verdicts = [verdict(run, other, operation) for other in others]
        if any(verdicts):
            rows.append([label, *(str(found or "-") for found in verdicts)])
    return rows


def growth(run: Run) -> Table:
    """Return the throughput at each size, relative to the smallest.

    The targets of the run are one server at several sizes, smallest first.
    """
    sizes = {target["name"]: target["users"] for target in run["targets"]}
    base, *larger = sizes
    head = [f"{sizes[name]:,} users" for name in larger]
    rows = [["operation", f"{sizes[base]:,} users, requests/s", *head]]
    for operation, label in LABELS.items():
        smallest = cells(run, base, operation)
        if smallest:
            rate = f"{median(cell['rps'] for cell in smallest):,.1f}"
            flat = [_flatness(ratio(run, name, base, operation)) for name in larger]
            rows.append([label, rate, *flat])
    return rows


def group_growth(run: Run) -> Verdict | None:
    """Return adding to a group of 10,000 against adding to one of 1,000."""
    found = _pairs(cells(run, OURS, "group_add_10k"), cells(run, OURS, "group_add_1k"))
    return None if found is None else Verdict(found, FLAT)


def _flatness(found: float | None) -> str:
    return "-" if found is None else str(Verdict(found, FLAT))


def wrong_answers(run: Run) -> list[str]:
    return [
        f"{target['name']}: {claim}"
        for target in run["targets"]
        for claim in target["wrong"]
    ]


def disturbance(run: Run) -> tuple[float, float]:
    """Return how many cores other programs took: the median cell, the worst."""
    found = [
        cell["other_cores"] for target in run["targets"] for cell in target["cells"]
    ]
    return median(found), max(found)


def markdown(table: Table) -> str:
    head, *rows = table
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def plain(table: Table) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in table
    )
