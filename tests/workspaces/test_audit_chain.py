"""The hash chain of the audit log: whatever somebody does to it is found."""

from __future__ import annotations

import io
import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from tests.audit_log import as_its_owner, tamper
from workspaces import audit, audit_chain, audit_retention, checkpoints, jobs
from workspaces.checkpoints import Checkpoint
from workspaces.clock import database_now
from workspaces.models import (
    AppendOnly,
    AuditChain,
    AuditEvent,
    Job,
    Membership,
    User,
    Workspace,
)


@pytest.fixture
def log(workspace: Workspace, alice: User) -> list[AuditEvent]:
    """Six sealed events, of which the first two come from making the workspace."""
    for _ in range(6 - AuditEvent.objects.filter(workspace=workspace).count()):
        audit.record(audit.Members.LEFT, workspace=workspace, actor=alice)
    audit_chain.seal(workspace.pk)
    return list(AuditEvent.objects.filter(workspace=workspace).order_by("sequence"))


def faults(workspace: Workspace | None, **kwargs: Any) -> list[str]:
    return [str(fault) for fault in audit_chain.verify(workspace, **kwargs)]


def test_untouched_log_is_intact(workspace: Workspace, log: list[AuditEvent]) -> None:
    assert [event.sequence for event in log] == [1, 2, 3, 4, 5, 6]
    assert len({event.digest for event in log}) == 6
    assert faults(workspace) == []


@pytest.mark.parametrize(
    "change",
    [
        "actor_label = 'Mallory'",
        "action = 'workspaces.member.joined'",
        "target_label = 'Somebody else'",
        "address = '192.0.2.1'",
        "at = '2020-01-01 00:00:00+00:00'",
    ],
)
def test_edit_is_found_where_it_is(
    workspace: Workspace, log: list[AuditEvent], change: str
) -> None:
    tamper(f"UPDATE workspaces_auditevent SET {change} WHERE id = %s", log[2].pk)

    assert faults(workspace) == [
        "Event 3: This event was changed, or one before it was swapped."
    ]


def test_edit_with_a_new_digest_is_found_behind(
    workspace: Workspace, log: list[AuditEvent]
) -> None:
    event = log[2]
    event.actor_label = "Mallory"
    digest = audit_chain.digest_of(event, previous=log[1].digest)
    tamper(
        "UPDATE workspaces_auditevent SET actor_label = 'Mallory', digest = %s"
        " WHERE id = %s",
        digest,
        event.pk,
    )

    assert faults(workspace) == [
        "Event 4: This event was changed, or one before it was swapped."
    ]


def test_gap_is_found(workspace: Workspace, log: list[AuditEvent]) -> None:
    tamper("DELETE FROM workspaces_auditevent WHERE id = %s", log[2].pk)

    assert faults(workspace) == ["Event 3: This event is missing."]


def test_cut_end_is_found(workspace: Workspace, log: list[AuditEvent]) -> None:
    tamper("DELETE FROM workspaces_auditevent WHERE sequence > 3")

    assert faults(workspace) == ["Event 4: Missing up to 6."]


def test_other_order_is_found(workspace: Workspace, log: list[AuditEvent]) -> None:
    for place, event in ((99, log[2]), (3, log[3]), (4, log[2])):
        tamper(
            "UPDATE workspaces_auditevent SET sequence = %s WHERE id = %s",
            place,
            event.pk,
        )

    # The fifth vouches for the digest of whoever is fourth now.
    assert [fault.partition(":")[0] for fault in faults(workspace)] == [
        "Event 3",
        "Event 4",
        "Event 5",
    ]


def test_cut_end_with_a_mended_head_is_found_by_a_checkpoint(
    workspace: Workspace, log: list[AuditEvent]
) -> None:
    known = audit_chain.checkpoint(workspace)
    tamper("DELETE FROM workspaces_auditevent WHERE sequence > 3")
    tamper(
        "UPDATE workspaces_auditchain SET length = 3, digest = %s WHERE length = 6",
        log[2].digest,
    )

    assert faults(workspace) == []
    assert faults(workspace, known=known) == ["Event 4: Missing up to 6."]


def test_rewritten_log_is_found_by_a_checkpoint(
    workspace: Workspace, log: list[AuditEvent]
) -> None:
    known = audit_chain.checkpoint(workspace)
    digest = log[1].digest
    for event in log[2:]:
        event.actor_label = "Mallory"
        digest = audit_chain.digest_of(event, previous=digest)
        tamper(
            "UPDATE workspaces_auditevent SET actor_label = 'Mallory', digest = %s"
            " WHERE id = %s",
            digest,
            event.pk,
        )
    with as_its_owner():
        AuditChain.objects.filter(workspace=workspace).update(digest=digest)

    assert faults(workspace) == []
    assert faults(workspace, known=known) == [
        f"Event 6: The log differs from the checkpoint of {known.at}."
    ]


