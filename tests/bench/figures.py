"""Put figures between their marks in a page of the documentation."""

from __future__ import annotations

from pathlib import Path


def write(page: Path, part: str, text: str) -> None:
    """Replace the figures of a part of the page. Raises ValueError without its marks."""
    begin, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->\n"
    found = page.read_text()
    if begin not in found or end not in found:
        raise ValueError(f"{page.name} has no marks for {part}.")
    before, _, rest = found.partition(begin)
    page.write_text(f"{before}{begin}{text}{end}{rest.partition(end)[2]}")
