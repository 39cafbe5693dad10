"""The RFCs' own examples, by section: `protocol/rfc/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "protocol" / "rfc"
BABS = "2819c223-7f76-453a-919d-413861904646"
"""Babs Jensen's id in the examples."""

JAMES = "08e1d05d-121c-4561-8b96-473d93df9210"
MANDY = "902c246b-6245-4190-8e05-00816be7344a"


def example(name: str, ids: dict[str, str] | None = None) -> Any:
    """Read an example, with the ids of the RFC replaced by those of real resources."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    for theirs, ours in (ids or {}).items():
        text = text.replace(theirs, ours)
    return json.loads(text)
