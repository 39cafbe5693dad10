"""The details page: **Overview**, **Users**, one user, Pause and Delete."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from django.test import Client

from integrations import deleting
from integrations.audit import Action
from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.provisioning import pausing, wanted
from scim import records
from scim.models import Change, GroupMember, RequestRecord, Resource, ResourceCount
from tests import factories
from tests.conftest import ScimClient
from tests.integrations.conftest import connected, outside, outside_process, work
from tests.integrations.outside import Outside
from tokens import services as token_services
from tokens.models import ScimToken
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User

__all__ = ["connected", "outside", "outside_process", "work"]
Work = Callable[..., None]
State = Provisioning.State


def words(answer: object) -> str:
    content: str = answer.content.decode()  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", content)))


@pytest.fixture(autouse=True)
def own_records() -> Iterator[None]:
    """Records of other tests wait in memory, for directories that are gone."""
    records._waiting.clear()
    yield
    records._waiting.clear()


@pytest.fixture
def path(integration: Integration) -> str:
    return f"/integrations/{integration.directory.key}/"


def fail(user: dict[str, object], reason: str = "The name is taken.") -> Provisioning:
    row = Provisioning.objects.get(resource_id_public=user["id"])
    row.state, row.last_error = State.UPDATE_FAILED, reason
    row.save()
    return row


class TestFrame:
    def test_s0_10_opens_on_settings_with_its_left_tabs(
        self, alice_client: Client, path: str
    ) -> None:
        """S0-10 and S0-12."""
        answer = alice_client.get(path, follow=True)

        assert [t["label"] for t in answer.context["tabs"] if t["current"]] == [
            "Settings"
        ]
        labels = [t["label"] for t in answer.context["left_tabs"]]
        assert labels[:4] == [
            "General",
            "Connected services",
            "Security settings",
            "Service account",
        ]
        assert labels[-1] == "Danger zone"

    def test_s0_15_has_sync_and_more_options_on_every_tab(
        self, alice_client: Client, path: str
    ) -> None:
        for tab in ("overview", "users", "groups", "entitlements", "settings/general"):
            page = words(alice_client.get(f"{path}{tab}/"))

            assert "Sync" in page
            assert "More options for Acme Demo" in page


class TestOverview:
    def test_of_a_new_one_says_what_to_do_first(
        self, alice_client: Client, path: str
    ) -> None:
        page = words(alice_client.get(f"{path}overview/"))

        assert "Your IdP needs a token to call this gateway." in page
        assert "Last IdP request Never" in page
        assert "Last synced Never" in page

    def test_counts_and_tells_of_the_last_request(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        ann = scim.add_user()
        scim.add_user("bo@acme.test")
        scim.add_group("Engineering", ann["id"])
        records.flush()
        fail(ann)

        answer = alice_client.get(f"{path}overview/")

        facts = answer.context["facts"]
        assert (facts["users"], facts["groups"], facts["failed"]) == (2, 1, 1)
        assert facts["waiting"] == 1
        assert facts["last_request_at"] is not None
        assert "POST, answered 201" in words(answer)

    @pytest.mark.parametrize(
        ("bring", "text"),
        [
            ({"paused_at": "now"}, "while the integration is paused"),
            ({"status": "needs_attention"}, "Mend the login to the app, then sync."),
        ],
    )
    def test_s0_71_says_the_next_step(
        self,
        alice_client: Client,
        path: str,
        scim: ScimClient,
        bring: dict[str, object],
        text: str,
    ) -> None:
        now = database_now()
        Integration.objects.update(
            **{k: now if v == "now" else v for k, v in bring.items()}
        )

        assert text in words(alice_client.get(f"{path}overview/"))

    def test_failure_shows_its_reason_and_is_retried_from_there(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        row = fail(scim.add_user())

        page = alice_client.get(f"{path}overview/")
        answer = alice_client.post(
            f"{path}users/{row.resource_id_public}/retry/",
            {"next": f"{path}overview/"},
        )

        assert "The name is taken." in words(page)
        assert answer["Location"] == f"{path}overview/"
        row.refresh_from_db()
        assert row.state in Provisioning.PENDING


class TestUsers:
    def test_e0_16_columns_are_there_in_order(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        scim.add_user()

        content = alice_client.get(f"{path}users/").content.decode()

        heads = re.findall(r'scope="col"[^>]*>([^<]+)<', content)
        assert heads == [
            "User",
            "Username in app",
            "App access",
            "Active in app",
            "Upstream user ID",
            "Provisioning state",
        ]

    def test_numbers_lead_to_their_filters(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        fail(scim.add_user())
        scim.add_user("bo@acme.test")
        gone = scim.add_user("cy@acme.test")
        Provisioning.objects.filter(resource_id_public=gone["id"]).update(
            state=State.DELETED
        )

        def found(state: str) -> list[str]:
            answer = alice_client.get(f"{path}users/", {"state": state})
            return [row["user_name"] for row in answer.context["users"]]

        page = words(alice_client.get(f"{path}users/"))
        assert "2 users · 1 failed · 1 awaiting · 1 deleted" in page
        assert found("failed") == ["ann@acme.test"]
        assert found("waiting") == ["bo@acme.test"]
        assert found("deleted") == ["cy@acme.test"]
        assert found("") == ["ann@acme.test", "bo@acme.test"]
        assert len(found("all")) == 3


class TestUser:
    def test_shows_both_sides_and_marks_what_differs(
        self,
        alice_client: Client,
        connected: Integration,
        work: Work,
    ) -> None:
        scim = _scim(connected)
        ann = scim.add_user(
            displayName="Ann",
            externalId="idp-1",
            emails=[{"value": "ann@acme.test", "primary": True}],
            title="Engineer",
            password="S3cret-of-ann!",
        )
        work()
        AppAccount.objects.update(display_name="Ann of the app")

        answer = alice_client.get(
            f"/integrations/{connected.directory.key}/users/{ann['id']}/"
        )

        fields = {field.label: field for field in answer.context["fields"]}
        assert fields["User name"].differs is False
        assert (fields["Display name"].idp, fields["Display name"].app) == (
            "Ann",
            "Ann of the app",
        )
        assert fields["Display name"].differs is True
        assert fields["title"].idp == "Engineer"
        page = words(answer)
        assert "Differs" in page
        assert "Onboarded" in page
        assert b"S3cret" not in answer.content

    def test_tells_what_happened_and_by_which_token(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        ann = scim.add_user()
        scim.patch(
            f"/Users/{ann['id']}",
            {"op": "replace", "path": "displayName", "value": "Ann Lee"},
        )

        page = words(alice_client.get(f"{path}users/{ann['id']}/"))

        assert "test patched the user: displayName" in page
        assert "test created the user" in page

    def test_deleted_one_is_still_told_of(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        ann = scim.add_user()
        scim.delete(f"/Users/{ann['id']}")

        page = words(alice_client.get(f"{path}users/{ann['id']}/"))

        assert "ann@acme.test" in page
        assert "Delete awaiting" in page

    def test_failure_can_be_retried_there(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        row = fail(scim.add_user())
        here = f"{path}users/{row.resource_id_public}/"

        content = alice_client.get(here).content.decode()
        answer = alice_client.post(f"{here}retry/", {"next": here})

        assert f'action="{here}retry/"' in content
        assert answer["Location"] == here

    def test_page_that_waits_gets_the_state_alone(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        ann = scim.add_user()

        answer = alice_client.get(
            f"{path}users/{ann['id']}/", headers={"hx-request": "true"}
        )

        assert b"<html" not in answer.content
        assert b"data-poll" in answer.content

    def test_of_another_integration_is_404(
        self, alice_client: Client, path: str, other_scim: ScimClient
    ) -> None:
        theirs = other_scim.add_user()

        assert alice_client.get(f"{path}users/{theirs['id']}/").status_code == 404


class TestPause:
    def test_nothing_is_changed_in_the_app_and_scim_is_answered(
        self, connected: Integration, outside: Outside, work: Work, alice: User
    ) -> None:
        scim = _scim(connected)
        pausing.pause(connected, actor=alice, now=database_now())
        outside.forget()

        ann = scim.add_user()
        work()
        scim.patch(
            f"/Users/{ann['id']}", {"op": "replace", "path": "title", "value": "x"}
        )
        work()

        assert outside.requests() == []
        assert scim.get(f"/Users/{ann['id']}").status == 200
        job = Job.objects.get(kind=wanted.JOB)
        assert job.state == Job.State.PAUSED
        assert job.get_state_display() == "Waiting: integration is paused"
        row = Provisioning.objects.get()
        assert (row.state, row.attempts) == (State.PROVISIONING_AWAITING, 0)

    def test_resume_goes_on_with_what_waited(
        self, connected: Integration, outside: Outside, work: Work, alice: User
    ) -> None:
        scim = _scim(connected)
        pausing.pause(connected, actor=alice, now=database_now())
        for name in ("ann@acme.test", "bo@acme.test"):
            scim.add_user(name)
        work()

        waited = pausing.resume(connected, actor=alice, now=database_now())
        work()

        assert waited == 2
        assert {"ann@acme.test", "bo@acme.test"} <= set(outside.users())
        assert set(Provisioning.objects.values_list("state", flat=True)) == {
            State.ONBOARDED
        }

    def test_pausing_often_uses_no_attempt_up(
        self, connected: Integration, outside: Outside, work: Work, alice: User
    ) -> None:
        scim = _scim(connected)
        scim.add_user()
        for _ in range(25):
            pausing.pause(connected, actor=alice, now=database_now())
            work()
            pausing.resume(connected, actor=alice, now=database_now())
        work()

        assert "ann@acme.test" in outside.users()

    def test_job_that_is_taken_while_somebody_resumes_is_not_lost(
        self, connected: Integration, work: Work, outside: Outside, alice: User
    ) -> None:
        """The worker saw the pause; before it parks the job, the pause ends."""
        _scim(connected).add_user()
        job = leases.claim(worker="w", now=database_now())
        assert job is not None
        pausing.pause(connected, actor=alice, now=database_now())
        paused = Integration.objects.get(pk=connected.pk)
        pausing.resume(connected, actor=alice, now=database_now())

        pausing.wait(job, paused)
        leases.carry_out(job)

        assert "ann@acme.test" in outside.users()

    def test_is_recorded_once(self, integration: Integration, alice: User) -> None:
        now = database_now()
        results = [
            pausing.pause(integration, actor=alice, now=now),
            pausing.pause(integration, actor=alice, now=now),
            pausing.resume(integration, actor=alice, now=now),
            pausing.resume(integration, actor=alice, now=now),
        ]

        assert results == [True, False, 0, 0]
        actions = [Action.PAUSED, Action.RESUMED]
        events = AuditEvent.objects.filter(action__in=actions).order_by("id")
        assert [event.action for event in events] == actions
        assert {event.actor for event in events} == {alice}

    def test_page_says_so_and_stops_asking(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        scim.add_user()
        alice_client.post(f"{path}pause/")

        answer = alice_client.get(f"{path}users/")

        assert "Nothing is changed in Demo app" in words(answer)
        assert b"data-poll" not in answer.content

    def test_resume_tells_how_many_waited(
        self, alice_client: Client, path: str, scim: ScimClient, work: Work
    ) -> None:
        alice_client.post(f"{path}pause/")
        scim.add_user()
        work()

        answer = alice_client.post(f"{path}resume/", follow=True)

        assert "Acme Demo goes on. 1 user waited." in words(answer)


class TestDelete:
    def test_asks_with_the_effect_in_numbers(
        self, alice_client: Client, path: str, scim: ScimClient
    ) -> None:
        ann = scim.add_user()
        scim.add_user("bo@acme.test")
        scim.add_group("Engineering", ann["id"])

        page = words(alice_client.get(f"{path}delete/"))

        assert "Acme Demo is deleted for good, with 2 users and 1 group" in page
        assert "1 token stops working at once" in page
        assert "can no longer provision 2 users" in page
        assert "Type Acme Demo to delete it." in page

    @pytest.mark.parametrize("typed", ["", "acme demo", "Acme", "x" * 200])
    def test_wants_the_name(
        self,
        alice_client: Client,
        path: str,
        integration: Integration,
        typed: str,
    ) -> None:
        answer = alice_client.post(f"{path}delete/", {"typed_name": typed})

        assert answer.status_code == 422
        assert "There is a problem" in words(answer)
        assert Integration.objects.filter(pk=integration.pk).exists()

    def test_takes_everything_of_the_directory(
        self,
        alice_client: Client,
        alice: User,
        connected: Integration,
        work: Work,
    ) -> None:
        scim = _scim(connected)
        ann = scim.add_user()
        scim.add_group("Engineering", ann["id"])
        alice_client.post(f"/integrations/{connected.directory.key}/sync/")
        work()
        scim.add_user("waits@acme.test")
        records.flush()
        old = connected.directory.tokens.get()
        ScimToken.objects.filter(pk=old.pk).update(
            replaced_by=factories.issue_token(connected.directory).token,
            overlap_ends_at=database_now(),
        )
        kept = factories.IntegrationFactory(
            workspace=connected.workspace, service_account=connected.service_account
        )

        answer = alice_client.post(
            f"/integrations/{connected.directory.key}/delete/",
            {"typed_name": "Acme Demo"},
            follow=True,
        )

        assert answer.redirect_chain == [("/integrations/", 302)]
        assert "Acme Demo is deleted" in words(answer)
        for model in (
            *(Resource, ResourceCount, GroupMember, Change, RequestRecord),
            *(AppAccount, AppEntitlement, Provisioning, ScimToken),
        ):
            assert not model.objects.exists(), model
        assert list(Integration.objects.all()) == [kept]
        assert not Directory.objects.filter(key=connected.directory.key).exists()
        assert not Job.objects.filter(kind=wanted.JOB, state__in=Job.OPEN).exists()
        event = AuditEvent.objects.get(action=Action.DELETED)
        assert (event.actor, event.target_label) == (alice, "Acme Demo")
        assert event.data["users"] >= 2

    def test_tokens_stop_at_once(
        self, alice: User, integration: Integration, scim: ScimClient
    ) -> None:
        before = scim.get("/Users").status

        deleting.delete(
            integration, typed_name="Acme Demo", actor=alice, now=database_now()
        )

        assert before == 200
        assert scim.get("/Users").status == 401
        assert scim.post("/Users", {"userName": "x@acme.test"}).status == 401

    def test_changes_nobody_in_the_app(
        self, connected: Integration, outside: Outside, work: Work, alice: User
    ) -> None:
        _scim(connected).add_user()
        work()
        outside.forget()

        deleting.delete(
            connected, typed_name="Acme Demo", actor=alice, now=database_now()
        )
        work(waiting=True)

        assert outside.requests() == []
        assert "ann@acme.test" in outside.users()

    @pytest.mark.django_db(transaction=True)
    def test_records_that_are_not_written_yet_do_no_harm(
        self,
        alice: User,
        integration: Integration,
        scim: ScimClient,
        other_scim: ScimClient,
    ) -> None:
        scim.get("/Users")
        other_scim.get("/Users")
        deleting.delete(
            integration, typed_name="Acme Demo", actor=alice, now=database_now()
        )

        records.flush()

        (record,) = RequestRecord.objects.all()
        assert record.directory == other_scim.directory

    def test_revoked_and_live_tokens_go(
        self, alice: User, integration: Integration
    ) -> None:
        issued = factories.issue_token(integration.directory)
        token_services.revoke(issued.token, actor=alice, now=database_now())
        factories.issue_token(integration.directory)

        effect = deleting.delete(
            integration, typed_name=" Acme Demo ", actor=alice, now=database_now()
        )

        assert effect.tokens == 1
        assert not ScimToken.objects.exists()


def _scim(integration: Integration) -> ScimClient:
    issued = factories.issue_token(integration.directory)
    return ScimClient(integration.directory, issued.plaintext)
