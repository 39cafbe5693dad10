"""What probes and Prometheus are told, and who may read it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from config.operations import readiness
from integrations.models import Integration
from tests.conftest import ScimClient
from tests.operations import processes
from workspaces import heartbeats, jobs
from workspaces.clock import database_now
from workspaces.models import Job, WorkerProcess, Workspace

TOKEN = "metrics-token-5ecret"
PROBES = ("/healthz", "/readyz", "/metrics")


class TestProbes:
    def test_healthz_asks_nobody(self, client: Client) -> None:
        """Without the database: the mark that would open it is not here."""
        assert client.get("/healthz").content == b"ok\n"

    @pytest.mark.django_db
    def test_readyz_is_200_with_a_warning_where_no_worker_is(
        self, client: Client
    ) -> None:
        answer = client.get("/readyz")

        assert answer.status_code == 200
        assert b"worker: warning. No worker is known. Start one" in answer.content
        assert b"migrations: ok\n" in answer.content

    def test_readyz_says_ok_while_a_worker_beats(
        self, client: Client, db: None
    ) -> None:
        heartbeats.beat("here", now=database_now())

        lines = client.get("/readyz").content.decode().splitlines()

        assert lines == ["database: ok", "migrations: ok", "keys: ok", "worker: ok"]

    def test_readyz_warns_of_a_worker_that_went_silent(
        self, client: Client, db: None
    ) -> None:
        heartbeats.beat("gone", now=database_now() - timedelta(minutes=7))

        assert b"No worker for 7 minutes" in client.get("/readyz").content

    def test_readyz_costs_few_queries(
        self, client: Client, integration: Integration, django_assert_max_num_queries
    ) -> None:
        client.get("/readyz")

        with django_assert_max_num_queries(10):
            client.get("/readyz")

    def test_readyz_is_503_before_the_migrations(
        self, client: Client, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A new version on a database that was not migrated takes no requests."""
        monkeypatch.setattr(readiness._applied, "is_known", False)
        latest = MigrationRecorder.Migration.objects.filter(app="workspaces").last()
        MigrationRecorder(connection).record_unapplied("workspaces", latest.name)

        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert b"migrations: failed. 1 migrations" in answer.content
        assert b"Run manage.py migrate." in answer.content

    def test_readyz_is_503_without_a_database(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "import django; django.setup();"
                "from django.test import Client;"
                "answer = Client().get('/readyz');"
                "print(answer.status_code, answer.content.decode())",
            ],
            cwd=processes.ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "DATABASE_URL": "postgres://nobody:s3cret@127.0.0.1:9/none",
            },
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout.startswith("503 database: failed.")
        assert "s3cret" not in done.stdout

    @pytest.mark.parametrize("path", PROBES)
    def test_other_methods_are_refused(self, client: Client, path: str) -> None:
        assert client.post(path).status_code == 405
        assert client.head("/healthz").status_code == 200

    @pytest.mark.django_db
    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_probe_by_address_over_http_is_answered(
        self, path: str, settings: Settings
    ) -> None:
        settings.ALLOWED_HOSTS = ["keyway.example"]
        settings.SECURE_SSL_REDIRECT = True

        answer = Client(headers={"host": "10.1.2.3:8000"}).get(path)

        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        assert not answer.cookies


