"""Scheduled syncs: expressions, when they are due, and what is overdue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client

from integrations import configuration
from integrations.models import Integration, IntegrationDraft
from integrations.syncing import cron, schedule
from tests import factories
from workspaces import periodic
from workspaces.clock import database_now
from workspaces.models import Job, User, Workspace

MONDAY = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)
EVERY_6_HOURS = "0 */6 * * *"


class TestExpressions:
    @pytest.mark.parametrize(
        ("written", "kept", "words"),
        [
            ("", "", "Only when somebody presses Sync"),
            ("0 * * * *", "0 * * * *", "Every hour"),
            (" 0  2 * * 0 ", "0 2 * * 0", "Every week, Sunday at 02:00 UTC"),
            ("30 5 * * 1-5", "30 5 * * 1-5", "At 05:30 on Monday through Friday, UTC"),
            ("0 4 * * mon,thu", "0 4 * * MON,THU", "At 04:00 on Monday and Thursday"),
            ("*/15 * * * *", "*/15 * * * *", "Every 15th minute of every hour, UTC"),
        ],
    )
    def test_good_one_is_said_in_words(
        self, written: str, kept: str, words: str
    ) -> None:
        assert cron.check(written) == kept
        assert cron.in_words(kept).startswith(words)

    @pytest.mark.parametrize(
        ("written", "error"),
        [
            ("@daily", "Enter five fields"),
            ("0 0 * * * *", "Enter five fields"),
            ("61 * * * *", "Bad minute."),
            ("0 25 * * *", "Bad hour."),
            ("0 2 * * nosuchday", "Bad day-of-week."),
            ("0 2 30 2 *", "Bad day-of-month."),
            ("0 2 * 2 1#5,٣", "Bad day-of-week."),
            ("0,0,0" + ",0" * 50 + " * * * *", "Enter five fields"),
            ("* * * * *", "more often than every 15 minutes"),
            ("0,50 0,1 * * *", "more often than every 15 minutes"),
            ("5,55 0,23 * * *", "more often than every 15 minutes"),
        ],
    )
    def test_bad_one_gets_a_reason_and_an_example(
        self, written: str, error: str
    ) -> None:
        with pytest.raises(cron.BadExpression) as caught:
            cron.check(written)

        assert error in str(caught.value)
        assert "such as" in str(caught.value)

    @pytest.mark.parametrize("expression", [each for each in cron.PRESETS if each])
    def test_presets_are_good(self, expression: str) -> None:
        following, second = cron.times(expression, after=MONDAY)

        assert cron.check(expression) == expression
        assert following is not None
        assert second is not None
        assert MONDAY < following < second

    def test_times_are_those_of_utc(self) -> None:
        following, second = cron.times("30 5 * * 1-5", after=MONDAY)

        assert following == datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
        assert second == datetime(2026, 11, 25, 5, 30, tzinfo=UTC)
        assert cron.times(cron.NEVER, after=MONDAY) == (None, None)


@pytest.fixture
def scheduled(workspace: Workspace) -> Integration:
    return factories.IntegrationFactory(
        workspace=workspace, name="Scheduled", sync_schedule=EVERY_6_HOURS
    )


def syncs() -> int:
    return Job.objects.filter(kind="integrations.sync").count()


class TestDue:
    def test_first_one_comes_at_the_first_time(self, scheduled: Integration) -> None:
        """E0-7: a sync also comes by itself."""

        due = scheduled.next_sync_at
        assert due is not None
        assert database_now() < due <= database_now() + timedelta(hours=6)

        assert schedule.ask_for_due(due - timedelta(seconds=1)) == 0
        assert schedule.ask_for_due(due) == 1

        scheduled.refresh_from_db()
        assert scheduled.next_sync_at == due + timedelta(hours=6)
        assert Job.objects.get(kind="integrations.sync").trigger == "schedule"

    def test_times_that_passed_are_one_sync(self, scheduled: Integration) -> None:
        late = scheduled.created_at + timedelta(days=3)

        assert schedule.ask_for_due(late) == 1
        assert schedule.ask_for_due(late) == 0

        scheduled.refresh_from_db()
        assert scheduled.next_sync_at is not None
        assert late < scheduled.next_sync_at <= late + timedelta(hours=6)

    def test_of_two_workers_one_asks(self, scheduled: Integration) -> None:
        late = scheduled.created_at + timedelta(days=1)
        as_read = Integration.objects.select_related("directory").get(pk=scheduled.pk)

        assert schedule.ask_for_due(late) == 1
        assert not schedule._ask(as_read, late)

        assert syncs() == 1

    def test_paused_one_waits_for_the_resume(self, scheduled: Integration) -> None:
        late = scheduled.created_at + timedelta(days=1)
        rows = Integration.objects.filter(pk=scheduled.pk)

        rows.update(paused_at=late)
        assert schedule.ask_for_due(late) == 0
        rows.update(paused_at=None)

        assert schedule.ask_for_due(late) == 1

    def test_without_a_schedule_nothing_is_synced(
        self, integration: Integration
    ) -> None:
        assert integration.next_sync_at is None
        assert schedule.ask_for_due(MONDAY + timedelta(days=999)) == 0

    def test_worker_asks_by_itself(self, scheduled: Integration) -> None:
        periodic.enqueue_due(now=scheduled.created_at + timedelta(days=1))

        assert syncs() == 1

    def test_finished_sync_is_no_longer_overdue(
        self, connected: Integration, work: Callable[..., None]
    ) -> None:
        long_ago = database_now() - timedelta(days=1)
        Integration.objects.update(
            sync_schedule=EVERY_6_HOURS, next_sync_at=long_ago, sync_overdue_at=long_ago
        )

        schedule.ask_for_due(database_now())
        work()

        connected.refresh_from_db()
        assert connected.last_synced_at is not None
        assert connected.sync_overdue_at is not None
        assert connected.next_sync_at is not None
        late = connected.sync_overdue_at - connected.next_sync_at
        assert late == timedelta(hours=6)


class TestChange:
    def test_new_schedule_counts_from_now(
        self, integration: Integration, alice: User
    ) -> None:
        wish = configuration.General(
            name=integration.name,
            base_url=integration.base_url,
            identifier="",
            sync_schedule="30 5 * * 1-5",
            on_unassign="deactivate",
            delete_after_days=30,
        )

        configuration.change_general(integration, wish, actor=alice, now=MONDAY)

        integration.refresh_from_db()
        assert integration.next_sync_at == datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
        assert integration.sync_overdue_at == datetime(2026, 11, 25, 5, 30, tzinfo=UTC)

    def test_own_expression_is_kept_and_shown(
        self, alice_client: Client, integration: Integration
    ) -> None:
        page = f"/integrations/{integration.directory.key}/"
        values = {
            "name": "Acme",
            "base_url": "http://127.0.0.1:9",
            "sync_schedule": "own",
            "own_schedule": "30 5 * * mon-fri",
            "on_unassign": "deactivate",
            "calls_per_second": "0",
            "confirms_with_app": "no",
        }

        answer = alice_client.post(f"{page}settings/general/", values)

        assert answer.status_code == 302
        form = alice_client.get(f"{page}settings/general/").content.decode()
        assert 'value="30 5 * * MON-FRI"' in form
        overview = alice_client.get(f"{page}overview/").content.decode()
        assert "At 05:30 on Monday through Friday, UTC" in overview

    @pytest.mark.parametrize(
        ("own", "error"),
        [
            ("", "Enter a cron expression, such as 30 5 * * 1-5."),
            ("61 * * * *", "Bad minute. Enter minute, hour"),
        ],
    )
    def test_bad_expression_is_kept_in_the_form(
        self, alice_client: Client, integration: Integration, own: str, error: str
    ) -> None:
        page = f"/integrations/{integration.directory.key}/settings/general/"
        values = {
            "name": "Acme",
            "base_url": "http://127.0.0.1:9",
            "sync_schedule": "own",
            "own_schedule": own,
            "on_unassign": "deactivate",
            "calls_per_second": "0",
            "confirms_with_app": "no",
        }

        answer = alice_client.post(page, values)

        assert answer.status_code == 422
        assert error in answer.content.decode()
        integration.refresh_from_db()
        assert integration.sync_schedule == ""


class TestMigration:
    """0016 turns hours into expressions, and back."""

    conversion = import_module("integrations.migrations.0016_sync_schedule")

    @pytest.mark.parametrize(
        ("hours", "expression", "back"),
        [
            (0, "", 0),
            (1, "0 * * * *", 1),
            (6, EVERY_6_HOURS, 6),
            (24, "0 2 * * *", 24),
            (48, "0 2 * * *", 24),
            (168, "0 2 * * 0", 168),
        ],
    )
    def test_hours_become_the_nearest_expression(
        self, hours: int, expression: str, back: int
    ) -> None:
        assert self.conversion._expression(hours) == expression
        assert cron.check(expression) == expression
        assert self.conversion._hours(expression) == back

    def test_answers_of_drafts_follow(self, workspace: Workspace, alice: User) -> None:
        draft = IntegrationDraft.objects.create(
            workspace=workspace, created_by=alice, answers={"sync_every_hours": 6}
        )

        self.conversion._answers(
            apps, "sync_every_hours", "sync_schedule", self.conversion._expression
        )

        draft.refresh_from_db()
        assert draft.answers == {"sync_schedule": EVERY_6_HOURS}