def test_event_without_seal_is_told_after_an_hour(
    workspace: Workspace, log: list[AuditEvent]
) -> None:
    audit.record(audit.Members.LEFT, workspace=workspace, actor=None)
    assert faults(workspace) == []
    earlier = database_now() - timedelta(hours=2)
    with as_its_owner():
        AuditEvent.sealing.filter(sequence=None, workspace=workspace).update(at=earlier)

    assert faults(workspace) == ["1 events have no seal. Is a worker running?"]


def test_events_cannot_be_changed_or_deleted(log: list[AuditEvent]) -> None:
    for act in (
        log[0].save,
        log[0].delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(actor_label="Mallory"),
    ):
        with pytest.raises(AppendOnly):
            act()


def test_actor_who_is_deleted_leaves_the_chain_whole(
    workspace: Workspace, log: list[AuditEvent], bob: User
) -> None:
    audit.record(audit.Members.LEFT, workspace=workspace, actor=bob)
    audit_chain.seal(workspace.pk)

    bob.delete()

    assert faults(workspace) == []


def test_checkpoint_of_somebody_else_is_not_genuine(workspace: Workspace) -> None:
    taken = audit_chain.checkpoint(workspace)
    log = str(workspace.public_id)

    assert checkpoints.is_genuine(taken, log=log)
    assert not checkpoints.is_genuine(taken, log="")
    for change in ({"length": 99}, {"digest": "00"}, {"key": 9}, {"signature": "AA=="}):
        forged = Checkpoint.from_json(taken.as_json() | change)
        assert not checkpoints.is_genuine(forged, log=log)


class TestRetention:
    def test_what_stays_can_be_verified(
        self, workspace: Workspace, log: list[AuditEvent], membership: Membership
    ) -> None:
        self._make_old(log[:4])
        self._keep(90, membership)

        assert self._prune(workspace) == {"events": 4}

        kept = AuditEvent.objects.filter(workspace=workspace).order_by("id")
        assert list(kept[:2]) == log[4:]
        assert [event.action for event in kept[2:]] == [
            audit.Log.RETENTION_CHANGED,
            audit.Log.PRUNED,
        ]
        audit_chain.seal(workspace.pk)
        assert faults(workspace) == []
        assert self._prune(workspace) == {"events": 0}

    def test_edit_behind_what_was_pruned_is_found(
        self, workspace: Workspace, log: list[AuditEvent], membership: Membership
    ) -> None:
        self._make_old(log[:4])
        self._keep(90, membership)
        self._prune(workspace)
        tamper("DELETE FROM workspaces_auditevent WHERE id = %s", log[4].pk)

        assert faults(workspace)[0] == "Event 5: This event is missing."

    def test_forged_start_is_found(
        self, workspace: Workspace, log: list[AuditEvent], membership: Membership
    ) -> None:
        self._make_old(log[:4])
        self._keep(90, membership)
        self._prune(workspace)
        chain = AuditChain.objects.get(workspace=workspace)
        chain.pruned["length"] = 5
        chain.save()  # forwards, which the database cannot tell from retention

        assert "not genuine" in faults(workspace)[0]

    def test_for_ever_prunes_nothing(
        self, workspace: Workspace, log: list[AuditEvent]
    ) -> None:
        self._make_old(log)

        assert self._prune(workspace) == {"events": 0}
        assert AuditEvent.objects.filter(workspace=workspace).count() == 6

    def _make_old(self, events: list[AuditEvent]) -> None:
        """Move events to the past, and seal the chain of that past anew."""
        ids = [event.pk for event in events]
        earlier = database_now() - timedelta(days=100)
        workspace_id = events[0].workspace_id
        mine = {"workspace": workspace_id}
        with as_its_owner():
            AuditEvent.sealing.filter(pk__in=ids).update(at=earlier)
            AuditEvent.sealing.filter(**mine).update(sequence=None, digest="")
            AuditChain.objects.filter(**mine).update(length=0, digest="")
        audit_chain.seal(workspace_id)

    def _keep(self, days: int | None, by: Membership) -> None:
        audit_retention.change(days, by=by)
        audit_chain.seal(by.workspace_id)

    def _prune(self, workspace: Workspace) -> dict[str, int]:
        now = database_now()
        made = jobs.enqueue(
            audit_retention.JOB,
            workspace=workspace,
            subject="test",
            trigger=Job.Trigger.SCHEDULE,
            now=now,
        )
        made.job.workspace.refresh_from_db()
        return audit_retention.prune(made.job)


