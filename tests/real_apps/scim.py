"""scim2-server, the reference implementation of python-scim, as an outside app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integrations.desired import Connection
from tests.real_apps.fixtures import _installed
from tests.real_apps.servers import free_port, running

_FOLDER = Path(__file__).parent / "scim2_server"
_TOKEN = "token-of-scim2-server-1"


@pytest.fixture(scope="session")
def scim2_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """With all that it can: PATCH, filters, ETags."""
    with _serving(tmp_path_factory) as connection:
        yield connection


@pytest.fixture(scope="session")
def plain_scim2_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Connection]:
    """One that says that it can neither PATCH nor filter."""
    config = str(_FOLDER / "without.json")
    with _serving(tmp_path_factory, "--service-provider-config", config) as connection:
        yield connection


@contextmanager
def _serving(
    tmp_path_factory: pytest.TempPathFactory, *options: str
) -> Iterator[Connection]:
    program = _installed("scim2_server").with_name("scim2-server")
    port = str(free_port())
    base_url = f"http://127.0.0.1:{port}"
    with running(
        [str(program), "--port", port, "--bearer-token", _TOKEN, *options],
        ready_url=f"{base_url}/v2/ServiceProviderConfig",
        env={},
        log=tmp_path_factory.mktemp("scim2_server") / "server.log",
    ):
        yield Connection(f"{base_url}/v2", "", _TOKEN)
