"""A connector whose package is not installed says so, and no page breaks."""

from __future__ import annotations

import pytest

from integrations.connectors.base import Misconfigured
from integrations.connectors.optional import optional


def test_names_the_extra_that_is_missing() -> None:
    factory = optional(
        "tests.integrations.connectors.needs_nothing_there",
        "Anything",
        package="nothing_there",
        extra="some",
    )

    with pytest.raises(Misconfigured) as failure:
        factory({})

    assert "the package nothing_there" in failure.value.message
    assert "'keyway-portal[some]'" in failure.value.message


def test_does_not_hide_another_package_that_is_missing() -> None:
    factory = optional(
        "tests.integrations.connectors.needs_nothing_there",
        "Anything",
        package="ldap3",
        extra="ldap",
    )

    with pytest.raises(ModuleNotFoundError):
        factory({})
