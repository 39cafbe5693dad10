"""`doctor` finds what is wrong with a deployment, and says what to do."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from config.operations import doctor
from config.operations.findings import Finding, Level
from integrations.connectors.browser import availability
from integrations.models import Integration
from tests import factories
from tests.audit_log import as_its_owner
from workspaces import heartbeats
from workspaces.clock import database_now


def found(name: str, level: Level) -> list[Finding]:
    return [one for one in doctor.examine() if (one.name, one.level) == (name, level)]


@pytest.mark.django_db
class TestFindings:
    def test_unsafe_setting_is_named(self, settings: Settings) -> None:
        settings.KEYWAY_TOKEN_KEYS = {}

        (one,) = found("settings", Level.FAILED)
        assert "keyway.E004" in one.message

    def test_host_that_nobody_may_ask_for(self, settings: Settings) -> None:
        settings.ALLOWED_HOSTS = []

        (one,) = found("address", Level.FAILED)
        assert "KEYWAY_PUBLIC_URL" in one.fix

    def test_proxy_that_is_not_counted(self, settings: Settings) -> None:
        settings.HTTPS = True

        (one,) = found("proxy", Level.WARNING)
        assert "KEYWAY_PROXY_COUNT" in one.fix

    def test_worker_that_is_not_there_and_is(self) -> None:
        assert found("worker", Level.WARNING)

        heartbeats.beat("here", now=database_now())

        assert found("worker", Level.OK)

    def test_key_that_is_gone_is_named_by_number(
        self, integration: Integration, settings: Settings
    ) -> None:
        settings.KEYWAY_ENCRYPTION_KEYS = {7: b"k" * 32}

        told = " ".join(one.message for one in found("keys", Level.FAILED))
        assert "service account sealed_secret has values under keys [1]" in told

    def test_key_that_nothing_needs(self, settings: Settings) -> None:
        settings.KEYWAY_ENCRYPTION_KEYS = {
            **settings.KEYWAY_ENCRYPTION_KEYS,
            2: b"k" * 32,
        }

        (one,) = found("keys", Level.WARNING)
        assert "Nothing needs key 1 of KEYWAY_ENCRYPTION_KEYS" in one.message

    def test_audit_log_that_the_database_does_not_keep(self) -> None:
        """AUD-01."""
        with as_its_owner():
            (one,) = found("audit log", Level.FAILED)
        assert "it lacks audit_chain_change, audit_chain_delete" in one.message

        (one,) = found("audit log", Level.OK)
        assert ("owns the tables" in one.message) == (connection.vendor != "sqlite")

    def test_static_files(self, settings: Settings, tmp_path: Path) -> None:
        settings.STATIC_ROOT = tmp_path
        assert found("static files", Level.FAILED)

        (tmp_path / "staticfiles.json").write_text("{}")
        assert found("static files", Level.OK)

    def test_mail_server_that_is_not_there_and_is(self, settings: Settings) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        settings.EMAIL_HOST_PASSWORD = "mail-5ecret"

        (one,) = found("mail", Level.FAILED)
        assert "127.0.0.1:9" in one.message
        assert "mail-5ecret" not in str(one)

    def test_cache_and_broker_that_are_not_there(self, settings: Settings) -> None:
        assert not found("cache", Level.OK)
        settings.CACHE_IS_SHARED = True
        assert found("cache", Level.OK)
        nowhere = "redis://:cache-5ecret@127.0.0.1:9/0"
        backend = "django.core.cache.backends.redis.RedisCache"
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": nowhere}}
        settings.KEYWAY_JOBS, settings.KEYWAY_CELERY_BROKER_URL = "celery", nowhere

        for name in ("cache", "broker"):
            (one,) = found(name, Level.FAILED)
            assert "ConnectionError" in one.message or "OperationalError" in one.message
            assert "5ecret" not in str(one)

    def test_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 10**18)

        assert found("disk", Level.WARNING)

    def test_connector_whose_part_is_not_installed(
        self, integration: Integration, settings: Settings
    ) -> None:
        assert found("connector http", Level.OK)

        app = integration.app
        app.connector = "browser"
        app.save(update_fields=["connector"])
        availability.use("/nowhere/chromium")
        try:
            (one,) = found("connector browser", Level.FAILED)
        finally:
            availability.use(settings.KEYWAY_CHROMIUM)
        assert "KEYWAY_CHROMIUM" in one.message

    @pytest.mark.skipif(connection.vendor == "sqlite", reason="of PostgreSQL")
    def test_database_that_forgets_at_a_power_cut(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")

        (one,) = [
            one
            for one in found("durability", Level.FAILED)
            if "synchronous_commit" in one.message
        ]
        assert "postgresql.conf" in one.fix


@pytest.mark.django_db
class TestCommand:
    def run(self, *options: str) -> tuple[int, str]:
        out = StringIO()
        try:
            call_command("doctor", *options, stdout=out)
        except SystemExit as end:
            return int(str(end.code)), out.getvalue()
        return 0, out.getvalue()

    def test_failure_is_exit_code_1_and_warning_is_not(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        (tmp_path / "staticfiles.json").write_text("{}")
        settings.STATIC_ROOT = tmp_path

        code, told = self.run()
        if connection.vendor == "sqlite":
            assert code == 0
        assert "warning  worker: No worker is known." in told
        assert "-> Start one: manage.py worker." in told

        settings.STATIC_ROOT = tmp_path / "none"
        code, told = self.run()
        assert code == 1
        assert "FAILED   static files" in told

    def test_json_holds_the_same(self) -> None:
        _, told = self.run("--json")

        lines = json.loads(told)
        assert {"name", "level", "message", "fix"} == set(lines[0])
        assert {line["level"] for line in lines} <= {"ok", "warning", "failed"}

    def test_no_secret_is_told(
        self, integration: Integration, settings: Settings
    ) -> None:
        _, told = self.run("--json")

        assert settings.SECRET_KEY not in told
        assert factories.SERVICE_PASSWORD not in told
        assert integration.name not in told