def read(client: Client, **headers: str) -> dict[tuple[str, ...], float]:
    """Return the samples: (name, values of the labels by their names) to value."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return {
        (sample.name, *(v for _, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


@pytest.fixture
def metrics(settings: Settings, client: Client, db: None) -> Client:
    settings.KEYWAY_METRICS_NETWORKS = [ip_network("127.0.0.0/8")]
    return client


class TestWhoMayRead:
    def test_nobody_by_default(self, client: Client) -> None:
        assert client.get("/metrics").status_code == 404

    @pytest.mark.django_db
    def test_bearer_token(self, client: Client, settings: Settings) -> None:
        settings.KEYWAY_METRICS_TOKEN = TOKEN

        right = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        wrong = client.get("/metrics", headers={"authorization": "Bearer ümetrics"})

        assert right.status_code == 200
        assert TOKEN.encode() not in right.content
        assert wrong.status_code == 404
        assert client.get("/metrics").status_code == 404

    @pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
    def test_network_counts_only_where_no_proxy_is_between(
        self, metrics: Client, header: str
    ) -> None:
        assert metrics.get("/metrics").status_code == 200
        assert metrics.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404

    def test_other_network_is_refused(self, metrics: Client) -> None:
        assert metrics.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404


class TestMetrics:
    def test_requests_are_counted_by_part_and_endpoint(
        self, metrics: Client, scim: ScimClient
    ) -> None:
        before = read(metrics)
        scim.add_user()
        metrics.get("/login/")
        metrics.generic("BREW", "/login/")

        after = read(metrics)

        def more(*key: str) -> float:
            return after[key] - before.get(key, 0)

        assert more("keyway_request_seconds_count", "POST", "scim", "201") == 1
        assert more("keyway_request_seconds_count", "GET", "login", "200") == 1
        assert more("keyway_request_seconds_count", "other", "login", "405") == 1
        assert more("keyway_scim_request_seconds_count", "Users", "POST") == 1

    def test_work_is_told(
        self, metrics: Client, scim: ScimClient, workspace: Workspace
    ) -> None:
        scim.add_user()
        now = database_now()
        jobs.enqueue(
            "integrations.sync",
            workspace=workspace,
            subject="late",
            trigger=Job.Trigger.WEB,
            now=now - timedelta(minutes=10),
        )
        heartbeats.beat("here", now=now)

        told = read(metrics)

        assert told["keyway_jobs", "integrations.sync", "queued"] == 1
        late = told["keyway_jobs_oldest_due_seconds", "integrations.sync", "queued"]
        assert 599 < late < 700
        assert told["keyway_provisioning", "provisioning_awaiting"] == 1
        assert told["keyway_tokens_expiring", "90"] == 0
        assert told["keyway_tokens_expiring", "+Inf"] == 1
        assert told["keyway_worker_silent_seconds",] < 60

    def test_no_name_key_or_secret_is_in_it(
        self, metrics: Client, scim: ScimClient, integration: Integration
    ) -> None:
        user = scim.add_user("canary@acme.test")
        scim.get("/canary-endpoint")
        metrics.get("/canary-path/")
        metrics.get(f"/integrations/{integration.directory.key}/")

        told = metrics.get("/metrics").content.decode()

        for secret in (
            "canary",
            "acme",
            integration.directory.key,
            integration.name,
            user["id"],
            scim.token,
        ):
            assert secret not in told

    def test_every_metric_is_described_and_no_other(self, metrics: Client) -> None:
        page = (processes.ROOT / "docs/howto/monitoring.md").read_text()
        described = set(re.findall(r"^\| `(keyway_\w+)`", page, re.MULTILINE))
        text = metrics.get("/metrics").content.decode()

        told = set(
            re.findall(r"^# TYPE (keyway_\w+) (?:gauge|histogram)", text, re.MULTILINE)
        )
        told = {name for name in told if not name.endswith("_created")}
        assert told == described

    def test_queries_do_not_grow_with_the_work(
        self, metrics: Client, scim: ScimClient, django_assert_max_num_queries
    ) -> None:
        for number in range(3):
            scim.add_user(f"p{number}@acme.test")

        with django_assert_max_num_queries(7):
            metrics.get("/metrics")

    def test_several_processes_of_a_machine_are_added_up(
        self, tmp_path: Path, db: None
    ) -> None:
        code = (
            "import django, os; django.setup();"
            "from django.test import Client;"
            "child = os.fork();"
            "Client().get('/nowhere');"
            "child or os._exit(0);"
            "os.waitpid(child, 0);"
            "answer = Client().get('/metrics', headers={'authorization': 'Bearer t'});"
            "print(answer.content.decode())"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=processes.ROOT,
            env=processes.environment(
                DJANGO_SETTINGS_MODULE="tests.settings",
                PROMETHEUS_MULTIPROC_DIR=str(tmp_path),
                KEYWAY_METRICS_TOKEN="t",
            ),
            capture_output=True,
            text=True,
            check=True,
        )

        counted = 'keyway_request_seconds_count{method="GET",part="unknown"'
        (line,) = [line for line in done.stdout.splitlines() if counted in line]
        assert line.endswith(" 2.0")


@pytest.mark.django_db(transaction=True)
def test_worker_beats_while_it_runs_and_signs_off() -> None:
    worker = processes.start("worker", "--threads", "1")
    try:
        ends_at = time.monotonic() + 30
        while not WorkerProcess.objects.exists() and time.monotonic() < ends_at:
            time.sleep(0.1)
        (present,) = WorkerProcess.objects.all()
        assert database_now() - present.seen_at < heartbeats.MISSED
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=30)

    assert worker.returncode == 0
    assert not WorkerProcess.objects.exists()


def test_heartbeat_keeps_the_start_and_forgets_the_dead(db: None) -> None:
    now = database_now()
    heartbeats.beat("dead", now=now - timedelta(days=2))
    heartbeats.beat("here", now=now - timedelta(minutes=1))

    heartbeats.beat("here", now=now)

    (here,) = WorkerProcess.objects.all()
    assert (here.name, here.started_at, here.seen_at) == (
        "here",
        now - timedelta(minutes=1),
        now,
    )
