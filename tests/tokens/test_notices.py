"""S0-130: making or replacing a token tells the other administrators."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from pytest_django import Settings

from integrations.models import Integration
from tests import factories
from tokens import notices, services, watch
from tokens.audit import Action
from tokens.models import ScimToken
from tokens.services import Overlap
from workspaces import jobs, leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, Role, User, Workspace

DAY = timedelta(days=1)


@pytest.fixture
def dana(workspace: Workspace) -> User:
    user = factories.UserFactory(email="dana@acme.test", name="Dana")
    factories.MembershipFactory(workspace=workspace, user=user, role=Role.ADMIN)
    return user


@pytest.fixture
def deliver() -> Callable[[], list[mail.EmailMessage]]:
    """Carry out the waiting mails."""

    def run() -> list[mail.EmailMessage]:
        for job in Job.objects.filter(kind=notices.JOB, state__in=Job.WAITING):
            Job.objects.filter(pk=job.pk).update(state=Job.State.STARTED)
            job.refresh_from_db()
            leases.carry_out(job)
        return list(mail.outbox)

    return run


def test_s0_130_first_token_tells_the_administrators_but_the_actor(
    directory: Directory,
    alice: User,
    dana: User,
    bob: User,
    charlie: User,
    deliver: Callable[[], list[mail.EmailMessage]],
) -> None:
    issued = services.generate_first(directory, actor=alice, now=database_now())

    [sent] = deliver()

    assert sent.recipients() == ["dana@acme.test"]
    assert sent.subject == "Alice generated a token for Acme Demo"
    assert issued.token.hint in sent.body
    assert "/settings/connected-services/" in sent.body


def test_s0_128_mail_holds_no_value(
    directory: Directory,
    alice: User,
    dana: User,
    deliver: Callable[[], list[mail.EmailMessage]],
) -> None:
    issued = services.generate_first(directory, actor=alice, now=database_now())

    [sent] = deliver()

    assert issued.plaintext not in sent.message().as_string()


@pytest.mark.parametrize(
    ("overlap", "words"),
    [(Overlap.NOW, "which no longer works"), (Overlap.DAY, "which stops on")],
)
def test_s0_130_replacement_says_what_becomes_of_the_old_token(
    directory: Directory,
    alice: User,
    dana: User,
    deliver: Callable[[], list[mail.EmailMessage]],
    overlap: Overlap,
    words: str,
) -> None:
    old = factories.issue_token(directory).token
    services.rotate(directory, old, overlap=overlap, actor=alice, now=database_now())

    [sent] = deliver()

    assert sent.subject == "Alice replaced the token of Acme Demo"
    assert f"It replaces {old}, {words}" in " ".join(sent.body.split())


def test_nobody_else_to_tell_makes_no_job(directory: Directory, alice: User) -> None:
    services.generate_first(directory, actor=alice, now=database_now())

    assert not Job.objects.filter(kind=notices.JOB).exists()


def test_inactive_administrator_is_not_told(
    directory: Directory, alice: User, dana: User
) -> None:
    User.objects.filter(pk=dana.pk).update(is_active=False)

    services.generate_first(directory, actor=alice, now=database_now())

    assert not Job.objects.filter(kind=notices.JOB).exists()


def test_mail_server_that_is_down_does_not_undo_the_token(
    directory: Directory,
    alice: User,
    dana: User,
    deliver: Callable[[], list[mail.EmailMessage]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_message: mail.EmailMessage) -> int:
        raise smtplib.SMTPConnectError(421, "down")

    monkeypatch.setattr(mail.EmailMessage, "send", refuse)
    services.generate_first(directory, actor=alice, now=database_now())

    assert deliver() == []

    job = Job.objects.get(kind=notices.JOB)
    assert job.state == Job.State.RETRYING
    assert "mail server" in job.error
    assert ScimToken.objects.of_directory(directory).count() == 1


def test_without_a_mail_server_the_job_says_so(
    directory: Directory,
    alice: User,
    dana: User,
    deliver: Callable[[], list[mail.EmailMessage]],
    settings: Settings,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    services.generate_first(directory, actor=alice, now=database_now())

    deliver()

    assert "KEYWAY_EMAIL_URL" in Job.objects.get(kind=notices.JOB).result["note"]


def test_line_break_in_a_name_stays_out_of_the_subject(
    directory: Directory,
    integration: Integration,
    alice: User,
    dana: User,
    deliver: Callable[[], list[mail.EmailMessage]],
) -> None:
    Integration.objects.update(name="A\nBcc: x@evil.test")
    services.generate_first(directory, actor=alice, now=database_now())

    [sent] = deliver()

    assert sent.subject == "Alice generated a token for A Bcc: x@evil.test"
    assert sent.recipients() == ["dana@acme.test"]


class TestWatch:
    """Ends and reminders: S0-108 and S0-129."""

    def watch(self, workspace: Workspace) -> dict[str, int]:
        job = jobs.enqueue(
            watch.JOB,
            workspace=workspace,
            subject="x",
            trigger=Job.Trigger.SCHEDULE,
            now=database_now(),
        ).job
        return watch.watch(job)

    def test_s0_129_end_of_a_token_is_written_down_once(
        self, workspace: Workspace, directory: Directory
    ) -> None:
        token = factories.issue_token(directory, lifetime=-DAY).token

        assert self.watch(workspace)["ended"] == 1
        assert self.watch(workspace)["ended"] == 0

        event = AuditEvent.objects.get(action=Action.EXPIRED)
        assert (event.target_id, event.actor) == (token.key, None)

    def test_s0_129_end_of_an_overlap_is_written_down(
        self, workspace: Workspace, directory: Directory, alice: User
    ) -> None:
        old = factories.issue_token(directory).token
        services.rotate(
            directory, old, overlap=Overlap.HOUR, actor=alice, now=database_now()
        )
        assert self.watch(workspace)["ended"] == 0
        ScimToken.objects.filter(pk=old.pk).update(overlap_ends_at=database_now())

        assert self.watch(workspace)["ended"] == 1

        assert AuditEvent.objects.get(action=Action.RETIRED).target_id == old.key

    def test_overlap_that_a_person_ended_is_not_written_down_again(
        self, workspace: Workspace, directory: Directory, alice: User
    ) -> None:
        old = factories.issue_token(directory).token
        services.rotate(
            directory, old, overlap=Overlap.HOUR, actor=alice, now=database_now()
        )
        services.retire(old, actor=alice, now=database_now())

        assert self.watch(workspace)["ended"] == 0

    @pytest.mark.parametrize(
        ("left", "reminders"),
        [(91, 0), (89, 1), (31, 1), (29, 1), (7, 1), (6, 1), (0.5, 1)],
    )
    def test_s0_108_administrators_are_reminded_before_the_end(
        self,
        workspace: Workspace,
        directory: Directory,
        alice: User,
        deliver: Callable[[], list[mail.EmailMessage]],
        left: float,
        reminders: int,
    ) -> None:
        token = factories.issue_token(directory).token
        ScimToken.objects.filter(pk=token.pk).update(
            created_at=database_now() - 700 * DAY,
            expires_at=database_now() + left * DAY,
        )

        assert self.watch(workspace)["reminded"] == reminders
        assert self.watch(workspace)["reminded"] == 0

        sent = deliver()
        assert len(sent) == reminders
        if sent:
            assert sent[0].subject == "The token test of Acme Demo expires soon"
            assert sent[0].recipients() == ["alice@acme.test"]

    def test_replaced_token_needs_no_reminder(
        self, workspace: Workspace, directory: Directory, alice: User
    ) -> None:
        old = factories.issue_token(directory).token
        services.rotate(
            directory, old, overlap=Overlap.WEEK, actor=alice, now=database_now()
        )
        ScimToken.objects.filter(pk=old.pk).update(expires_at=database_now() + DAY)

        assert self.watch(workspace)["reminded"] == 0

    def test_token_of_directory_sync_is_told_of_too(self, workspace: Workspace) -> None:
        directory = Directory.objects.get(kind=Directory.Kind.DIRECTORY_SYNC)
        token = factories.issue_token(directory).token
        ScimToken.objects.filter(pk=token.pk).update(
            expires_at=database_now() + DAY, created_at=database_now() - 700 * DAY
        )

        assert self.watch(workspace)["reminded"] == 1
