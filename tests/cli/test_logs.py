"""`keyway logs --follow` loses nothing, and `keyway audit export` writes files."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import httpx2
import pytest
from click.testing import Result

from config.cli import following
from config.cli.api import Api
from config.cli.credentials import Credentials
from config.cli.errors import Unreachable
from integrations.models import Integration
from integrations.syncing import sync
from scim.models import RequestRecord
from tests import factories
from tests.cli.conftest import URL, Run
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, Workspace
from workspaces.permissions import Permission

Step = Callable[[], object]


@pytest.fixture
def follow(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Follow the log through steps, one before each look; return what was said."""

    def stop() -> None:
        raise KeyboardInterrupt

    def through(*steps: Step, limit: int = 5) -> list[str]:
        waiting = iter([*steps, stop])
        monkeypatch.setattr(following, "pause", lambda: next(waiting)())
        told: Result = run(
            "logs", "--follow", "--limit", str(limit), "--output", "json"
        )
        assert told.exit_code == 0, told.output
        rows = map(json.loads, told.stdout.splitlines())
        return [
            f"{row['what'].rpartition('/')[2]} {row['status']}"
            for row in rows
            if row["kind"] != "event"
        ]

    return through


def ask(integration: Integration, *names: str, at: timedelta = timedelta()) -> None:
    """Leave a record of a request for each name."""
    now = database_now() + at
    RequestRecord.objects.bulk_create(
        RequestRecord(
            directory=integration.directory,
            request_id=str(uuid.uuid4()),
            method="GET",
            path=f"/{name}",
            status=200,
            milliseconds=1,
            dialect="okta",
            at=now + timedelta(milliseconds=number),
        )
        for number, name in enumerate(names)
    )


class TestFollow:
    def test_more_than_a_page_between_two_looks_is_told_whole_and_in_order(
        self, follow: Callable[..., list[str]], integration: Integration
    ) -> None:
        before = [f"old{number}" for number in range(230)]
        burst = [f"new{number}" for number in range(650)]
        ask(integration, *before)

        said = follow(
            lambda: ask(integration, *burst, at=timedelta(seconds=1)),
            lambda: None,
            lambda: ask(integration, "last", at=timedelta(minutes=1)),
        )

        assert said == [f"{name} 200" for name in (*before[-5:], *burst, "last")]

    def test_all_is_told_that_comes_into_an_empty_log(
        self, follow: Callable[..., list[str]], integration: Integration
    ) -> None:
        names = [f"new{number}" for number in range(250)]

        said = follow(lambda: ask(integration, *names), lambda: None)

        assert said == [f"{name} 200" for name in names]

    def test_entry_that_appears_late_is_told(
        self, follow: Callable[..., list[str]], integration: Integration
    ) -> None:
        """Of two transactions the one with the smaller id can end after the other."""
        ask(integration, "first", "late", "second")
        late = RequestRecord.objects.get(path="/late")
        RequestRecord.objects.filter(pk=late.pk).delete()

        said = follow(lambda: ask(integration, "third"), late.save, lambda: None)

        assert said == ["first 200", "second 200", "third 200", "late 200"]

    def test_job_is_told_again_when_its_state_changes(
        self, follow: Callable[..., list[str]], integration: Integration
    ) -> None:
        def begin() -> None:
            Job.objects.update(state=Job.State.COMPLETED)

        Job.objects.create(
            workspace=integration.workspace,
            kind=sync.JOB,
            subject=integration.directory.key,
            trigger=Job.Trigger.WEB,
            due_at=database_now(),
        )

        said = follow(begin, lambda: None)

        assert said == ["integrations.sync queued", "integrations.sync completed"]


class TestAuditExport:
    def test_csv_is_the_file_of_the_api(
        self, run: Run, integration: Integration
    ) -> None:
        done = run("audit", "export", "--what", "integrations.integration.created")

        head, row = csv.reader(StringIO(done.stdout))
        assert (head[0], row[2]) == ("Time (UTC)", "Integration created")
        assert done.stderr == ""
        event = AuditEvent.objects.get(action="workspaces.audit_log.exported")
        assert event.data["form"] == "CSV"

    def test_json_lines_hold_the_digests(
        self, run: Run, integration: Integration
    ) -> None:
        done = run("audit", "export", "--format", "jsonl")

        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(lines) == AuditEvent.objects.count() >= 2
        assert all("digest" in line for line in lines)

    def test_wrong_day_is_refused_and_nothing_is_written(self, run: Run) -> None:
        done = run("audit", "export", "--from", "yesterday")

        assert (done.exit_code, done.stdout) == (1, "")
        assert "from must be a day such as 2026-01-31." in done.stderr

    def test_token_without_the_scope_is_refused(
        self, run: Run, workspace: Workspace
    ) -> None:
        weak = factories.issue_api_token(workspace, scopes=[Permission.VIEW_ACTIVITY])

        done = run("audit", "export", env={"KEYWAY_API_TOKEN": weak.plaintext})

        assert (done.exit_code, done.stdout) == (1, "")
        assert "view_audit" in done.stderr

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (httpx2.Response(200, json={"status": "ok"}), "without a file"),
            (httpx2.Response(502, text="Bad gateway"), "without a reason"),
        ],
    )
    def test_answer_that_is_no_file_is_not_written(
        self, answer: httpx2.Response, why: str
    ) -> None:
        transport = httpx2.MockTransport(lambda _: answer)

        with (
            Api(Credentials(URL, "kwa_x"), transport=transport) as api,
            pytest.raises(Unreachable, match=why),
        ):
            list(api.download("/v1/audit-log.csv"))
