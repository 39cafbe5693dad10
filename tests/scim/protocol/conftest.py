"""Schemas and the RFC's examples. No database here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scim.protocol.schema import ResourceSchema, service_provider
from tests.scim.rfc import example


@pytest.fixture
def user_schema() -> ResourceSchema:
    return service_provider().resource_types["User"]


@pytest.fixture
def group_schema() -> ResourceSchema:
    return service_provider().resource_types["Group"]


@pytest.fixture
def rfc() -> Callable[[str], dict[str, Any]]:
    """Read an example of the RFCs by its name in `rfc/`."""
    return example
