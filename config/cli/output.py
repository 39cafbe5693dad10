"""Answers as a table for people, or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

Row = Mapping[str, Any]


def show(data: Row | Sequence[Row], columns: Sequence[str], *, output: str) -> None:
    """Print rows, or one thing as lines of name and value."""
    if output == "json":
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    elif isinstance(data, Mapping):
        _print([[name, _cell(data.get(name))] for name in columns])
    else:
        heads = [heading(name) for name in columns]
        _print([heads, *([_cell(row.get(n)) for n in columns] for row in data)])


def heading(name: str) -> str:
    """Return the head of a column: `lastUsedAt` becomes `LAST USED AT`."""
    return "".join(f" {c}" if c.isupper() else c for c in name).upper()


def line(row: Row, columns: Sequence[str]) -> str:
    """Return one line of a log."""
    return "  ".join(_cell(row.get(name)) for name in columns).rstrip()


def _print(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _cell(value: Any) -> str:
    """Return a value as text. What could steer a terminal is replaced."""
    text = "-" if value in (None, "") else str(value)
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )
