"""S0-108: tokens are replaced by schedule, by a person, without a gap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.test import Client

from integrations.models import Integration
from tests import factories
from tests.conftest import ScimClient
from tests.portal.test_token_dialog import value_of
from tokens import notices, scheduled_rotation, services, watch
from tokens.audit import Action
from tokens.models import ScimToken
from tokens.policy_models import RotationSchedule, TokenPolicy
from tokens.services import Overlap
from workspaces import jobs, leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User, Workspace

DAY = timedelta(days=1)
HTMX = {"hx-request": "true"}


@pytest.fixture
def token(directory: Directory, alice: User) -> ScimToken:
    """A token of a connection that is replaced every 90 days."""
    scheduled_rotation.set_up(directory, every_days=90, lead_days=14, actor=alice)
    return factories.issue_token(directory, name="okta-prod").token


@pytest.fixture
def page(directory: Directory) -> str:
    return f"/integrations/{directory.key}/settings/connected-services/"


def age(token: ScimToken, days: float) -> None:
    ScimToken.objects.filter(pk=token.pk).update(created_at=database_now() - days * DAY)


def look(workspace: Workspace, what: str = "rotations") -> int:
    """Let the hourly job run; how many of something it told of."""
    job = jobs.enqueue(
        watch.JOB,
        workspace=workspace,
        subject="x",
        trigger=Job.Trigger.SCHEDULE,
        now=database_now(),
    ).job
    return watch.watch(job)[what]


def deliver() -> None:
    for job in Job.objects.filter(kind=notices.JOB, state__in=Job.WAITING):
        Job.objects.filter(pk=job.pk).update(state=Job.State.STARTED)
        job.refresh_from_db()
        leases.carry_out(job)


class TestReminders:
    def test_administrators_are_told_on_each_day_once(
        self, workspace: Workspace, token: ScimToken
    ) -> None:
        told = []
        for days in (75, 76.5, 80, 83.5, 88, 89.5, 91, 100):
            age(token, days)
            told.append(look(workspace))
            assert look(workspace) == 0

        assert told == [0, 1, 0, 1, 0, 1, 1, 0]
        marks = AuditEvent.objects.filter(action=Action.ROTATION_REMINDED)
        assert [event.data["days"] for event in marks.order_by("id")] == [14, 7, 1, 0]

    def test_mail_says_by_when_and_what_to_do_and_holds_no_value(
        self, workspace: Workspace, directory: Directory, token: ScimToken
    ) -> None:
        age(token, 80)
        look(workspace)

        deliver()

        [sent] = mail.outbox
        assert sent.subject == "The token okta-prod of Acme Demo is due to be replaced"
        assert sent.recipients() == ["alice@acme.test"]
        by = database_now() + 10 * DAY
        assert f"every 90 days, this time until {by:%d %b %Y}" in sent.body
        assert "paste it in" in sent.body
        assert f"/integrations/{directory.key}/settings/" in sent.body

    def test_schedule_that_was_turned_off_meanwhile_sends_nothing(
        self, workspace: Workspace, directory: Directory, alice: User, token: ScimToken
    ) -> None:
        age(token, 80)
        look(workspace)
        scheduled_rotation.turn_off(directory, actor=alice)

        deliver()

        assert mail.outbox == []
        assert (
            "not replaced by schedule"
            in Job.objects.get(kind=notices.JOB).result["note"]
        )

    def test_token_with_a_successor_or_of_another_connection_is_left_alone(
        self, workspace: Workspace, directory: Directory, alice: User, token: ScimToken
    ) -> None:
        age(token, 80)
        services.rotate(
            directory, token, overlap=Overlap.WEEK, actor=alice, now=database_now()
        )
        other = factories.IntegrationFactory(workspace=workspace).directory
        age(factories.issue_token(other).token, 80)

        assert look(workspace) == 0

    def test_token_is_due_before_it_expires(
        self, workspace: Workspace, token: ScimToken
    ) -> None:
        ends: datetime = database_now() + 5 * DAY
        ScimToken.objects.filter(pk=token.pk).update(expires_at=ends)

        [due] = scheduled_rotation.dues(workspace, now=database_now())

        assert (due.at, due.is_open, due.is_overdue) == (ends, True, False)


class TestUnusedSuccessor:
    """The IdP has not got the new token, and the old one stops soon."""

    @pytest.fixture
    def old(self, directory: Directory, alice: User) -> ScimToken:
        old = factories.issue_token(directory, name="okta").token
        services.rotate(
            directory, old, overlap=Overlap.WEEK, actor=alice, now=database_now()
        )
        ScimToken.objects.filter(directory=directory).update(
            created_at=database_now() - 7 * DAY
        )
        ScimToken.objects.filter(pk=old.pk).update(
            overlap_ends_at=database_now() + 0.9 * DAY, last_used_at=database_now()
        )
        old.refresh_from_db()
        return old

    def test_administrators_are_told_a_day_before_once(
        self, workspace: Workspace, old: ScimToken
    ) -> None:
        Job.objects.all().delete()
        assert look(workspace, "unused") == 1
        assert look(workspace, "unused") == 0

        deliver()

        [sent] = mail.outbox
        assert (
            sent.subject == "The old token okta of Acme Demo stops soon and is in use"
        )
        assert sent.recipients() == ["alice@acme.test"]
        assert "okta 2" in sent.body

    @pytest.mark.parametrize(
        ("which", "columns"),
        [
            ("new", {"last_used_at": database_now}),
            ("new", {"created_at": database_now}),
            ("old", {"last_used_at": lambda: None}),
            ("old", {"overlap_ends_at": lambda: database_now() + 2 * DAY}),
            ("old", {"revoked_at": database_now}),
        ],
        ids=["used", "made today", "old one never used", "not soon", "revoked"],
    )
    def test_nobody_is_told_where_there_is_no_need(
        self,
        workspace: Workspace,
        old: ScimToken,
        which: str,
        columns: dict[str, Callable[[], datetime | None]],
    ) -> None:
        key = old.pk if which == "old" else old.replaced_by_id
        values = {name: value() for name, value in columns.items()}
        ScimToken.objects.filter(pk=key).update(**values)

        assert look(workspace, "unused") == 0


class TestDashboard:
    @pytest.mark.parametrize(
        ("days", "words"),
        [
            (75, None),
            (80, "Token okta-prod is due to be replaced by schedule."),
            (91, "Token okta-prod is overdue to be replaced by schedule."),
        ],
    )
    def test_it_tells_of_tokens_that_are_due(
        self, alice_client: Client, token: ScimToken, days: int, words: str | None
    ) -> None:
        age(token, days)

        content = alice_client.get("/dashboard/").text

        assert (words or "") in content
        assert ("to be replaced" in content) is (words is not None)


class TestOneClick:
    def test_successor_is_shown_once_and_the_old_one_ends_itself(
        self,
        alice_client: Client,
        integration: Integration,
        page: str,
        token: ScimToken,
    ) -> None:
        age(token, 91)
        content = alice_client.get(page).text
        assert "okta-prod is overdue to be replaced" in content
        assert "The old one stops in 7 days: both work until then." in content

        answer = alice_client.post(
            f"/tokens/{integration.directory.key}/{token.key}/new/",
            {"overlap": "7d"},
            headers=HTMX,
        )

        value = value_of(answer.content)
        scim = ScimClient(integration.directory, value)
        assert scim.get("/Users").status == 200
        token.refresh_from_db()
        left = token.overlap_ends_at - database_now()  # type: ignore[operator]
        assert 6 * DAY < left <= 7 * DAY
        later = alice_client.get(page).text
        assert "to be replaced" not in later
        assert value not in later

    def test_button_keeps_to_the_longest_overlap_of_the_policy(
        self, alice_client: Client, workspace: Workspace, page: str, token: ScimToken
    ) -> None:
        TokenPolicy.objects.create(workspace=workspace, longest_overlap_hours=1)
        age(token, 80)

        content = alice_client.get(page).text

        assert "okta-prod is due to be replaced" in content
        assert 'name="overlap" value="1h"' in content


class TestPage:
    def path(self, directory: Directory) -> str:
        return f"/tokens/{directory.key}/rotation/"

    def test_schedule_is_kept_changed_and_turned_off(
        self, alice_client: Client, directory: Directory, page: str
    ) -> None:
        factories.issue_token(directory)
        path = self.path(directory)
        for _ in range(2):
            saved = alice_client.post(
                path, {"every_days": 30, "lead_days": 7}, follow=True
            )
            assert "Tokens are to be replaced every 30 days." in saved.text
        assert "Tokens are replaced every 30 days." in alice_client.get(page).text

        off = alice_client.post(path, {"every_days": "", "lead_days": 7}, follow=True)

        assert "Tokens are not replaced by schedule." in off.text
        assert not RotationSchedule.objects.exists()
        events = AuditEvent.objects.filter(action__contains="rotation").order_by("id")
        assert list(events.values_list("action", flat=True)) == [
            Action.ROTATION_SCHEDULED,
            Action.ROTATION_UNSCHEDULED,
        ]

    def test_dialog_answers_with_a_redirect_of_the_page(
        self, alice_client: Client, directory: Directory, page: str
    ) -> None:
        path = self.path(directory)

        assert "<dialog" in alice_client.get(path, headers=HTMX).text
        saved = alice_client.post(
            path, {"every_days": 30, "lead_days": 7}, headers=HTMX
        )

        assert saved["HX-Redirect"] == page

    @pytest.mark.parametrize(
        ("every", "lead", "words"),
        [
            ("6", "1", "Enter whole days, 7 to 730."),
            ("731", "1", "Enter whole days, 7 to 730."),
            ("a month", "1", "Enter whole days, 7 to 730."),
            ("30", "", "Enter whole days, 1 to 90."),
            ("30", "0", "Enter whole days, 1 to 90."),
            ("30", "30", "Enter fewer than 30 days."),
        ],
    )
    def test_what_is_wrong_is_said(
        self,
        alice_client: Client,
        directory: Directory,
        every: str,
        lead: str,
        words: str,
    ) -> None:
        answer = alice_client.post(
            self.path(directory), {"every_days": every, "lead_days": lead}
        )

        assert answer.status_code == 422
        assert words in answer.text
        assert not RotationSchedule.objects.exists()
