"""Which test proves which requirement: docs/reference/requirements.md.

    python -m tests.requirements          # writes the page

`requirements.txt` beside this file names them. A test proves one whose number is in
its name (`test_s0_48_…`) or in its docstring (`S0-48`).
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ROOT / "tests" / "requirements.txt"
PAGE = ROOT / "docs" / "reference" / "requirements.md"
_NUMBER = re.compile(r"(?<![a-z0-9])([se])0[-_](\d+)", re.IGNORECASE)
_HEAD = """\
# Requirements and their tests

Written by `make requirements` from `tests/requirements.txt` and the tests that name a requirement. *Open* has no such test yet.

| requirement | what | state | tests |
| --- | --- | --- | --- |
"""


def numbers_in(text: str) -> Iterator[str]:
    """Yield the requirements that a name or a text mentions, such as `S0-48`."""
    for letter, number in _NUMBER.findall(text):
        yield f"{letter.upper()}0-{number}"


def tests_of() -> dict[str, list[str]]:
    """Return the tests of each requirement, as `file::name`."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            if not node.name.lower().startswith("test"):
                continue
            said = f"{node.name} {ast.get_docstring(node) or ''}"
            for number in numbers_in(said):
                found[number].add(f"{path.relative_to(ROOT)}::{node.name}")
    return {number: sorted(names) for number, names in found.items()}


def page() -> str:
    """Return the page."""
    tests = tests_of()
    rows = []
    for line in NAMES.read_text().splitlines():
        number, _, what = line.partition(" ")
        named = tests.get(number, [])
        state = "tested" if named else "open"
        shown = "<br>".join(f"`{name.removeprefix('tests/')}`" for name in named)
        rows.append(f"| {number} | {what} | {state} | {shown} |")
    return _HEAD + "\n".join(rows) + "\n"


def main() -> None:
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