class TestCommands:
    def test_verify_says_that_all_is_intact(
        self, workspace: Workspace, log: list[AuditEvent]
    ) -> None:
        assert run("verify_audit") == "installation: intact\nacme: intact\n"

    def test_verify_names_the_place_and_fails(
        self, workspace: Workspace, log: list[AuditEvent]
    ) -> None:
        tamper("DELETE FROM workspaces_auditevent WHERE id = %s", log[2].pk)
        out = io.StringIO()

        with pytest.raises(CommandError, match="1 of 1 logs cannot be trusted"):
            call_command("verify_audit", workspace="acme", stdout=out)

        assert out.getvalue() == "acme: 1 fault\n  Event 3: This event is missing.\n"

    def test_verify_takes_a_file_of_checkpoints(
        self, workspace: Workspace, log: list[AuditEvent], tmp_path: Path
    ) -> None:
        file = tmp_path / "kept.jsonl"
        file.write_text(run("audit_checkpoint"))
        assert "acme: intact" in run("verify_audit", checkpoint=file)

        tamper("DELETE FROM workspaces_auditevent WHERE sequence > 3")
        with as_its_owner():
            AuditChain.objects.filter(workspace=workspace).delete()

        with pytest.raises(CommandError):
            run("verify_audit", checkpoint=file)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("nonsense", "Line 1"),
            ("[]", "Line 1: A checkpoint is a JSON object with"),
            (
                '{"log": "", "length": 1, "digest": "00", "at": ""}',
                "Line 1: this was not signed here",
            ),
        ],
    )
    def test_verify_refuses_what_is_no_checkpoint(
        self, workspace: Workspace, tmp_path: Path, line: str, message: str
    ) -> None:
        file = tmp_path / "kept.jsonl"
        file.write_text(line)

        with pytest.raises(CommandError, match=message):
            run("verify_audit", checkpoint=file)

    def test_file_that_is_not_there_is_named(self, db: None, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="cannot be read"):
            run("verify_audit", checkpoint=tmp_path / "none")

    @pytest.mark.parametrize("name", ["verify_audit", "audit_checkpoint"])
    def test_unknown_workspace_is_named(self, db: None, name: str) -> None:
        with pytest.raises(CommandError, match="no workspace nobody"):
            run(name, workspace="nobody")


class TestPages:
    def test_checkpoint_can_be_downloaded(
        self, alice_client: Client, workspace: Workspace, log: list[AuditEvent]
    ) -> None:
        answer = alice_client.get("/audit/keeping/checkpoint/")

        taken = Checkpoint.from_json(json.loads(answer.content))
        assert checkpoints.is_genuine(taken, log=str(workspace.public_id))
        assert taken.length == 6
        assert "attachment" in answer["Content-Disposition"]

    def test_lines_can_be_checked_elsewhere(
        self, alice_client: Client, log: list[AuditEvent]
    ) -> None:
        answer = alice_client.get("/audit/export.jsonl?what=workspaces.member.left")

        lines = [json.loads(line) for line in b"".join(answer).splitlines()]
        assert [line["digest"] for line in lines] == [
            event.digest
            for event in reversed(log)
            if event.action == lines[0]["action"]
        ]

    def test_owner_changes_how_long_events_are_kept(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        alice_client.post("/audit/keeping/retention/", {"days": "366"})
        workspace.refresh_from_db()
        assert workspace.audit_days == 366

        alice_client.post("/audit/keeping/retention/", {"days": "0"})
        workspace.refresh_from_db()
        assert workspace.audit_days is None

    def test_other_days_are_refused(
        self, alice_client: Client, workspace: Workspace
    ) -> None:
        answer = alice_client.post("/audit/keeping/retention/", {"days": "-1"})

        assert answer.status_code == 422
        workspace.refresh_from_db()
        assert workspace.audit_days is None


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_chain(workspace: Workspace) -> None:
    def write() -> None:
        for _ in range(10):
            audit.record(audit.Members.LEFT, workspace=workspace, actor=None)
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults(workspace) == []
    assert not AuditEvent.objects.filter(sequence=None, workspace=workspace).exists()
    assert AuditChain.objects.get(workspace=workspace).length >= 40


def run(name: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(name, stdout=out, **options)
    return out.getvalue()
