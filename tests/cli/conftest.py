"""The command line over the product in this very thread, without a server between."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result
from django.test import Client

from config.cli import commands
from config.cli.api import Api
from config.cli.commands import keyway
from config.cli.credentials import Credentials
from tests import factories
from workspaces.models import Workspace

URL = "https://testserver"
Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's folder, with nothing kept and nothing in the environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("KEYWAY_URL", "KEYWAY_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def token(workspace: Workspace) -> str:
    return factories.issue_api_token(workspace).plaintext


class InThisThread(httpx2.BaseTransport):
    """Hands requests to Django, within the transaction of the test."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = dict(request.headers)
        answer = Client().generic(
            request.method,
            request.url.raw_path.decode(),
            request.read(),
            headers.pop("content-type", ""),
            secure=True,
            headers=headers,
        )
        return httpx2.Response(
            answer.status_code, headers=answer.headers, content=answer.getvalue()
        )


@pytest.fixture
def api(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Credentials], Api]:
    """Return the API over Django itself, as commands get it too."""
    made = partial(Api, transport=InThisThread())
    monkeypatch.setattr(commands, "Api", made)
    return made


@pytest.fixture
def run(
    home: Path,
    token: str,
    api: Callable[[Credentials], Api],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Run a command as somebody who set the environment."""
    monkeypatch.setenv("KEYWAY_URL", URL)
    monkeypatch.setenv("KEYWAY_API_TOKEN", token)
    return lambda *args, **options: CliRunner().invoke(keyway, args, **options)
