"""Long work says how far it is on a terminal, and nothing into a file or a pipe."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from tests import factories
from workspaces import audit, audit_chain
from workspaces.models import Workspace


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def work(workspace: Workspace, settings: Settings) -> None:
    """A log of more than 200 events to verify, a secret to seal under another key."""
    factories.IntegrationFactory(workspace=workspace)
    settings.KEYWAY_ENCRYPTION_KEYS = {
        **settings.KEYWAY_ENCRYPTION_KEYS,
        2: b"k" * 32,
    }
    for _ in range(401):
        audit.record(audit.Members.LEFT, workspace=workspace, actor=None)
    audit_chain.seal(workspace.pk)


def shown(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch, *command: str) -> str:
    """Return what a command writes there beside its result."""
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", screen)
        call_command(*command, stdout=io.StringIO())
    return screen.getvalue()


@pytest.mark.parametrize(
    ("command", "label"), [("verify_audit", "acme"), ("rotate_keys", "Sealing anew")]
)
def test_bar_is_drawn_on_a_terminal(
    work: None, monkeypatch: pytest.MonkeyPatch, command: str, label: str
) -> None:
    drawn = shown(Terminal(), monkeypatch, command)

    assert re.search(rf"{label} .* 0%.*{label} .*100%", drawn, re.DOTALL)


def test_pipe_gets_none(work: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(io.StringIO(), monkeypatch, "verify_audit") == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor == "postgresql" and shutil.which("pg_dump") is None,
    reason="install postgresql-client",
)
def test_backup_names_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = shown(Terminal(), monkeypatch, "backup", str(tmp_path / "keyway.backup"))

    assert drawn.startswith("Copying the database …\n")
    assert re.search(r"Checking .*100%.*Packing .*100%", drawn, re.DOTALL)
