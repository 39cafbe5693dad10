"""Schemas and the RFC's examples. No database here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scim.protocol.schema import ResourceSchema, service_provider

_RFC = Path(__file__).parent / "rfc"


@pytest.fixture
def user_schema() -> ResourceSchema:
    return service_provider().resource_types["User"]


@pytest.fixture
def group_schema() -> ResourceSchema:
    return service_provider().resource_types["Group"]


@pytest.fixture
def rfc() -> Callable[[str], dict[str, Any]]:
    """Read an example of the RFCs by its name in `rfc/`."""

    def read(name: str) -> dict[str, Any]:
        return json.loads((_RFC / f"{name}.json").read_text(encoding="utf-8"))

    return read
