"""The rows of a list of an app's accounts: a CSV file with a header.

Columns: username, and where the app has them email, display_name, active (yes or
no), groups and roles (several with ; between).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

COLUMNS = ("username", "email", "display_name", "active", "groups", "roles")
LARGEST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 20_000
MOST_PROBLEMS = 10
_LONGEST = {"username": 255, "email": 254, "display_name": 500}
_LONGEST_NAME = 255
_YES = {"yes", "true", "1", "active", "enabled", ""}
_NO = {"no", "false", "0", "inactive", "disabled", "locked"}

Row = dict[str, Any]
"""username, email, display_name: texts. active: a bool. group, role: lists of names."""


class InvalidList(ValueError):
    """The file is no list of accounts. `problems` says why, with line numbers."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def read(content: bytes) -> list[Row]:
    """Return the accounts of a CSV file. Raises InvalidList."""
    text = _decoded(content)
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    problems: list[str] = []
    try:
        header = _header(next(lines, []))
        seen: dict[str, int] = {}
        rows = [
            _row(header, cells, lines.line_num, seen, problems)
            for cells in islice(lines, MOST_ROWS + 1)
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise InvalidList([f"Line {lines.line_num}: {error}."]) from None
    if len(rows) > MOST_ROWS:
        raise InvalidList([f"The file has more than {MOST_ROWS} accounts."])
    if problems:
        raise InvalidList(_first(problems))
    if not rows:
        raise InvalidList(["The file has a header and no accounts."])
    return rows


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST_BYTES:
        raise InvalidList(["The file is larger than 5 MB. Leave out other columns."])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidList(
            ["The file is not in UTF-8. Save it as “CSV UTF-8”."]
        ) from None
    if "\x00" in text:
        raise InvalidList(["The file is no CSV file. Save the list as “CSV UTF-8”."])
    return text


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    unknown = [name for name in names if name not in COLUMNS]
    if "username" not in names:
        raise InvalidList(
            [
                "Line 1: the column username is missing. The first line names the "
                f"columns: {', '.join(COLUMNS)}."
            ]
        )
    if unknown:
        raise InvalidList(
            [
                f"Line 1: {', '.join(name or 'an empty name' for name in unknown)} is "
                f"not known here. Known are: {', '.join(COLUMNS)}."
            ]
        )
    if len(set(names)) != len(names):
        raise InvalidList(["Line 1: a column is there twice."])
    return names


def _row(
    header: list[str],
    cells: list[str],
    number: int,
    seen: dict[str, int],
    problems: list[str],
) -> Row:
    def problem(words: str) -> None:
        problems.append(f"Line {number}: {words}")

    if len(cells) != len(header):
        problem(f"{len(cells)} values, and the header has {len(header)} columns.")
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
    username = values.get("username", "")
    if not username:
        problem("the username is empty.")
    before = seen.setdefault(username.casefold(), number)
    if username and before != number:
        problem(f"{username} is there already, in line {before}.")
    for name, longest in _LONGEST.items():
        if len(values.get(name, "")) > longest:
            problem(f"{name} has more than {longest} characters.")
    active = values.get("active", "").lower()
    if active not in _YES | _NO:
        problem(f"active is “{active[:40]}”. Write yes or no.")
    return {
        "username": username,
        "email": values.get("email", ""),
        "display_name": values.get("display_name", ""),
        "active": active in _YES,
        "group": _names(values.get("groups", ""), problem),
        "role": _names(values.get("roles", ""), problem),
    }


def _names(cell: str, problem: Callable[[str], None]) -> list[str]:
    names = sorted({name.strip() for name in cell.split(";")} - {""})
    if any(len(name) > _LONGEST_NAME for name in names):
        problem(
            f"the name of a group or role has more than {_LONGEST_NAME} characters."
        )
    return names


def _first(problems: list[str]) -> list[str]:
    shown = problems[:MOST_PROBLEMS]
    if len(problems) > MOST_PROBLEMS:
        shown.append(f"And {len(problems) - MOST_PROBLEMS} more.")
    return shown


def pairs(row: Row) -> Iterator[tuple[str, str]]:
    """Yield the groups and roles of a row as (kind, key). Their name is their key."""
    for kind in ("group", "role"):
        for name in row[kind]:
            yield kind, name
