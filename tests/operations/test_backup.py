"""A backup taken under load restores to a whole database that does nothing by surprise."""

from __future__ import annotations

import json
import shutil
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from pytest_django import Settings

from config.audit import Action
from config.operations import backup, restored
from integrations.models import Integration, Provisioning
from integrations.provisioning import wanted
from scim.models import Change, Resource
from tests import factories
from tests.conftest import ScimClient, scim_client
from tests.operations import processes
from tests.operations.databases import empty_database
from tokens import services
from workspaces import audit_chain, jobs
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor == "postgresql" and shutil.which("pg_dump") is None,
        reason="install postgresql-client",
    ),
]


ASKED = """
import json, django; django.setup()
from django.contrib.sessions.models import Session
from integrations.models import Integration, Provisioning
from scim.models import Change, Resource
from tokens.models import ScimToken
from workspaces import append_only
from workspaces.models import Job
users = Resource.objects.filter(resource_type="User")
print(json.dumps({
    "users": sorted(users.values_list("user_name_key", flat=True)),
    "changes": Change.objects.values("resource_id").distinct().count(),
    "provisionings": Provisioning.objects.count(),
    "paused": list(Integration.objects.filter(paused_at=None).values_list("name")) == [],
    "revoked": sorted(ScimToken.objects.exclude(revoked_at=None).values_list("key", flat=True)),
    "open jobs": sorted(set(Job.objects.filter(state__in=Job.OPEN).values_list("kind", flat=True))),
    "sessions": Session.objects.count(),
    "unguarded": sorted(append_only.missing()),
}))
"""


def ask(url: str) -> dict[str, Any]:
    """Return what a restored database holds."""
    done = processes.python(ASKED, DATABASE_URL=url)
    return json.loads(done.stdout)


class Writers:
    """IdPs that add users for as long as the block lasts."""

    def __init__(self, scim: ScimClient) -> None:
        self.scim = scim
        self.acknowledged: list[str] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writers:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def _write(self) -> None:
        try:
            while not self.stop.is_set():
                name = f"u{len(self.acknowledged)}@acme.test"
                self.scim.add_user(name)
                self.acknowledged.append(name)
        finally:
            connections.close_all()


def test_f44_under_load_it_is_one_moment_and_starts_quietly(
    integration: Integration, alice: User, client: Any, tmp_path: Path
) -> None:
    """F44: nothing torn, revived or done again. I1: no change without its work."""
    scim = scim_client(integration.directory)
    leaked = factories.issue_token(integration.directory, name="leaked").token
    client.force_login(alice)
    jobs.enqueue(
        "workspaces.send_invitation",
        workspace=integration.workspace,
        subject="mail",
        trigger=Job.Trigger.WEB,
        now=database_now(),
    )
    file = tmp_path / "keyway.backup"
    with Writers(scim) as writers:
        while len(writers.acknowledged) < 5:
            threading.Event().wait(0.05)
        before = list(writers.acknowledged)
        manifest = backup.take(file)
    services.revoke(leaked, actor=None, now=database_now())
    audit_chain.seal(integration.workspace_id)
    log = tmp_path / "audit.jsonl"
    events = AuditEvent.objects.filter(workspace=integration.workspace)
    log.write_text("\n".join(json.dumps(audit_chain.content(e)) for e in events))

    with empty_database(tmp_path) as url:
        done = processes.run(
            "restore", str(file), "--audit-log", str(log), DATABASE_URL=url
        )
        assert done.returncode == 0, done.stderr
        assert "Restored as of" in done.stdout
        held = ask(url)
        again = processes.run(
            "restore", str(file), "--without-audit-log", DATABASE_URL=url
        )

    assert set(before) <= set(held["users"])
    assert len(held["users"]) == manifest.counts[Resource._meta.db_table]
    assert held["changes"] == held["provisionings"] == len(held["users"])
    assert held["paused"] is True
    assert held["revoked"] == [leaked.key]
    assert held["open jobs"] == [wanted.JOB]
    assert held["sessions"] == 0
    assert held["unguarded"] == []
    assert again.returncode != 0
    assert "The database is not empty" in again.stderr


class TestFile:
    @pytest.fixture
    def file(self, integration: Integration, tmp_path: Path) -> Path:
        target = tmp_path / "keyway.backup"
        call_command("backup", str(target))
        return target

    def test_holds_no_key_and_no_secret_and_is_its_owners(
        self, file: Path, settings: Settings
    ) -> None:
        with tarfile.open(file) as archive:
            content = b"".join(archive.extractfile(name).read() for name in archive)  # type: ignore[union-attr]

        assert file.stat().st_mode & 0o777 == 0o600
        assert factories.SERVICE_PASSWORD.encode() not in content
        for ring in (settings.KEYWAY_ENCRYPTION_KEYS, settings.KEYWAY_TOKEN_KEYS):
            text = processes.ring_text(ring).partition(":")[2].encode()
            assert text not in content
            assert ring[1] not in content

    def test_leaves_nothing_else_behind_and_replaces_no_file(
        self, file: Path, tmp_path: Path
    ) -> None:
        assert [path.name for path in tmp_path.iterdir()] == ["keyway.backup"]
        with pytest.raises(CommandError, match="is there already"):
            call_command("backup", str(file))

    def test_that_was_cut_off_is_refused(self, file: Path) -> None:
        file.write_bytes(file.read_bytes()[:-500])

        with pytest.raises(CommandError, match=r"no backup that|changed or cut off"):
            call_command("restore", str(file), "--without-audit-log")

    def test_that_is_none_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("hello")

        with pytest.raises(CommandError, match="is no backup"):
            call_command("restore", str(tmp_path / "text"), "--without-audit-log")

    def test_into_a_database_that_is_not_empty_is_refused(self, file: Path) -> None:
        with pytest.raises(CommandError, match="The database is not empty"):
            call_command("restore", str(file), "--without-audit-log")

        assert Integration.objects.count() == 1

    def test_needs_to_hear_what_became_of_the_tokens(self, file: Path) -> None:
        with pytest.raises(CommandError, match="--audit-log"):
            call_command("restore", str(file))

    def test_log_that_is_none_is_refused_before_anything_is_done(
        self, file: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "log").write_text('{"no": "event"}')

        with pytest.raises(CommandError, match="is no audit log as JSON lines"):
            call_command("restore", str(file), audit_log=[tmp_path / "log"])


def test_settling_ends_jobs_but_keeps_what_provisioning_waits_for(
    integration: Integration,
) -> None:
    scim = scim_client(integration.directory)
    scim.add_user()
    manifest = backup.Manifest(1, "sqlite", "2026-01-01", [], {}, "", {})

    restored.settle(manifest, told=[], now=database_now())

    integration.refresh_from_db()
    assert integration.paused_at is not None
    assert Change.objects.count() == Provisioning.objects.count() == 1
    assert Job.objects.get(state__in=Job.OPEN).kind == wanted.JOB
    assert AuditEvent.objects.filter(action=Action.RESTORED).exists()
