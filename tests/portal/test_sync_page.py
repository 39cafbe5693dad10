"""**Sync**: the page of the job, its phases and result, and one that is held."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from integrations import services
from integrations.audit import Action
from integrations.models import AppAccount, Integration
from integrations.syncing import holding, sync
from tests.integrations.conftest import connected, outside, outside_process, work
from tests.integrations.outside import Outside
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, User

__all__ = ["connected", "outside", "outside_process", "work"]
Work = Callable[..., None]
FRAGMENT = {"hx-request": "true"}


def words(answer: object) -> str:
    content: str = answer.content.decode()  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", content)))


def start(client: Client, integration: Integration) -> str:
    """Press Sync; return the address of the page that follows."""
    answer = client.post(f"/integrations/{integration.directory.key}/sync/")
    return str(answer["Location"])


def phases(client: Client, path: str) -> dict[str, str]:
    shown = client.get(path).context["job"]["phases"]
    return {phase["label"]: phase["state"] for phase in shown}


def claimed() -> Job:
    job = leases.claim(worker="w", now=database_now())
    assert job is not None
    return job


def test_s0_63_sync_runs_in_the_background(
    alice_client: Client, connected: Integration, outside: Outside, work: Work
) -> None:
    outside.forget()

    path = start(alice_client, connected)
    asked = outside.requests()
    work()

    assert asked == []
    assert outside.requests() != []
    assert "Sync finished" in words(alice_client.get(path))


class TestPhases:
    def test_s0_64_page_tells_that_it_runs(
        self, alice_client: Client, integration: Integration
    ) -> None:
        path = start(alice_client, integration)
        queued = alice_client.get(path)
        job = claimed()
        leases.report_progress(job, phase=sync.READ_ROLES)

        assert b"data-poll" in queued.content
        assert ">Refresh</a>" in queued.content.decode()
        assert phases(alice_client, path) == {
            "Log in": "done",
            "Read users": "done",
            "Read roles": "current",
            "Read entitlements": "next",
            "Save": "next",
        }

    def test_progress_counts_users(
        self, alice_client: Client, integration: Integration
    ) -> None:
        path = start(alice_client, integration)
        job = claimed()
        leases.report_progress(job, phase=sync.READ_USERS, done=120)
        reading = words(alice_client.get(path))
        leases.report_progress(job, phase=sync.SAVE, done=40, total=214)
        saving = alice_client.get(path)

        assert "Users 120 so far" in reading
        assert "Users 40 of 214" in words(saving)
        assert b'<progress max="214" value="40"' in saving.content

    def test_page_that_waits_gets_the_job_alone(
        self, alice_client: Client, integration: Integration
    ) -> None:
        path = start(alice_client, integration)

        answer = alice_client.get(path, headers=FRAGMENT)

        assert b"<html" not in answer.content
        assert b"data-poll" in answer.content


class TestEnd:
    def test_s0_64_success_box_has_the_counts(
        self, alice_client: Client, connected: Integration, work: Work
    ) -> None:
        path = start(alice_client, connected)
        work()

        answer = alice_client.get(path)
        fragment = alice_client.get(path, headers=FRAGMENT)

        assert (
            "Sync finished. 7 users, 3 groups, 0 roles, 0 entitlements. 10 new, "
            "0 changed, 0 removed."
        ) in words(answer)
        assert set(phases(alice_client, path).values()) == {"done"}
        assert b"data-poll" not in fragment.content
        assert b'hx-swap-oob="innerHTML:#live"' in fragment.content

    def test_s0_64_failure_says_what_failed(
        self,
        alice_client: Client,
        connected: Integration,
        outside: Outside,
        work: Work,
    ) -> None:
        outside.set_service_password("another-password-2")
        path = start(alice_client, connected)
        work()

        page = words(alice_client.get(path))

        assert "Sync failed" in page
        assert Job.objects.get(kind=sync.JOB).error in page
        assert phases(alice_client, path)["Log in"] == "failed"

    def test_one_that_is_tried_again_says_when_and_why(
        self,
        alice_client: Client,
        connected: Integration,
        outside: Outside,
        work: Work,
    ) -> None:
        outside.fault("error", path="/api/users")
        path = start(alice_client, connected)
        work()

        page = words(alice_client.get(path))

        assert Job.objects.get(kind=sync.JOB).error in page
        assert "Next try" in page

    def test_result_stays_at_its_address(
        self, alice_client: Client, connected: Integration, work: Work
    ) -> None:
        first = start(alice_client, connected)
        work()
        alice_client.get(first)
        start(alice_client, connected)
        work()

        assert "10 new" in words(alice_client.get(first))


class TestJoining:
    def test_s0_65_second_sync_joins_the_one_that_runs(
        self, alice_client: Client, integration: Integration
    ) -> None:
        first = start(alice_client, integration)
        claimed()

        answer = alice_client.post(
            f"/integrations/{integration.directory.key}/sync/", follow=True
        )

        assert answer.redirect_chain == [(first, 302)]
        assert "A sync was under way already. This is it." in words(answer)
        assert Job.objects.count() == 1

    def test_short_address_leads_to_the_one_under_way(
        self, alice_client: Client, integration: Integration
    ) -> None:
        path = start(alice_client, integration)

        answer = alice_client.get(f"/integrations/{integration.directory.key}/sync/")

        assert answer["Location"] == path

    def test_other_tabs_lead_to_the_page(
        self, alice_client: Client, integration: Integration
    ) -> None:
        path = start(alice_client, integration)

        content = alice_client.get(
            f"/integrations/{integration.directory.key}/users/"
        ).content.decode()

        assert f'href="{path}"' in content


@pytest.fixture
def held(
    alice_client: Client, connected: Integration, outside: Outside, work: Work
) -> str:
    """The address of a sync that found 2 of 7 users gone."""
    start(alice_client, connected)
    work()
    outside.remove_user("tomas.novak@example.com")
    outside.remove_user("walter.finch@example.com")
    path = start(alice_client, connected)
    work()
    return path


class TestHeld:
    def test_e0_19_says_who_would_go_and_offers_the_choice(
        self, alice_client: Client, held: str
    ) -> None:
        answer = alice_client.get(held)

        page = words(answer)
        assert (
            "2 of 7 users would be removed (limit 20 %). Nothing was changed." in page
        )
        assert "tomas.novak@example.com" in page
        assert "walter.finch@example.com" in page
        assert "mei.tanaka@example.com" not in page
        assert "Approve" in page
        assert "Discard" in page
        assert b"data-poll" not in answer.content

    def test_list_and_details_show_held(
        self, alice_client: Client, held: str, connected: Integration
    ) -> None:
        (row,) = alice_client.get("/integrations/").context["integrations"]
        details = words(
            alice_client.get(f"/integrations/{connected.directory.key}/overview/")
        )

        assert row["status"].label == "Held"
        assert "Sync held" in details
        assert "Review and decide" in details

    def test_approve_goes_on(
        self, alice_client: Client, alice: User, held: str, work: Work
    ) -> None:
        answer = alice_client.post(f"{held}approve/")
        work()

        assert answer["Location"] == held
        assert "2 removed" in words(alice_client.get(held))
        assert AppAccount.objects.count() == 5
        assert AuditEvent.objects.get(action=Action.SYNC_APPROVED).actor == alice

    def test_discard_changes_nothing(
        self, alice_client: Client, held: str, work: Work
    ) -> None:
        alice_client.post(f"{held}discard/")
        work(waiting=True)

        assert "Discarded by Alice. Nothing was changed." in words(
            alice_client.get(held)
        )
        assert AppAccount.objects.count() == 7

    @pytest.mark.parametrize("decision", ["approve", "discard"])
    def test_late_decision_is_told_so(
        self, alice_client: Client, held: str, decision: str
    ) -> None:
        alice_client.post(f"{held}discard/")

        answer = alice_client.post(f"{held}{decision}/", follow=True)

        assert "does not wait for a decision any more" in words(answer)

    def test_e0_22_held_one_reads_waiting_for_a_decision(
        self, alice_client: Client, held: str
    ) -> None:
        job = Job.objects.get(state=Job.State.HELD)

        activity = words(alice_client.get("/activity/"))

        assert job.get_state_display() == "Waiting for a decision"
        assert "Waiting for a decision" in activity
        filtered = alice_client.get("/activity/?status=held")
        assert "2 of 7 users would be removed" in words(filtered)
        assert "Sync finished" not in words(filtered)
        assert alice_client.get("/dashboard/").context["figures"][3]["value"] == "0"

    def test_cancel_is_refused_for_it_has_discard(
        self, alice_client: Client, held: str
    ) -> None:
        answer = alice_client.post(f"{held}cancel/", follow=True)

        assert "waits for a decision" in words(answer)
        assert Job.objects.filter(state=Job.State.HELD).exists()

    def test_discarded_one_is_no_failure_of_the_app(
        self, alice_client: Client, held: str
    ) -> None:
        alice_client.post(f"{held}discard/")

        assert "The last sync failed" not in words(alice_client.get("/dashboard/"))

    def test_sync_of_another_tenant_is_404(
        self, alice_client: Client, other_integration: Integration
    ) -> None:
        job = services.request_sync(other_integration, actor=None, now=database_now())
        path = f"/integrations/{other_integration.directory.key}/sync/{job.public_id}/"

        assert alice_client.get(path).status_code == 404
        assert alice_client.post(f"{path}approve/").status_code == 404
        assert alice_client.post(f"{path}cancel/").status_code == 404

    def test_job_of_another_integration_is_404(
        self,
        alice_client: Client,
        integration: Integration,
        other_integration: Integration,
    ) -> None:
        job = services.request_sync(other_integration, actor=None, now=database_now())
        path = f"/integrations/{integration.directory.key}/sync/{job.public_id}/"

        assert alice_client.get(path).status_code == 404
        assert not holding.is_held(job)


class TestCancel:
    def test_button_is_there_while_it_waits_or_runs(
        self, alice_client: Client, integration: Integration
    ) -> None:
        path = start(alice_client, integration)
        queued = alice_client.get(path).content.decode()
        claimed()
        running = alice_client.get(path).content.decode()

        assert f'action="{path}cancel/"' in queued
        assert f'action="{path}cancel/"' in running

    def test_queued_one_ends_at_once(
        self, alice_client: Client, integration: Integration, alice: User, work: Work
    ) -> None:
        path = start(alice_client, integration)

        answer = alice_client.post(f"{path}cancel/", follow=True)
        work()

        job = Job.objects.get()
        assert (job.state, job.ended_by) == (Job.State.NOT_COMPLETED, alice)
        assert "Sync not completed Cancelled by Alice. Nothing was changed." in words(
            answer
        )
        assert f'action="{path}cancel/"' not in answer.content.decode()
        event = AuditEvent.objects.get(action=Action.SYNC_CANCELLED)
        assert (event.actor, event.data) == (alice, {"job": str(job.public_id)})

    def test_one_that_reads_stops_at_the_next_page_and_saves_nothing(
        self,
        alice_client: Client,
        connected: Integration,
        monkeypatch: pytest.MonkeyPatch,
        work: Work,
    ) -> None:
        path = start(alice_client, connected)
        _cancel_at(monkeypatch, alice_client, path, sync.READ_ROLES)

        work()

        job = Job.objects.get()
        assert job.state == Job.State.NOT_COMPLETED
        assert job.error == "Cancelled by Alice. Nothing was changed."
        assert AppAccount.objects.count() == 0
        assert phases(alice_client, path)["Read roles"] == "failed"

    def test_one_that_saves_keeps_what_is_saved_and_forgets_nobody(
        self,
        alice_client: Client,
        connected: Integration,
        outside: Outside,
        monkeypatch: pytest.MonkeyPatch,
        work: Work,
    ) -> None:
        start(alice_client, connected)
        work()
        Integration.objects.update(threshold_percent=100)
        outside.remove_user("tomas.novak@example.com")
        outside.add_user("new@example.com")
        synced_at = Integration.objects.get().last_synced_at
        monkeypatch.setattr(sync, "BATCH", 3)
        path = start(alice_client, connected)
        _cancel_at(monkeypatch, alice_client, path, sync.SAVE, done=3)

        work()

        job = Job.objects.latest("id")
        assert job.error.startswith("Cancelled by Alice. What was saved before")
        assert AppAccount.objects.filter(username="tomas.novak@example.com").exists()
        assert not AppAccount.objects.filter(username="new@example.com").exists()
        assert Integration.objects.get().last_synced_at == synced_at

        monkeypatch.undo()
        start(alice_client, connected)
        work()
        names = set(AppAccount.objects.values_list("username", flat=True))
        assert names == set(outside.users()) - {"svc-keyway"}

    def test_one_that_has_ended_is_told_so(
        self, alice_client: Client, connected: Integration, work: Work
    ) -> None:
        path = start(alice_client, connected)
        work()

        answer = alice_client.post(f"{path}cancel/", follow=True)

        assert "This sync has ended, or waits for a decision." in words(answer)
        assert Job.objects.get().state == Job.State.COMPLETED
        assert not AuditEvent.objects.filter(action=Action.SYNC_CANCELLED).exists()

    def test_next_sync_is_a_new_one(
        self, alice_client: Client, connected: Integration, work: Work
    ) -> None:
        path = start(alice_client, connected)
        claimed()
        alice_client.post(f"{path}cancel/")

        again = start(alice_client, connected)
        work()

        assert again != path
        assert "Sync finished" in words(alice_client.get(again))

    def test_says_nothing_about_the_app(
        self, alice_client: Client, integration: Integration
    ) -> None:
        path = start(alice_client, integration)
        alice_client.post(f"{path}cancel/")

        activity = words(alice_client.get("/activity/"))
        failed = words(alice_client.get("/activity/?status=failed"))
        assert "Not completed" in activity
        assert "Cancelled by Alice." in activity
        assert "Cancelled by Alice." not in failed

        assert "The last sync failed" not in words(alice_client.get("/dashboard/"))


def _cancel_at(
    monkeypatch: pytest.MonkeyPatch,
    client: Client,
    path: str,
    phase: str,
    done: int | None = None,
) -> None:
    """Press Cancel in the middle: right after the sync reports that it is there."""
    report = leases.report_progress

    def reported(job: Job, **progress: int | str) -> None:
        report(job, **progress)
        if progress["phase"] == phase and done in {None, progress.get("done")}:
            client.post(f"{path}cancel/")

    monkeypatch.setattr(leases, "report_progress", reported)
