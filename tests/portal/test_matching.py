"""**Users**, unmatched: match by hand, remove from the app, exempt."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from integrations import services
from integrations.audit import Action
from integrations.models import AppAccount, Integration, Provisioning
from integrations.provisioning import pausing
from integrations.syncing import matching
from scim.models import Change, GroupMember, Resource
from tests import factories
from tests.conftest import ScimClient, scim_client
from tests.integrations.conftest import connected, outside, outside_process, work
from tests.integrations.outside import USERNAME, Outside
from tests.portal.words import query_count, read, text_of
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, Role, User, Workspace

__all__ = ["connected", "outside", "outside_process", "work"]
Work = Callable[..., None]
State = Provisioning.State
TOMAS = "tomas.novak@example.com"
WALTER = "walter.finch@example.com"
FRAGMENT = {"hx-request": "true"}


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


@pytest.fixture
def synced(integration: Integration, work: Work) -> Integration:
    """All 7 accounts of the app are known, and belong to nobody."""
    _sync(integration)
    work()
    return integration


@pytest.fixture
def bo(scim: ScimClient, synced: Integration, alice: User) -> Provisioning:
    """A user of the IdP who has no account yet: the integration is paused."""
    pausing.pause(synced, actor=alice, now=database_now())
    made = scim.add_user(
        "bo@acme.test", displayName="Bo Diddley", name={"familyName": "Diddley"}
    )
    return Provisioning.objects.get(resource_id_public=made["id"])


def _sync(integration: Integration) -> None:
    services.request_sync(integration, actor=None, now=database_now())


def row_of(name: str) -> Provisioning:
    return Provisioning.objects.get(account__username=name)


def path_of(name: str, page: str = "") -> str:
    row = row_of(name)
    key = row.integration.directory.key
    return f"/integrations/{key}/users/{row.resource_id_public}/{page}"


def users_path(integration: Integration, query: str = "") -> str:
    return f"/integrations/{integration.directory.key}/users/{query}"


class TestList:
    def test_e0_21_unmatched_are_counted_and_filtered(
        self,
        alice_client: Client,
        synced: Integration,
        scim: ScimClient,
        work: Work,
    ) -> None:
        scim.add_user("bo@acme.test")
        work()

        page = read(alice_client, users_path(synced))
        found = alice_client.get(users_path(synced, "?state=unmatched"))

        assert "8 users · 7 unmatched" in page
        names = {row["username_in_app"] for row in found.context["users"]}
        assert len(names) == 7
        assert "bo@acme.test" not in names
        assert text_of(found).count("Unmatched : ") == 7

    def test_overview_leads_to_the_unmatched(
        self, alice_client: Client, synced: Integration, scim: ScimClient, work: Work
    ) -> None:
        scim.add_user("bo@acme.test")
        work()
        key = synced.directory.key

        answer = alice_client.get(f"/integrations/{key}/overview/")

        step = answer.context["next_step"]
        assert step["label"] == "Unmatched accounts"
        assert step["url"] == users_path(synced, "?state=unmatched")
        assert step["text"] in text_of(answer)

    def test_unmatched_account_has_no_provisioning_state(
        self, alice_client: Client, synced: Integration
    ) -> None:
        found = alice_client.get(users_path(synced, "?state=unmatched"))

        assert {row["state"].label for row in found.context["users"]} == {"Not managed"}

    def test_e0_16_columns_and_an_empty_user_where_nobody_is_matched(
        self, alice_client: Client, synced: Integration
    ) -> None:
        answer = alice_client.get(users_path(synced))

        heads = [
            "User",
            "Username in app",
            "App access",
            "Active in app",
            "Upstream user ID",
            "Provisioning state",
        ]
        places = [text_of(answer).index(f" {head} ") for head in heads]
        assert places == sorted(places)
        (row,) = [u for u in answer.context["users"] if u["user_name"] == TOMAS]
        assert not row["is_matched"]
        assert f"Unmatched : {TOMAS} {TOMAS} Tomáš Novák Engineering" in text_of(answer)

    def test_user_whom_the_idp_writes_is_matched_by_itself(
        self, synced: Integration, scim: ScimClient
    ) -> None:
        row = row_of(TOMAS)

        scim.patch(
            f"/Users/{row.resource_id_public}",
            {"op": "replace", "path": "displayName", "value": "Tomáš N."},
        )

        row.refresh_from_db()
        assert row.is_matched
        assert not matching.is_unmatched(row)

    def test_group_of_the_idp_says_nothing_of_whose_account_it_is(
        self, synced: Integration, scim: ScimClient
    ) -> None:
        row = row_of(TOMAS)

        scim.add_group("Writers", row.resource_id_public)

        row.refresh_from_db()
        assert not row.is_matched

    def test_user_of_the_idp_of_the_same_name_is_matched_by_a_sync(
        self, integration: Integration, scim: ScimClient, work: Work
    ) -> None:
        scim.add_user(TOMAS)
        _sync(integration)
        work()

        assert row_of(TOMAS).is_matched
        assert not row_of(WALTER).is_matched

    def test_app_is_not_followed_once_the_idp_has_taken_over(
        self, synced: Integration, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        user = row_of(TOMAS).resource_id_public
        scim.patch(
            f"/Users/{user}", {"op": "replace", "path": "displayName", "value": "T."}
        )
        work()
        outside.change_user(TOMAS, display_name="By hand")
        _sync(synced)
        work()

        assert scim.get(f"/Users/{user}").body["displayName"] == "T."

    def test_user_whom_the_idp_took_over_stays_when_the_account_is_lost(
        self, synced: Integration, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        user = row_of(TOMAS).resource_id_public
        scim.patch(
            f"/Users/{user}", {"op": "replace", "path": "displayName", "value": "T."}
        )
        work()
        outside.remove_user(TOMAS)
        _sync(synced)
        work()

        assert scim.get(f"/Users/{user}").status == 200

    def test_costs_the_same_for_seven_and_for_fifty(
        self, alice_client: Client, synced: Integration, outside: Outside, work: Work
    ) -> None:
        matching.exempt(
            row_of(TOMAS), reason="Robot", actor=User.objects.get(), now=database_now()
        )
        few = query_count(alice_client, users_path(synced))
        for number in range(43):
            outside.add_user(f"many{number:03}@example.com")
        _sync(synced)
        work()

        assert query_count(alice_client, users_path(synced)) == few


class TestMatch:
    def test_e0_21_match_gives_the_account_to_the_user(
        self,
        alice_client: Client,
        alice: User,
        synced: Integration,
        bo: Provisioning,
        scim: ScimClient,
        work: Work,
        outside: Outside,
    ) -> None:
        stood_for_it = row_of(TOMAS).resource_id_public
        external_id = str(outside.user(TOMAS)["id"])

        answer = alice_client.post(
            path_of(TOMAS, "match/"), {"user": bo.resource_id_public}, follow=True
        )
        pausing.resume(synced, actor=alice, now=database_now())
        work()

        assert f"{TOMAS} is the account of bo@acme.test now." in text_of(answer)
        bo.refresh_from_db()
        assert bo.state == State.ONBOARDED
        assert bo.account is not None
        assert bo.account.external_id == external_id
        assert bo.account.resource == bo.resource
        # The same account, by its new name; nobody was made or lost.
        assert str(outside.user("bo@acme.test")["id"]) == external_id
        assert TOMAS not in outside.users()
        assert len(outside.users()) == 8
        assert scim.get(f"/Users/{stood_for_it}").status == 404
        assert not Provisioning.objects.filter(resource_id_public=stood_for_it).exists()
        change = Change.objects.filter(resource_id=stood_for_it).latest("id")
        assert change.kind == Change.Kind.DELETED

    def test_next_update_of_the_idp_acts_on_it(
        self,
        alice: User,
        synced: Integration,
        bo: Provisioning,
        scim: ScimClient,
        work: Work,
        outside: Outside,
    ) -> None:
        _match(TOMAS, bo, alice)
        pausing.resume(synced, actor=alice, now=database_now())
        work()
        scim.patch(
            f"/Users/{bo.resource_id_public}",
            {"op": "replace", "path": "displayName", "value": "Bo the Second"},
        )
        work()

        assert outside.user("bo@acme.test")["display_name"] == "Bo the Second"

    def test_user_takes_the_place_in_the_groups_of_the_app(
        self,
        alice: User,
        synced: Integration,
        bo: Provisioning,
        scim: ScimClient,
        work: Work,
        outside: Outside,
    ) -> None:
        _match(TOMAS, bo, alice)
        pausing.resume(synced, actor=alice, now=database_now())
        work()
        _sync(synced)
        work()

        members = GroupMember.objects.filter(member=bo.resource)
        assert {m.group.label for m in members} == {"Engineering"}
        assert "bo@acme.test" in outside.members("Engineering")

    def test_sync_afterwards_changes_nothing(
        self, alice: User, synced: Integration, bo: Provisioning, work: Work
    ) -> None:
        _match(TOMAS, bo, alice)
        pausing.resume(synced, actor=alice, now=database_now())
        work()
        _sync(synced)
        work()

        job = Job.objects.filter(kind="integrations.sync").latest("id")
        assert [job.result[n] for n in ("new", "changed", "removed")] == [0, 0, 0]
        assert Resource.objects.filter(resource_type="User").count() == 7

    def test_deactivated_user_takes_over_an_account_that_is_then_deactivated(
        self,
        alice: User,
        synced: Integration,
        scim: ScimClient,
        work: Work,
        outside: Outside,
    ) -> None:
        made = scim.add_user("gone@acme.test", active=False)
        work()
        gone = Provisioning.objects.get(resource_id_public=made["id"])

        _match(TOMAS, gone, alice)
        work()

        assert outside.user("gone@acme.test")["active"] == 0

    def test_is_audited(
        self, alice: User, synced: Integration, bo: Provisioning
    ) -> None:
        external_id = row_of(TOMAS).account.external_id  # type: ignore[union-attr]

        _match(TOMAS, bo, alice)

        event = AuditEvent.objects.get(action=Action.ACCOUNT_MATCHED)
        assert event.actor == alice
        assert event.data == {
            "account": external_id,
            "user_name": TOMAS,
            "matched_to": "bo@acme.test",
        }

    def test_offers_users_without_an_account_only(
        self, alice_client: Client, bo: Provisioning
    ) -> None:
        answer = alice_client.get(path_of(TOMAS, "match/"))

        assert [user["label"] for user in answer.context["users"]] == [
            "bo@acme.test (Bo Diddley)"
        ]
        assert "Search users" in answer.content.decode()

    @pytest.mark.parametrize("typed", ["diddley", "BO@", "Bo D"])
    def test_search_finds_by_name_and_user_name(
        self, alice_client: Client, bo: Provisioning, typed: str
    ) -> None:
        page = read(alice_client, path_of(TOMAS, f"match/users/?q={typed}"))
        nobody = read(alice_client, path_of(TOMAS, "match/users/?q=zebra"))

        assert "Bo Diddley" in page
        assert "No user without an account matches “zebra”." in nobody

    def test_without_scripts_a_form_searches(
        self, alice_client: Client, bo: Provisioning
    ) -> None:
        found = alice_client.get(path_of(TOMAS, "match/?q=diddley"))
        nobody = alice_client.get(path_of(TOMAS, "match/?q=zebra"))

        assert len(found.context["users"]) == 1
        assert nobody.context["users"] == []

    def test_page_shows_a_part_of_many_and_says_so(
        self, alice_client: Client, bo: Provisioning, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("integrations.views.matching.LISTED", 0)

        page = read(alice_client, path_of(TOMAS, "match/"))

        assert "Showing 0 users. Search to find the others." in page

    def test_where_everybody_has_an_account_says_what_to_do(
        self, alice_client: Client, synced: Integration
    ) -> None:
        page = read(alice_client, path_of(TOMAS, "match/"))

        assert "Every user of your IdP has an account" in page
        assert f"with the user name {TOMAS}" in page

    @pytest.mark.parametrize("user", ["", "nobody", "own"])
    def test_wrong_choice_is_named_beside_the_field(
        self, alice_client: Client, synced: Integration, bo: Provisioning, user: str
    ) -> None:
        chosen = row_of(WALTER).resource_id_public if user == "own" else user

        answer = alice_client.post(path_of(TOMAS, "match/"), {"user": chosen})

        assert answer.status_code == 422
        assert text_of(answer).count("Choose a user from the list.") == 2
        assert AppAccount.objects.get(username=TOMAS).resource is not None

    def test_user_of_another_integration_is_no_choice(
        self,
        alice_client: Client,
        bo: Provisioning,
        other_integration: Integration,
    ) -> None:
        made = scim_client(other_integration.directory).add_user("eve@other.test")

        answer = alice_client.post(path_of(TOMAS, "match/"), {"user": made["id"]})

        assert answer.status_code == 422

    def test_user_whom_a_worker_provisions_now_is_refused(
        self, alice_client: Client, bo: Provisioning
    ) -> None:
        Provisioning.objects.filter(pk=bo.pk).update(state=State.PROVISIONING_ONGOING)

        answer = alice_client.post(
            path_of(TOMAS, "match/"), {"user": bo.resource_id_public}
        )

        assert "A worker provisions bo@acme.test now." in text_of(answer)

    def test_account_that_was_matched_meanwhile_leads_to_the_user(
        self, alice_client: Client, synced: Integration, bo: Provisioning
    ) -> None:
        path = path_of(TOMAS, "match/")
        Provisioning.objects.filter(account__username=TOMAS).update(is_matched=True)

        answer = alice_client.post(path, {"user": bo.resource_id_public}, follow=True)

        assert "not unmatched any more" in text_of(answer)
        assert Provisioning.objects.get(pk=bo.pk).account is None

    def test_second_of_two_at_once_is_refused(
        self, alice: User, synced: Integration, bo: Provisioning
    ) -> None:
        tomas, walter = row_of(TOMAS), row_of(WALTER)
        matching.match(tomas, bo, actor=alice, now=database_now())

        with pytest.raises(matching.Refused):
            matching.match(tomas, bo, actor=alice, now=database_now())
        with pytest.raises(matching.Refused):
            matching.match(walter, bo, actor=alice, now=database_now())

    def test_what_scim_gave_to_the_account_can_still_be_taken_away(
        self, alice: User, synced: Integration, bo: Provisioning
    ) -> None:
        Provisioning.objects.filter(account__username=TOMAS).update(
            granted=[["group", "2", "group"]]
        )

        _match(TOMAS, bo, alice)

        bo.refresh_from_db()
        assert bo.granted == [["group", "2", "group"]]


def _match(name: str, user: Provisioning, actor: User) -> None:
    matching.match(row_of(name), user, actor=actor, now=database_now())


class TestRemove:
    def test_e0_21_remove_deletes_the_account_in_the_app(
        self,
        alice_client: Client,
        alice: User,
        synced: Integration,
        scim: ScimClient,
        work: Work,
        outside: Outside,
    ) -> None:
        user = row_of(TOMAS).resource_id_public

        answer = alice_client.post(
            path_of(TOMAS, "remove/"), {"typed_name": TOMAS}, follow=True
        )
        between = Provisioning.objects.get(resource_id_public=user)
        work()

        assert "is removed from" in text_of(answer)
        assert between.state == State.DELETE_AWAITING
        assert TOMAS not in outside.users()
        assert scim.get(f"/Users/{user}").status == 404
        assert not AppAccount.objects.filter(username=TOMAS).exists()
        job = Job.objects.get(subject=user)
        assert (job.actor, job.trigger, job.state) == (
            alice,
            Job.Trigger.WEB,
            Job.State.COMPLETED,
        )
        event = AuditEvent.objects.get(action=Action.ACCOUNT_REMOVAL_REQUESTED)
        assert (event.actor, event.data["user_name"]) == (alice, TOMAS)

    @pytest.mark.parametrize("typed", ["", "tomas", WALTER])
    def test_asks_for_the_user_name(
        self, alice_client: Client, synced: Integration, typed: str
    ) -> None:
        answer = alice_client.post(path_of(TOMAS, "remove/"), {"typed_name": typed})

        assert answer.status_code == 422
        assert "There is a problem" in text_of(answer)
        assert not AuditEvent.objects.filter(
            action=Action.ACCOUNT_REMOVAL_REQUESTED
        ).exists()

    def test_is_a_dialog_for_the_page(
        self, alice_client: Client, synced: Integration
    ) -> None:
        answer = alice_client.get(path_of(TOMAS, "remove/"), headers=FRAGMENT)

        assert b"<html" not in answer.content
        assert f"The account {TOMAS} is deleted in" in text_of(answer)

    def test_waits_while_the_integration_is_paused(
        self,
        alice_client: Client,
        alice: User,
        synced: Integration,
        work: Work,
        outside: Outside,
    ) -> None:
        pausing.pause(synced, actor=alice, now=database_now())

        alice_client.post(path_of(TOMAS, "remove/"), {"typed_name": TOMAS})
        work()
        between = set(outside.users())
        pausing.resume(synced, actor=alice, now=database_now())
        work()

        assert TOMAS in between
        assert TOMAS not in outside.users()

    def test_account_that_keyway_works_with_stays(
        self, alice: User, synced: Integration
    ) -> None:
        account = row_of(TOMAS).account
        assert account is not None
        AppAccount.objects.filter(pk=account.pk).update(username=USERNAME)

        with pytest.raises(matching.Refused, match="Keyway works in the app"):
            matching.remove(
                row_of(USERNAME), typed_name=USERNAME, actor=alice, now=database_now()
            )

    def test_app_that_cannot_delete_offers_it_not(
        self, alice_client: Client, alice: User, synced: Integration
    ) -> None:
        app = synced.app
        app.manifest["capabilities"]["delete"] = False
        app.save()

        page = read(alice_client, users_path(synced))

        assert "Exempt" in page
        assert "Remove from the app" not in page
        with pytest.raises(matching.Refused):
            matching.remove(
                row_of(TOMAS), typed_name=TOMAS, actor=alice, now=database_now()
            )


class TestExempt:
    REASON = "Robot of the backup, see ticket 4711"

    @pytest.fixture
    def exempted(self, alice_client: Client, synced: Integration) -> Provisioning:
        alice_client.post(path_of(TOMAS, "exempt/"), {"reason": self.REASON})
        return row_of(TOMAS)

    def test_e0_21_exempt_shows_reason_who_and_when(
        self, alice_client: Client, exempted: Provisioning, alice: User
    ) -> None:
        page = read(alice_client, users_path(exempted.integration, "?state=exempt"))
        detail = read(alice_client, path_of(TOMAS))

        assert exempted.account is not None
        assert exempted.account.exempted_at is not None
        for shown in (page, detail):
            assert "Exempt since" in shown
            assert f"by Alice: {self.REASON}" in shown
            assert "End exemption" in shown
        event = AuditEvent.objects.get(action=Action.ACCOUNT_EXEMPTED)
        assert (event.actor, event.data["reason"]) == (alice, self.REASON)

    def test_counts_no_longer(
        self, alice_client: Client, exempted: Provisioning
    ) -> None:
        found = alice_client.get(
            users_path(exempted.integration, "?state=unmatched")
        ).context

        assert (found["numbers"]["unmatched"], found["numbers"]["exempt"]) == (6, 1)
        assert TOMAS not in {row["username_in_app"] for row in found["users"]}
        assert "6 accounts in the app belong to no user" in read(
            alice_client, "/dashboard/"
        )

    def test_needs_a_reason(self, alice_client: Client, synced: Integration) -> None:
        answer = alice_client.post(path_of(TOMAS, "exempt/"), {"reason": "  "})

        assert answer.status_code == 422
        assert text_of(answer).count("Enter the reason.") == 2

    @pytest.mark.parametrize("page", ["match/", "remove/", "exempt/"])
    def test_offers_nothing_else(
        self, alice_client: Client, exempted: Provisioning, page: str
    ) -> None:
        answer = alice_client.get(path_of(TOMAS, page))

        assert answer["Location"] == path_of(TOMAS)

    def test_is_never_removed_while_it_lasts(
        self,
        alice_client: Client,
        exempted: Provisioning,
        scim: ScimClient,
        work: Work,
        outside: Outside,
    ) -> None:
        """Nor when the IdP deletes the user: that fails, and says why."""
        scim.delete(f"/Users/{exempted.resource_id_public}")
        work()

        exempted.refresh_from_db()
        assert TOMAS in outside.users()
        assert exempted.state == State.DELETE_FAILED
        assert "exempt" in exempted.last_error

        alice_client.post(path_of(TOMAS, "exempt/end/"))
        alice_client.post(path_of(TOMAS, "retry/"))
        work()
        assert TOMAS not in outside.users()

    def test_ends_again(
        self, alice_client: Client, exempted: Provisioning, alice: User
    ) -> None:
        answer = alice_client.post(
            path_of(TOMAS, "exempt/end/"), {"next": path_of(TOMAS)}
        )

        assert answer["Location"] == path_of(TOMAS)
        assert matching.is_unmatched(row_of(TOMAS))
        event = AuditEvent.objects.get(action=Action.ACCOUNT_EXEMPTION_ENDED)
        assert event.actor == alice

    def test_survives_a_sync(self, exempted: Provisioning, work: Work) -> None:
        _sync(exempted.integration)
        work()

        assert row_of(TOMAS).account.exempt_reason == self.REASON  # type: ignore[union-attr]

    def test_leads_to_no_other_site(
        self, alice_client: Client, exempted: Provisioning
    ) -> None:
        answer = alice_client.post(
            path_of(TOMAS, "exempt/end/"), {"next": "https://evil.example/"}
        )

        assert answer["Location"] == users_path(exempted.integration)


@pytest.mark.parametrize("page", ["match/", "match/users/", "remove/", "exempt/"])
class TestWho:
    @pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
    def test_lower_roles_are_refused(
        self,
        client: Client,
        workspace: Workspace,
        synced: Integration,
        page: str,
        role: Role,
    ) -> None:
        user = factories.UserFactory()
        factories.MembershipFactory(workspace=workspace, user=user, role=role)
        client.force_login(user)

        assert client.get(path_of(TOMAS, page)).status_code == 403

    def test_account_of_another_tenant_is_404(
        self,
        client: Client,
        synced: Integration,
        other_workspace: Workspace,
        charlie: User,
        page: str,
    ) -> None:
        client.force_login(charlie)

        assert client.get(path_of(TOMAS, page)).status_code == 404

    def test_account_of_another_integration_is_404(
        self,
        alice_client: Client,
        workspace: Workspace,
        synced: Integration,
        page: str,
    ) -> None:
        other = factories.IntegrationFactory(
            workspace=workspace, service_account=synced.service_account, name="Two"
        )
        path = path_of(TOMAS, page).replace(synced.directory.key, other.directory.key)

        assert alice_client.get(path).status_code == 404


def test_dashboard_leads_to_the_unmatched(
    alice_client: Client, synced: Integration
) -> None:
    answer = alice_client.get("/dashboard/")

    where = reverse("integrations:users", args=[synced.directory.key])
    assert f"{where}?state=unmatched" in answer.content.decode()


def test_s0_71_finished_sync_names_the_next_step(
    alice_client: Client, integration: Integration, work: Work
) -> None:
    answer = alice_client.post(f"/integrations/{integration.directory.key}/sync/")
    work()

    page = read(alice_client, answer["Location"])

    assert "Next: import the users into your IdP" in page
    assert "7 accounts belong to no user of your IdP yet." in page
